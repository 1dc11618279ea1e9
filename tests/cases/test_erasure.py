"""Erased is gone: from the tables, the pages, the exports and the memory of processes; and every proof still
holds."""

import json
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client

from cases import bundle, erasing, intake, memory, reads
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused
from cases.rules.case import CloseCase, PlaceLegalHold, ReopenCase, ReviseCase
from cases.rules.erasure import ERASABLE, ERASED, EraseValues
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.sharing import OfferShare
from ledger import signing
from ledger.host import host_key
from ledger.verify import verify_log
from tests import cast
from tests.api.client import Api, api_of
from tests.keyholders import FileKey, register, sign

pytestmark = pytest.mark.usefixtures("whole_db")

REPOSITORY = Path(__file__).parents[2]
SECRET = "Zoë Example, 7 Elm Street"
AGAIN = "asked for by the person concerned"


@pytest.fixture
def people() -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    """A joint case whose own words hold the secret wherever words may stand."""
    case, alice = cast.joint_case(people), people.alice.actor
    perform(ReviseCase(case=case.pk, title=f"About {SECRET}", summary=f"It is {SECRET}."), actor=alice)
    cast.close(case.pk, by=people.alice, agreeing=[people.carol], reason=f"{SECRET} has left")
    perform(ReopenCase(case=case.pk, reason=f"{SECRET} is back"), actor=alice)
    return reads.case(alice, case.pk)


@pytest.fixture
def item(people: cast.Cast, case: Case) -> EvidenceItem:
    """An item with the secret in every free text, shown to Contoso for it, and read by Northwind for it."""
    named = {name: f"{SECRET} as {name}" for name in ERASABLE["EvidenceAcquired"]}
    facts = intake.AcquisitionFacts(**named)
    item = intake.receive(
        BytesIO(b"{}\n"), actor=people.alice.actor, case=case, facts=facts, filename=f"{SECRET}.jsonl"
    )
    shown = OfferShare(
        case=case.pk,
        share=uuid4(),
        items=(item.pk,),
        to=people.contoso,
        operations=cast.CONTENT,
        purpose=f"To find {SECRET}",
        legal_basis=SECRET,
        summary=f"All of {SECRET}",
    )
    perform(shown, actor=people.alice.actor)
    cast.accepted(case, shown.share)
    read = (Examination(item=item.pk, how="preview", query=f"name:{SECRET}"),)
    perform(
        ExamineEvidence(case=case.pk, examinations=read, purpose=f"Is it {SECRET}?"), actor=people.alice.actor
    )
    return item


def erase(people: cast.Cast, case: Case, entry: int, *names: str, reason: str = AGAIN) -> None:
    perform(EraseValues(case=case.pk, entry=entry, names=names, reason=reason), actor=people.alice.actor)


def erase_everything(people: cast.Cast, case: Case) -> int:
    """All that alice may erase of the case; how many entries that were."""
    entries = [
        (index, names)
        for index in range(reads.ledger_head(people.alice.actor, case).size)
        if (names := tuple(erasing.erasable(people.alice.actor, case, index)))
    ]
    for index, names in entries:
        if left := [one for one in names if one in erasing.erasable(people.alice.actor, case, index)]:
            erase(people, case, index, *left)
    return len(entries)


