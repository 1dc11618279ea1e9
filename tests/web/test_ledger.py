"""The ledger's pages: how far the history is proven, said so that a lawyer understands it."""

import html
import re
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from cases import reads
from cases.perform import perform
from cases.rules.case import ReviseCase
from cases.rules.sharing import OfferShare
from ledger import erasure
from ledger.models import TimeStamp
from tests import cast as story
from tests.cast import Person
from tests.keyholders import FileKey, Passkey, register, sign
from tests.web.conftest import World
from tests.witnesses import Witness, witness_of
from verifier.__main__ import main as verify

SignedIn = Callable[[Person], Client]


def words(page: str) -> str:
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))


def size_of(world: World) -> int:
    return reads.ledger_head(world.cast.alice.actor, world.case).size


def one_more_entry(world: World) -> int:
    """Something happens in the case; the index of its entry."""
    said = ReviseCase(case=world.case.pk, summary=f"At {datetime.now(UTC)}.")
    return perform(said, actor=world.cast.alice.actor).first


@pytest.fixture
def northwind(world: World) -> Witness:
    return witness_of(world.cast.alice)


@pytest.fixture
def contoso(world: World) -> Witness:
    return witness_of(world.cast.carol)


def test_sealed_entries_tell_index_party_and_time_alone(world: World, signed_in: SignedIn) -> None:
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    sealed = re.findall(r"Sealed entry (\d+), by Contoso", alice.get(world.url("/ledger")).text)
    assert len(sealed) == 3
    assert "Contoso trail" not in alice.get(world.url("/ledger")).text
    for index in sealed:
        page = alice.get(world.url(f"/ledger/{index}")).text
        assert "is not shared with you" in page
        for told in ("Evidence", "E-2", "their", "Carol", "What was sealed", "Who signed"):
            assert told not in re.sub(r"<header.*?</header>", "", page, flags=re.DOTALL)
        assert "What was sealed" in carol.get(world.url(f"/ledger/{index}")).text


def test_a_signed_entry_that_is_sealed_does_not_say_who_signed(world: World, signed_in: SignedIn) -> None:
    key = Passkey()
    register(key, by=world.cast.carol)
    index = shared_by_carol(world, key)
    page = signed_in(world.cast.alice).get(world.url(f"/ledger/{index}")).text
    assert "is not shared with you" in page and "Signed by" not in page and "Carol" not in page


def shared_by_carol(world: World, key: FileKey | Passkey) -> int:
    """Contoso offers its item to the regulator, signed; the index of the act."""
    act = OfferShare(
        case=world.case.pk,
        share=uuid4(),
        items=(world.theirs.pk,),
        to=world.cast.regulator,
        operations=("search",),
        purpose="Supervision",
    )
    return perform(act, actor=world.cast.carol.actor, authorship=sign(key, act)).first


@pytest.mark.parametrize(("key", "how"), [(FileKey(), "a key of their own"), (Passkey(), "a passkey")])
def test_who_signed_an_act_and_what_is_said_to_those_who_may_read_it(
    world: World, signed_in: SignedIn, key: FileKey | Passkey, how: str
) -> None:
    register(key, by=world.cast.carol)
    index = shared_by_carol(world, key)
    page = words(signed_in(world.cast.carol).get(world.url(f"/ledger/{index}")).text)
    assert f"Signed by Carol with {how}" in page
    assert '"intent":"countersign/intent/v1"' in page


