"""Adding evidence, an item's page, sharing and download."""

import hashlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases import reads
from tests import cast as story
from tests.cast import LINES, Person
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]


def form(content: bytes = LINES, **more: str) -> dict[str, object]:
    file = SimpleUploadedFile("trail 1.jsonl", content, content_type="application/json")
    return {
        "title": "A trail",
        "kind": "log",
        "marking": "TLP:AMBER",
        "command": str(uuid4()),
        **more,
        "file": file,
    }


def test_a_file_is_sealed_and_shown(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    answer = alice.post(
        world.url("/evidence/add"), form(method="Export", acquired_at="2026-02-08T11:44:10+01:00")
    )
    assert answer.status_code == 302
    page = alice.get(answer.headers["Location"]).text
    assert hashlib.sha256(LINES).hexdigest() in page
    assert "trail 1.jsonl" in page
    assert "2026-02-08T11:44:10+01:00" in page
    for kind in ("Acquired", "Received", "Sealed"):
        assert kind in page


def test_script_gets_json_and_a_retry_the_same_item(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    command = str(uuid4())
    answers = [
        alice.post(world.url("/evidence/add"), form(command=command), headers={"Accept": "application/json"})
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["sha256"] == hashlib.sha256(LINES).hexdigest()


def test_a_wrong_declared_hash_keeps_nothing_but_the_words(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    before = reads.items(world.cast.alice.actor, world.case).count()
    answer = alice.post(world.url("/evidence/add"), form(declared_sha256="0" * 64, note="words to keep"))
    assert answer.status_code == 422
    assert "words to keep" in answer.text and "SHA-256" in answer.text
    said = alice.post(
        world.url("/evidence/add"), form(declared_sha256="0" * 64), headers={"Accept": "application/json"}
    )
    assert said.status_code == 422 and said.json()["sentence"]
    assert reads.items(world.cast.alice.actor, world.case).count() == before


def test_a_time_without_zone_is_refused_beside_its_field(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).post(
        world.url("/evidence/add"), form(acquired_at="2026-02-08 11:44")
    )
    assert answer.status_code == 422
    assert "needs its zone" in answer.text


def test_no_file_is_refused(world: World, signed_in: SignedIn) -> None:
    without = form()
    del without["file"]
    assert signed_in(world.cast.alice).post(world.url("/evidence/add"), without).status_code == 422


def test_who_may_not_add_evidence_is_refused_before_the_body(world: World, signed_in: SignedIn) -> None:
    rhea = signed_in(world.cast.rhea)
    assert rhea.get(world.url("/evidence/add")).status_code == 403
    assert rhea.post(world.url("/evidence/add"), form()).status_code == 403
    assert "Add evidence" not in rhea.get(world.url("/evidence")).text
    story.close(world.case.pk, by=world.cast.alice, agreeing=[world.cast.carol])
    assert signed_in(world.cast.alice).post(world.url("/evidence/add"), form()).status_code == 409


def test_lists_show_no_trace_of_anothers_item(world: World, signed_in: SignedIn) -> None:
    for path in ("", "/evidence", "/search", "/custody", "/ledger"):
        page = signed_in(world.cast.alice).get(world.url(path)).text
        assert "their words" not in page and "their-secret" not in page and "E-2" not in page
        assert world.theirs.sha256 not in page


def test_a_share_shows_the_item_to_that_party_only_once_it_has_accepted(
    world: World, signed_in: SignedIn
) -> None:
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    where = world.url("/evidence/E-1/share")
    assert "Share with a party" in alice.get(world.url("/evidence/E-1")).text
    asked = {
        "to": str(world.cast.contoso),
        "operations": ["metadata", "preview"],
        "purpose": "Attribution",
        "legal_basis": "Agreement 7",
        "tlp": "TLP:AMBER",
        "expires_at": "",
        "command": str(uuid4()),
    }
    refused: list[dict[str, Any]] = [
        {"purpose": ""},
        {"operations": []},
        {"expires_at": "noon"},
        {"tlp": "TLP:RED"},
    ]
    for wrong in refused:
        assert alice.post(where, asked | wrong).status_code == 422
    assert alice.post(where, asked | {"expires_at": "2020-01-01T00:00:00Z"}).status_code == 422
    less = alice.post(where, asked | {"tlp": "TLP:CLEAR", "command": str(uuid4())})
    assert less.status_code == 409 and "at least as strictly" in less.text
    assert alice.post(where, asked).status_code == 302
    assert alice.post(where, asked).status_code == 302  # the same press again
    assert reads.shares(world.cast.alice.actor, world.case).count() == 1
    assert carol.get(world.url("/evidence/E-1")).status_code == 404
    (share,) = reads.shares(world.cast.carol.actor, world.case)
    story.accepted(world.case, share.pk)
    page = carol.get(world.url("/evidence/E-1"))
    assert page.status_code == 200
    assert "Download" not in page.text and "Share with a party" not in page.text
    assert carol.post(world.url("/evidence/E-1/download")).status_code == 404
    onward = asked | {"to": str(world.cast.regulator), "command": str(uuid4())}
    assert carol.post(where, onward).status_code == 403
    assert signed_in(world.cast.rhea).get(world.url("/evidence/E-1")).status_code == 404
    assert signed_in(world.cast.rhea).post(where, asked).status_code == 404


def test_download_gives_the_sealed_bytes_and_is_in_custody(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    answer = alice.post(world.url("/evidence/E-1/download"))
    assert answer.status_code == 200
    assert answer.getvalue() == LINES
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert "attachment" in answer.headers["Content-Disposition"]
    last = reads.custody(world.cast.alice.actor, world.ours).last()
    assert last is not None and last.kind == "examined" and last.particulars["how"] == "downloaded"


def test_the_state_part_is_polled_until_nothing_changes(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).get(world.url("/evidence/E-1/state"), headers={"HX-Request": "true"})
    assert 'hx-trigger="every 1s"' in answer.text
    assert "<html" not in answer.text


def test_custody_filters(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    assert alice.get(world.url("/custody?item=E-1&kind=sealed")).text.count("<tr>") == 2
    assert "No custody event fits" in alice.get(world.url("/custody?kind=disclosed")).text
    assert alice.get(world.url("/custody?item=E-2")).status_code == 404


def test_a_stranger_to_the_vault_sees_no_hint_of_equal_bytes(world: World, signed_in: SignedIn) -> None:
    twin = story.sealed_item(world.cast, world.case, by=world.cast.bob, title="The same bytes")
    page = signed_in(world.cast.alice).get(world.url(f"/evidence/{twin.label}")).text
    assert "E-2" not in page
