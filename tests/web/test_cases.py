"""My cases, creating and revising one, and its steps."""

from collections.abc import Callable
from uuid import uuid4

from django.test import Client

from cases import reads, together
from tests import cast as story
from tests.cast import Person
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]

SAID = {
    "title": "Resold keys",
    "summary": "Two resellers.",
    "category": "credential_abuse",
    "severity": "high",
    "tlp": "TLP:AMBER",
}


def test_the_list_shows_only_ones_own_cases(world: World, signed_in: SignedIn) -> None:
    assert world.case.title in signed_in(world.cast.alice).get("/").text
    mallory = signed_in(world.cast.mallory).get("/").text
    assert world.case.title not in mallory
    assert "No case yet" in mallory


def test_counts_are_of_what_one_may_see(world: World, signed_in: SignedIn) -> None:
    for person, items in ((world.cast.alice, 1), (world.cast.carol, 1), (world.cast.rhea, 0)):
        answer = signed_in(person).get("/", headers={"HX-Request": "true"})
        assert f'data-label="Items">{items}<' in answer.text
        assert "<html" not in answer.text


def test_the_list_is_filtered_by_words_and_status(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    assert world.case.title in alice.get("/?text=extraction&status=open").text
    assert "No case fits" in alice.get("/?text=extraction&status=closed").text
    assert "No case fits" in alice.get("/?text=nothing+like+it").text


def test_a_double_press_creates_one_case(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    form = SAID | {"command": str(uuid4())}
    first, second = alice.post("/cases/new", form), alice.post("/cases/new", form)
    assert first.status_code == second.status_code == 302
    assert first.headers["Location"] == second.headers["Location"]
    assert reads.my_cases(world.cast.alice.actor, text="Resold keys").count() == 1


def test_a_refused_case_keeps_what_was_typed(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).post("/cases/new", SAID | {"title": "  ", "summary": "kept words"})
    assert answer.status_code == 422
    assert "kept words" in answer.text


def test_a_viewer_cannot_create_a_case(world: World, signed_in: SignedIn) -> None:
    rhea = signed_in(world.cast.rhea)
    assert rhea.get("/cases/new").status_code == 403
    assert "New case" not in rhea.get("/").text


def test_revising_a_case_and_changing_nothing(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    same = {name: getattr(world.case, name) for name in SAID}
    answer = alice.post(world.url("/revise"), same)
    assert answer.status_code == 409
    assert "Nothing would change." in answer.text
    assert alice.post(world.url("/revise"), same | {"title": "A better title"}).status_code == 302
    assert "A better title" in alice.get(world.url()).text


def test_steps_are_offered_by_role_and_status(world: World, signed_in: SignedIn) -> None:
    alice, carol, rhea = (
        signed_in(p).get(world.url()).text for p in (world.cast.alice, world.cast.carol, world.cast.rhea)
    )
    assert "Mark as contained" in alice and "Close the case" in alice and "Open the case" not in alice
    assert "Mark as contained" not in carol and "Place a legal hold" in carol
    assert "Next step" not in rhea


def test_a_case_is_contained_with_a_reason(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    missing = alice.post(world.url("/steps/ContainCase"), {"reason": ""})
    assert missing.status_code == 422
    done = alice.post(
        world.url("/steps/ContainCase"), {"reason": "All keys are revoked", "command": str(uuid4())}
    )
    assert done.status_code == 302
    assert reads.case(world.cast.alice.actor, world.case.pk).status == "contained"


def test_a_step_that_is_not_offered_is_refused_with_its_sentence(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).post(world.url("/steps/OpenCase"), {})
    assert answer.status_code == 409
    assert "Only a draft is opened." in answer.text


def test_a_hold_is_seen_by_every_party(world: World, signed_in: SignedIn) -> None:
    carol = signed_in(world.cast.carol)
    assert (
        carol.post(world.url("/steps/PlaceLegalHold"), {"reason": "Expected litigation"}).status_code == 302
    )
    for person in (world.cast.alice, world.cast.carol, world.cast.rhea):
        page = signed_in(person).get(world.url()).text
        assert "Legal hold" in page and "Expected litigation" in page
    assert "Lift your party’s legal hold" in carol.get(world.url()).text


def test_adding_a_party_lets_it_in(db: None, signed_in: SignedIn) -> None:
    cast = story.the_cast()
    case = story.joint_case(cast)
    alice = signed_in(cast.alice)
    answer = alice.post(
        f"/cases/{case.reference}/steps/AddParty", {"party": str(cast.outsiders), "role": "observer"}
    )
    assert answer.status_code == 302
    assert signed_in(cast.mallory).get(f"/cases/{case.reference}").status_code == 404
    (asked,) = together.questions(cast.carol.actor, case)
    consent = f"/cases/{case.reference}/proposals/{asked.proposal.pk}/ConsentToParty"
    assert signed_in(cast.carol).post(consent).status_code == 302
    assert signed_in(cast.mallory).get(f"/cases/{case.reference}").status_code == 200


def test_words_of_people_are_escaped(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    evil = SAID | {"title": "<script>alert(1)</script>", "summary": "<img src=x onerror=alert(1)>"}
    made = alice.post("/cases/new", evil)
    for url in (made.headers["Location"], "/", f"{made.headers['Location']}/ledger"):
        page = alice.get(url).text
        assert "<script>alert" not in page and "<img src=x" not in page