def places_of(text: str) -> list[str]:
    """The tables of the whole database in which some row holds these words, as text or as bytes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for name in tables:
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", (f'"{name}"',))
            if cursor.fetchone() != (True,):
                continue
            escaped = json.dumps(text)[1:-1].replace("\\", "\\\\")
            given = (f"%{text}%", f"%{escaped}%", f"%{text.encode().hex()}%")
            cursor.execute(f'SELECT count(*) FROM "{name}" t WHERE t::text LIKE ANY(%s)', (list(given),))
            if cursor.fetchone() != (0,):
                found.append(name)
    return found


def everything_shown(people: cast.Cast, case: Case, item: EvidenceItem) -> str:
    """What alice and carol see on all pages, in the API, and in what they take along."""
    size, told = reads.ledger_head(people.alice.actor, case).size, []
    for person in (people.alice, people.carol):
        browser, api = Client(), api_of(person)
        browser.force_login(person.user)
        at = f"/cases/{case.reference}"
        pages = ["/", at, f"{at}/custody", f"{at}/evidence", f"{at}/evidence/E-1", f"{at}/ledger"]
        told += [browser.get(page).text for page in [*pages, *(f"{at}/ledger/{n}" for n in range(size))]]
        told += [api.get(path).text for path in _api_paths(case, item)]
        told += [data.decode("utf-8", "replace") for data in taken_along(person, case).values()]
    return "\n".join(told)


def _api_paths(case: Case, item: EvidenceItem) -> list[str]:
    at = f"/cases/{case.pk}"
    return [
        at,
        "/cases",
        f"{at}/evidence/{item.pk}",
        f"{at}/evidence/{item.pk}/custody",
        f"{at}/ledger/entries",
    ]


def taken_along(person: cast.Person, case: Case) -> dict[str, bytes]:
    parts = b"".join(bundle.export(person.actor, case).parts)
    with zipfile.ZipFile(BytesIO(parts)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verifier_says(person: cast.Person, case: Case, folder: Path) -> tuple[int, str]:
    path, policy = folder / f"{uuid4()}.zip", folder / "policy"
    path.write_bytes(b"".join(bundle.export(person.actor, case).parts))
    origin = signing.parse_checkpoint(reads.ledger_head(person.actor, case).checkpoint_text).origin
    policy.write_text(f"log {signing.vkey(origin, host_key().public)}\nquorum none\n")
    given = [sys.executable, "-m", "verifier", str(path), "--policy", str(policy)]
    done = subprocess.run(given, cwd=REPOSITORY, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_nothing_of_an_erased_value_is_left_and_everything_still_verifies(
    people: cast.Cast, case: Case, item: EvidenceItem, tmp_path: Path
) -> None:
    assert places_of(SECRET) == [
        "cases_case",
        "cases_custodyevent",
        "cases_evidenceitem",
        "cases_proposal",
        "cases_share",
        "ledger_opening",
    ]
    assert SECRET in everything_shown(people, case, item)
    salts = [
        salt
        for row in reads.ledger_page(people.alice.actor, case)
        for salt, value in (row.opening or {}).values()
        if SECRET in str(value)
    ]
    assert erase_everything(people, case) > 8
    assert places_of(SECRET) == []
    assert SECRET not in everything_shown(people, case, item)
    assert len(salts) > 15
    for salt in salts:
        assert places_of(salt) == []
    assert verify_log(case.pk) == []
    assert compare(lambda done, total: None) == []
    for person in (people.alice, people.carol, people.rhea):
        code, said = verifier_says(person, case, tmp_path)
        assert code == 0, said


def test_the_pages_say_that_something_was_erased_and_the_rest_as_before(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    rows = {row.type: row for row in reads.ledger_page(people.alice.actor, case)}
    entry = rows["EvidenceAcquired"].index
    erase(people, case, entry, "note", "account", "title", "acquired_by")
    after = reads.item(people.carol.actor, reads.case(people.carol.actor, case.pk), item.pk)
    assert (after.note, after.account, after.title, after.acquired_by) == (ERASED,) * 4
    assert after.tenant == f"{SECRET} as tenant"
    assert (after.sha256, after.state, after.number) == (item.sha256, item.state, item.number)
    acquired, *rest = reads.custody(people.carol.actor, after)
    assert acquired.who == ERASED
    assert acquired.particulars["account"] == ERASED
    assert acquired.particulars["tenant"] == f"{SECRET} as tenant"
    assert all(ERASED not in str(step.particulars) for step in rest)
    row = reads.ledger_page(people.carol.actor, case, after=entry - 1, limit=1)[0]
    assert f"acquired E-1, “{ERASED}”" in row.sentence
    assert row.erased.keys() == {"note", "account", "title", "acquired_by"}
    told = reads.ledger_page(people.carol.actor, case)[-1]
    assert told.type == "ValuesErased"
    assert f"erased note, account, title and acquired by of entry {entry}: {AGAIN}" in told.sentence
    assert told.opening is not None
    assert dict(zip(told.opening["names"][1], told.opening["digests"][1], strict=True)) == row.erased  # type: ignore[arg-type]
    assert (
        erasing.erasable(people.alice.actor, case, entry).keys()
        == {*ERASABLE["EvidenceAcquired"]} - row.erased.keys()
    )


def test_later_words_of_the_case_stay_when_earlier_ones_go(people: cast.Cast, case: Case) -> None:
    rows = {row.type: row.index for row in reversed(reads.ledger_page(people.alice.actor, case))}
    erase(people, case, rows["CaseCreated"], "title", "summary")
    shown = reads.case(people.carol.actor, case.pk)
    assert shown.title == f"About {SECRET}"
    erase(people, case, rows["CaseRevised"], "title")
    shown = reads.case(people.carol.actor, case.pk)
    assert (shown.title, shown.summary) == (ERASED, f"It is {SECRET}.")
    erase(people, case, rows["CaseReopened"], "reason")
    assert reads.case(people.carol.actor, case.pk).status_reason == ERASED
    perform(
        ReviseCase(case=case.pk, title="A new one", expect=reads.case(people.alice.actor, case.pk).version),
        actor=people.alice.actor,
    )
    assert compare(lambda done, total: None) == []


def test_every_process_forgets_what_was_erased(people: cast.Cast, case: Case) -> None:
    """Each remembers the case as folded, so that deciding is quick; here one that was away meanwhile."""
    perform(ReviseCase(case=case.pk, severity="critical"), actor=people.alice.actor)
    elsewhere = memory.of(case.pk)
    assert elsewhere is not None
    assert SECRET in str(elsewhere.state.said)
    rows = {row.type: row.index for row in reversed(reads.ledger_page(people.alice.actor, case))}
    erase(people, case, rows["CaseRevised"], "title", "summary")
    assert memory.of(case.pk) is None
    memory._memories[case.pk] = elsewhere
    perform(ReviseCase(case=case.pk, severity="low"), actor=people.alice.actor)
    assert SECRET not in str(memory.of(case.pk))
    # What is forgotten cannot be found out by trying: the same words again are a change.
    perform(ReviseCase(case=case.pk, title=f"About {SECRET}"), actor=people.alice.actor)


def test_who_may_not_read_the_entry_does_not_read_of_its_erasure(people: cast.Cast, case: Case) -> None:
    """Contoso's own item, its examination by Contoso and by nobody else: Northwind sees sealed entries."""
    theirs = cast.sealed_item(people, case, by=people.carol)
    read = (Examination(item=theirs.pk, how="search", query=SECRET),)
    perform(ExamineEvidence(case=case.pk, examinations=read), actor=people.carol.actor)
    size = reads.ledger_head(people.carol.actor, case).size
    for entry, name in ((size - 1, "query"), (size - 2, "filename")):
        command = EraseValues(case=case.pk, entry=entry, names=(name,), reason=AGAIN)
        perform(command, actor=people.carol.actor)
    mine, others = (
        reads.ledger_page(person.actor, case, after=size - 1) for person in (people.carol, people.alice)
    )
    # The file's name stood in two entries of one act.
    assert [row.type for row in mine] == ["ValuesErased"] * 3
    assert [row.opening for row in others] == [None] * 3
    assert AGAIN not in str(others)


