"""Custody by API: the acts of both sides, what each answers, and what a stranger hears."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from cases import errands, ingest
from cases.models import Case, EvidenceItem
from evidence.vault import vault
from ledger.authorship import key_id
from tests import cast, keyholders
from tests.api.client import Api
from tests.cast import Cast
from tests.keyholders import FileKey

pytestmark = pytest.mark.usefixtures("whole_db")


@dataclass
class World:
    """A joint case with an item of Northwind's that Contoso sees, and both sides at their tools."""

    people: Cast
    case: Case
    item: EvidenceItem

    def by(self, name: str) -> Api:
        return Api(cast.token(getattr(self.people, name)))

    def at(self, rest: str) -> str:
        return f"/cases/{self.case.pk}/evidence/{self.item.pk}/{rest}"

    def act(self, name: str, act: str, **body: Any) -> Any:
        """An act that must succeed, as answered."""
        answer = self.by(name).post(self.at(f"custody/{act}"), body)
        assert answer.status_code == 201, answer.content
        return answer.json()


@pytest.fixture
def world() -> World:
    people = cast.the_cast()
    case = cast.joint_case(people)
    item = cast.sealed_item(people, case, content=cast.LINES + uuid4().hex.encode() + b"\n")
    ingest.run(item.pk)
    cast.disclose(case, item, people.contoso, by=people.alice)
    return World(people, case, EvidenceItem.objects.get(pk=item.pk))


def test_both_sides_hand_an_item_over_and_back(world: World) -> None:
    people = world.people
    offered = world.act("alice", "offer", to=str(people.contoso), purpose="Analysis", seal="N-17")
    early = world.by("dan").post(world.at("custody/accept"), {"offer": offered["id"]})
    assert (early.status_code, early.json()["type"].rsplit(":", 1)[1]) == (409, "not-rehashed")
    errands.run(offered["id"])
    (told,) = world.by("dan").get(world.at("custody/offers")).json()["results"]
    assert (told["status"], told["seal"], told["sha256"]) == ("offered", "N-17", world.item.sha256)
    assert told["rehashed_at"]
    taken = world.act("dan", "accept", offer=offered["id"], condition="Whole", place="Vault B")
    assert taken["holder"]["id"] == str(people.contoso)
    back = world.act("dan", "return", purpose="Done")
    errands.run(back["id"])
    assert world.act("alice", "accept", offer=back["id"])["holder"]["id"] == str(people.northwind)
    offers = world.by("alice").get(world.at("custody/offers")).json()["results"]
    assert [(one["status"], one["returns"]) for one in offers] == [
        ("accepted", offered["id"]),
        ("accepted", None),
    ]


def test_refuse_withdraw_and_correct(world: World) -> None:
    to = str(world.people.contoso)
    first = world.act("alice", "offer", to=to, purpose="Analysis")
    world.act("dan", "refuse", offer=first["id"], reason="No room")
    second = world.act("alice", "offer", to=to, purpose="Analysis")
    world.act("alice", "withdraw", offer=second["id"], reason="Not yet")
    steps = world.by("alice").get(world.at("custody")).json()["results"]
    assert [step["kind"] for step in steps][-4:] == ["offered", "refused", "offered", "withdrawn"]
    world.act("alice", "correct", entry=steps[-1]["entry"], text="Withdrawn by counsel")
    wrong = world.by("dan").post(world.at("custody/correct"), {"entry": steps[0]["entry"], "text": "x"})
    assert wrong.status_code == 422


def test_disposal_needs_its_witness(world: World) -> None:
    asked = {"method": "Deletion", "reason": "Ended", "remaining": "None"}
    proposed = world.act("alice", "disposal", witness=str(world.people.dan.member), **asked)
    none = world.by("carol").post(world.at("custody/dispose"), {"disposal": proposed["id"]})
    assert (none.status_code, none.json()["type"].rsplit(":", 1)[1]) == (403, "not-witness")
    assert world.act("dan", "dispose", disposal=proposed["id"])["state"] == "disposed"
    gone = world.by("alice").get(world.at("content"))
    assert (gone.status_code, gone.json()["type"].rsplit(":", 1)[1]) == (409, "item-state")


def test_an_extract_by_api_is_an_item_of_its_own(world: World) -> None:
    body = {"title": "One address", "query": "requester_ip_address:203.0.113.3", "columns": ["ts"]}
    answer = world.by("alice").post(world.at("extract"), body, headers={"Idempotency-Key": "one"})
    made = answer.json()
    assert (answer.status_code, made["parent"]["id"]) == (201, str(world.item.pk))
    assert vault().path(made["sha256"]).read_text().count("\n") == 29
    again = world.by("alice").post(world.at("extract"), body, headers={"Idempotency-Key": "one"}).json()
    assert (again["id"], again["receipt"]["replayed"]) == (made["id"], True)
    bad = world.by("alice").post(world.at("extract"), {"title": "x", "columns": ["nope"]})
    assert (bad.status_code, bad.json()["type"].rsplit(":", 1)[1]) == (422, "unknown-column")


def test_an_object_by_api(world: World) -> None:
    body = {"title": "Laptop", "barcode": "BC-1", "seal": "N-1", "place": "Safe 2"}
    answer = world.by("bob").post(f"/cases/{world.case.pk}/objects", body)
    made = answer.json()
    assert (answer.status_code, made["kind"], made["state"], made["barcode"]) == (
        201,
        "physical",
        "stored",
        "BC-1",
    )
    path = f"/cases/{world.case.pk}/evidence/{made['number']}/custody/move"
    assert world.by("bob").post(path, {"place": "Safe 3", "reason": "Flood"}).status_code == 201
    found = world.by("bob").get(f"/cases/{world.case.pk}/evidence/{made['number']}").json()
    assert found["place"] == "Safe 3"


def test_an_offer_is_signed_by_the_members_own_key(world: World) -> None:
    key = FileKey()
    keyholders.register(key, by=world.people.alice)
    body = {"to": str(world.people.contoso), "purpose": "Analysis"}
    drawn = world.by("alice").post(world.at("custody/intents"), {"act": "offer", "body": body}).json()
    authorship = {"key": key_id(key.public), "alg": key.alg, "intent": drawn["intent"]}
    authorship |= key.sign(drawn["intent"]).fields()
    done = world.act("alice", "offer", **body, authorship=authorship)
    assert done["id"] == drawn["command_id"]


@pytest.mark.parametrize("act", ["offers", "offer", "accept", "dispose", "correct"])
def test_a_stranger_hears_that_there_is_nothing(world: World, act: str) -> None:
    method = "GET" if act == "offers" else "POST"
    answer = world.by("rhea").ask(method, world.at(f"custody/{act}"), json_={} if method == "POST" else None)
    assert answer.status_code == 404
