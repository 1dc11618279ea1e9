"""Who writes on the web gets a receipt: the entries that it made, their hashes, and the proof, once."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cases import reads
from tests.cast import Person
from tests.web.conftest import World
from tests.web.test_cases import SAID

SignedIn = Callable[[Person], Client]


def receipts(page: str) -> list[str]:
    return re.findall(r'<div class="notice good receipt".*?</div>', page, re.DOTALL)


def last(world: World) -> tuple[int, str]:
    """The newest entry of the case: its index and leaf hash."""
    actor = world.cast.alice.actor
    size = reads.ledger_head(actor, world.case).size
    return size - 1, reads.ledger_page(actor, world.case, after=size - 2)[0].leaf_hash


def test_a_step_is_answered_with_its_receipt_once(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    done = alice.post(
        world.url("/steps/ContainCase"), {"reason": "All keys are revoked", "command": str(uuid4())}
    )
    (notice,) = receipts(alice.get(done.headers["Location"]).text)
    index, leaf_hash = last(world)
    assert world.url(f"/ledger/{index}") in notice and leaf_hash in notice
    assert world.url(f"/ledger/{index}/proof") in notice
    assert receipts(alice.get(world.url()).text) == []


def test_a_double_press_has_one_receipt(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    form = {"reason": "All keys are revoked", "command": str(uuid4())}
    alice.post(world.url("/steps/ContainCase"), form)
    alice.post(world.url("/steps/ContainCase"), form)
    assert len(receipts(alice.get(world.url()).text)) == 1


def test_what_was_refused_has_none(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    assert receipts(alice.post(world.url("/steps/OpenCase"), {}).text) == []
    assert receipts(alice.get(world.url()).text) == []


def test_a_new_case_shows_all_its_entries(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    made = alice.post("/cases/new", SAID | {"command": str(uuid4())})
    (notice,) = receipts(alice.get(made.headers["Location"]).text)
    assert (
        f"{made.headers['Location']}/ledger/0" in notice and f"{made.headers['Location']}/ledger/1" in notice
    )


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_upload_has_one_by_form_and_by_script(world: World, signed_in: SignedIn, accept: str) -> None:
    alice = signed_in(world.cast.alice)
    sent = {
        "title": "One more log",
        "kind": "log",
        "marking": "TLP:AMBER",
        "command": str(uuid4()),
        "file": SimpleUploadedFile("a.log", b"one line\n"),
    }
    done = alice.post(world.url("/evidence/add"), sent, headers={"Accept": accept})
    assert done.status_code in {201, 302}
    url = done.json()["url"] if accept == "application/json" else done.headers["Location"]
    (notice,) = receipts(alice.get(url).text)
    index, leaf_hash = last(world)
    assert f"/ledger/{index}" in notice and leaf_hash in notice


def test_revising_and_sharing_have_one(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    same = {name: getattr(world.case, name) for name in SAID}
    done = alice.post(world.url("/revise"), same | {"title": "A better title"})
    assert len(receipts(alice.get(done.headers["Location"]).text)) == 1
    done = alice.post(
        world.url("/evidence/E-1/share"),
        {
            "to": str(world.cast.contoso),
            "operations": ["search"],
            "purpose": "Joint analysis",
            "tlp": "TLP:AMBER",
            "command": str(uuid4()),
        },
    )
    (notice,) = receipts(alice.get(done.headers["Location"]).text)
    assert last(world)[1] in notice