def test_a_hold_and_a_signature_keep_words(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    register(key := FileKey(), by=people.alice)
    close = CloseCase(case=case.pk, reason=f"{SECRET} again")
    perform(close, actor=people.alice.actor, authorship=sign(key, close))
    entry = reads.ledger_head(people.alice.actor, case).size - 1
    assert erasing.erasable(people.alice.actor, case, entry) == {}
    with pytest.raises(Refused) as refused:
        erase(people, case, entry, "reason")
    assert refused.value.code == "signed"
    perform(PlaceLegalHold(case=case.pk, reason="Proceedings"), actor=people.carol.actor)
    held = reads.case(people.alice.actor, case.pk)
    before = places_of(SECRET)
    with pytest.raises(Refused) as refused:
        erase(people, held, 1, "title")
    assert refused.value.code == "legal-hold"
    assert erasing.erasable(people.alice.actor, held, 1) == {}
    assert places_of(SECRET) == before


def test_the_same_command_again_does_nothing(people: cast.Cast, case: Case) -> None:
    command = EraseValues(case=case.pk, entry=1, names=("title",), reason=AGAIN)
    first = perform(command, actor=people.alice.actor)
    again = perform(command, actor=people.alice.actor)
    assert (again.replayed, again.first) == (True, first.first)


def test_by_api(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    path = f"/cases/{case.pk}/ledger/entries"
    entry = _index(api_of(people.alice), case, "EvidenceReceived")
    asked = {"names": ["filename"], "reason": AGAIN}
    answer = api_of(people.alice).post(f"{path}/{entry}/erase", asked)
    assert answer.status_code == 201, answer.text
    assert [one["entry"] for one in answer.json()["erased"]] == [entry, entry + 1]
    shown = api_of(people.carol).get(f"{path}/{entry}").json()
    assert "filename" not in shown["opening"]
    assert shown["erased"].keys() == {"filename"}
    assert api_of(people.carol).post(f"{path}/{entry}/erase", asked).status_code == 403
    assert api_of(people.mallory).post(f"{path}/{entry}/erase", asked).status_code == 404
    assert api_of(people.alice).post(f"{path}/{entry}/erase", asked).json()["type"].endswith("erased-already")
    wrong = api_of(people.alice).post(f"{path}/{entry}/erase", {"names": ["sha256"], "reason": AGAIN})
    assert wrong.json()["type"].endswith("not-erasable")


def _index(api: Api, case: Case, kind: str) -> int:
    entries = api.get(f"/cases/{case.pk}/ledger/entries").json()["entries"]
    return next(int(one["index"]) for one in entries if one["type"] == kind)


def test_by_page(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    browser = Client()
    browser.force_login(people.alice.user)
    entry = _index(api_of(people.alice), case, "EvidenceAcquired")
    at = f"/cases/{case.reference}/ledger/{entry}"
    assert f"{at}/erase" in browser.get(at).text
    form = browser.get(f"{at}/erase").text
    assert f"{SECRET} as note" in form
    assert "sha256" not in form
    pressed = {"command": str(uuid4()), "reason": AGAIN}
    answer = browser.post(f"{at}/erase", pressed)
    assert (answer.status_code, "What to erase is missing." in answer.text) == (422, True)
    answer = browser.post(f"{at}/erase", pressed | {"names": ["note", "query"]})
    assert (answer.status_code, answer.headers["Location"]) == (302, at)
    assert browser.post(f"{at}/erase", pressed | {"names": ["note", "query"]}).status_code == 302
    shown = browser.get(at).text
    assert f"{SECRET} as note" not in shown
    assert "value and salt were destroyed" in shown
    for person, code in ((people.carol, 403), (people.bob, 403), (people.mallory, 404)):
        browser.force_login(person.user)
        assert browser.get(f"{at}/erase").status_code == code
        answer = browser.post(f"{at}/erase", pressed | {"command": str(uuid4()), "names": ["tenant"]})
        assert answer.status_code == code
        assert f"{at}/erase" not in browser.get(at).text
    browser.force_login(people.alice.user)
    assert browser.get(f"/cases/{case.reference}/ledger/9999/erase").status_code == 404
    perform(PlaceLegalHold(case=UUID(str(case.pk)), reason="Proceedings"), actor=people.carol.actor)
    assert browser.get(f"{at}/erase").status_code == 409