def test_every_entry_has_bytes_and_a_proof_that_holds(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    size = size_of(world)
    for index in range(size):
        page = alice.get(world.url(f"/ledger/{index}"))
        assert page.status_code == 200
        assert "the path ends at this root" in page.text
        assert f"The path from entry {index} to the root of {size} entries" in page.text
        assert "their words" not in page.text
    assert alice.get(world.url(f"/ledger/{size}")).status_code == 404


def test_opened_entries_show_fields_with_their_digests(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.cast.alice).get(world.url("/ledger/1")).text
    assert "Field digest" in page and world.case.title in page


def test_an_erased_field_is_shown_as_erased_with_its_digest(world: World, signed_in: SignedIn) -> None:
    index = one_more_entry(world)
    with transaction.atomic():
        digests = erasure.erase(world.case.pk, index, ["summary"])
    page = signed_in(world.cast.alice).get(world.url(f"/ledger/{index}")).text
    assert "Erased: value and salt were destroyed" in page
    assert digests["summary"] in page and "the path ends at this root" in page


def test_the_ledger_is_paged(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    first = alice.get(world.url("/ledger?from=0")).text
    assert 'ledger/0"' in first and 'ledger/1"' not in first and "Newer" in first
    assert alice.get(world.url("/ledger?from=99999999999999")).status_code == 200
    assert 'id="e1" aria-selected="true"' in alice.get(world.url("/ledger?at=1")).text
    assert "There is no entry 5,000" in alice.get(world.url("/ledger?at=5000")).text
    assert alice.get(world.url("/ledger?from=x&at=-1&show=none")).status_code == 200


def test_the_entries_are_filtered(
    world: World, signed_in: SignedIn, northwind: Witness, contoso: Witness
) -> None:
    alice = signed_in(world.cast.alice)
    mine = alice.get(world.url("/ledger?show=open")).text
    assert "Sealed entry" not in mine and 'ledger/1"' in mine
    for witness in (northwind, contoso):
        witness.cosign(world.case.pk)
    assert "Nothing waits" in alice.get(world.url("/ledger?show=waiting")).text
    index = one_more_entry(world)
    waiting = alice.get(world.url("/ledger?show=waiting")).text
    assert f'ledger/{index}"' in waiting and f'ledger/{index - 1}"' not in waiting


def test_without_any_witness_only_the_host_has_signed(world: World, signed_in: SignedIn) -> None:
    page = words(signed_in(world.cast.alice).get(world.url("/ledger")).text)
    assert "Not countersigned by all yet" in page
    assert f"have no witness yet: only the host has signed these {size_of(world)} entries." in page
    assert "no time-stamp authority is set up on this host" in page
    assert "recorded, a witness is missing" in page and "History whole" not in page


def test_a_missing_witness_is_named(world: World, signed_in: SignedIn, northwind: Witness) -> None:
    northwind.cosign(world.case.pk)
    page = words(signed_in(world.cast.carol).get(world.url("/ledger")).text)
    assert re.search(r"Contoso \w+ has no witness yet: only the host and Northwind \w+’s witness vouch", page)
    assert "Set up your party’s witness" in page


def test_with_both_witnesses_the_history_is_whole(
    world: World, signed_in: SignedIn, northwind: Witness, contoso: Witness
) -> None:
    alice = signed_in(world.cast.alice)
    for witness in (northwind, contoso):
        witness.cosign(world.case.pk, at=datetime.now(UTC) - timedelta(minutes=3))
    page = alice.get(world.url("/ledger")).text
    assert "History whole" in page and "countersigned 3 min ago" in words(page)
    assert f"have countersigned all {size_of(world)} entries." in words(page)
    assert page.count("yet</title>") == 0, "no ring is open"


def test_new_entries_wait_for_who_has_not_seen_them(
    world: World, signed_in: SignedIn, northwind: Witness, contoso: Witness
) -> None:
    alice = signed_in(world.cast.alice)
    for witness in (northwind, contoso):
        witness.cosign(world.case.pk)
    one_more_entry(world)
    index = one_more_entry(world)
    northwind.cosign(world.case.pk)
    page = alice.get(world.url("/ledger")).text
    assert re.search(
        r"The 2 newest entries wait for Contoso \w+’s witness; the oldest for \d+ s\.", words(page)
    )
    assert "All before them are countersigned." in page and "recorded, 2 waiting" in page
    row = re.search(rf'<tr class="go" id="e{index}">.*?</tr>', page, re.DOTALL)
    assert row and re.search(r"countersigned by Northwind \w+; not by Contoso \w+ yet", row.group())
    first = re.search(r'<tr class="go" id="e0">.*?</tr>', page, re.DOTALL)
    assert first and re.search(r"countersigned by Northwind \w+ and Contoso \w+<", first.group())


def test_an_observer_is_shown_and_not_waited_for(
    world: World, signed_in: SignedIn, northwind: Witness, contoso: Witness
) -> None:
    for witness in (northwind, contoso):
        witness.cosign(world.case.pk)
    page = words(signed_in(world.cast.rhea).get(world.url("/ledger")).text)
    assert "History whole" in page and "observer, not needed" in page


def test_of_three_parties_each_has_its_ring(
    world: World, signed_in: SignedIn, northwind: Witness, contoso: Witness
) -> None:
    cast = world.cast
    story.add_party(world.case.pk, cast.outsiders, by=cast.alice, consenting=[cast.carol])
    third = witness_of(cast.mallory)
    for witness in (northwind, contoso):
        witness.cosign(world.case.pk)
    page = words(signed_in(cast.mallory).get(world.url("/ledger")).text)
    assert re.search(rf"All {size_of(world)} entries wait for Outsiders \w+’s witness", page)
    third.cosign(world.case.pk)
    page = signed_in(cast.mallory).get(world.url("/ledger")).text
    assert "All 3 parties have countersigned all" in words(page)


def test_an_entry_goes_from_recorded_to_countersigned_to_time_stamped(
    world: World, signed_in: SignedIn, northwind: Witness, contoso: Witness
) -> None:
    alice = signed_in(world.cast.alice)
    now = datetime.now(UTC)
    northwind.cosign(world.case.pk, at=now - timedelta(hours=2))
    index = one_more_entry(world)
    page = words(alice.get(world.url(f"/ledger/{index}")).text)
    assert "waits for its witness" in page and "Only the host’s word so far" in page
    northwind.cosign(world.case.pk, at=now)
    contoso.cosign(world.case.pk, at=now + timedelta(seconds=30))
    page = words(alice.get(world.url(f"/ledger/{index}")).text)
    assert "waits for its witness" not in page and "no authority has yet" in page
    after, by = now - timedelta(hours=2), now
    assert f"Not before {after:%Y-%m-%d %H:%M:%S} UTC , when a party’s witness had countersigned" in page
    assert re.search(
        rf"At the latest by {by:%Y-%m-%d %H:%M:%S} UTC , when Northwind \w+’s witness had it", page
    )
    TimeStamp.objects.create(
        log=world.case.pk, size=size_of(world), authority="Stamps & Sons", note="", response=b"", chain="",
        stamped_at=now, received_at=now,
    )  # fmt: skip
    page = alice.get(world.url(f"/ledger/{index}")).text
    assert "Stamps &amp; Sons" in page and "no authority has yet" not in page
    assert 'aria-label="time-stamped"' in alice.get(world.url("/ledger")).text


def test_the_commands_on_the_page_verify_what_the_page_gives(
    world: World,
    signed_in: SignedIn,
    northwind: Witness,
    contoso: Witness,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    alice = signed_in(world.cast.alice)
    monkeypatch.chdir(tmp_path)
    for round_ in ("whole", "with newer entries that wait"):
        if round_ == "whole":
            for witness in (northwind, contoso):
                witness.cosign(world.case.pk)
        else:
            one_more_entry(world)
        page = alice.get(world.url("/ledger")).text
        for path in ("/ledger/export", "/ledger/policy"):
            assert f'href="{world.url(path)}"' in page
            answer = alice.get(world.url(path))
            name = re.search('filename="(.+)"', answer.headers["Content-Disposition"])
            assert name
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
            Path(name[1]).write_bytes(body)
        shown = re.search(r'data-copy="(countersign-verify [^"]+)"', page)
        assert shown
        command = shlex.split(html.unescape(shown[1]))
        assert ("--allow-pending" in command) == (round_ != "whole")
        assert verify(command[1:]) == 0, capsys.readouterr().out
        assert "All holds" in capsys.readouterr().out


def test_the_policy_names_the_keys_and_asks_to_compare_them(
    world: World, signed_in: SignedIn, northwind: Witness
) -> None:
    answer = signed_in(world.cast.carol).get(world.url("/ledger/policy"))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{world.case.reference}.policy"'
    assert northwind.vkey in answer.text and "compare each" in answer.text
    page = words(signed_in(world.cast.carol).get(world.url("/ledger")).text)
    assert "compare them with the other parties by another way" in page


def test_an_entrys_receipt_is_a_file_for_whoever_sees_the_case(world: World, signed_in: SignedIn) -> None:
    index = size_of(world) - 1
    for person in (world.cast.alice, world.cast.rhea):
        answer = signed_in(person).get(world.url(f"/ledger/{index}/proof"))
        assert answer.text.startswith(f"c2sp.org/tlog-proof@v1\nindex {index}\n")
        assert "attachment" in answer.headers["Content-Disposition"]
    assert signed_in(world.cast.alice).get(world.url(f"/ledger/{index + 1}/proof")).status_code == 404
