"""Referrals on the pages: sending, the inbox, answering; and what the receiver never gets to see."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases import reads, referring
from cases.models import Case, EvidenceItem, Referral
from cases.perform import perform
from cases.rules.case import CreateCase
from cases.rules.keys import RequireSignatures
from cases.rules.referral import SendReferral
from cases.rules.shape import Rules
from cases.rules.table import RULES
from ledger.authorship import Signature
from tests import cast as story
from tests.cast import Cast, Person
from tests.keyholders import FileKey, register
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]
CANARY = "canary-5c1e"
SAID = {
    "summary": "Your accounts extract our answers.",
    "indicators": "203.0.113.7\r\n\r\n  python-requests/2.31 ",
    "purpose": "Find and stop the accounts",
    "tlp": "TLP:AMBER",
}
NEW = SAID | {"title": f"Draft {CANARY}", "category": "other", "severity": "high"}


@dataclass(frozen=True, kw_only=True)
class Alone:
    """A case that Northwind leads alone, with one item."""

    cast: Cast
    case: Case
    item: EvidenceItem

    def url(self, path: str = "") -> str:
        return f"/cases/{self.case.reference}{path}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the receiver may find nowhere."""
        return (CANARY, self.case.reference, str(self.item.pk), self.item.sha256)


@pytest.fixture
def alone(db: None) -> Alone:
    cast = story.the_cast()
    case = uuid4()
    perform(
        CreateCase(case=case, title=f"Title {CANARY}", summary=f"Summary {CANARY}"), actor=cast.alice.actor
    )
    seen = reads.case(cast.alice.actor, case)
    item = story.sealed_item(cast, seen, title=f"Item {CANARY}", filename=f"{CANARY}.jsonl")
    return Alone(cast=cast, case=seen, item=item)


@pytest.fixture
def sent(alone: Alone, signed_in: SignedIn) -> str:
    """The page of a referral that alice has sent to mallory's party, the item along with it."""
    form = SAID | {"to": str(alone.cast.outsiders), "items": str(alone.item.pk), "labels": "One log"}
    answer = signed_in(alone.cast.alice).post(alone.url("/refer"), form | {"allowed": ["search", "preview"]})
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def test_a_case_offers_to_refer_it_to_those_who_may(alone: Alone, world: World, signed_in: SignedIn) -> None:
    assert alone.url("/refer") in signed_in(alone.cast.alice).get(alone.url()).text
    assert signed_in(alone.cast.bob).get(alone.url("/refer")).status_code == 403
    assert signed_in(alone.cast.mallory).get(alone.url("/refer")).status_code == 404
    form = signed_in(world.cast.alice).get(world.url("/refer")).text
    assert "must agree that it may be brought in" in form
    assert f'value="{world.cast.contoso}"' not in form


def test_the_receiver_reads_words_and_terms_and_the_sender_its_own_side(
    alone: Alone, sent: str, signed_in: SignedIn
) -> None:
    page = signed_in(alone.cast.mallory).get(sent).text
    for said in (SAID["summary"], "203.0.113.7", "python-requests/2.31", SAID["purpose"], "One log"):
        assert said in page
    assert "1, upon acceptance" in page
    assert "joins" in page and "as a partner" in page
    own = signed_in(alone.cast.alice).get(sent).text
    assert alone.item.title in own and alone.case.reference in own


def test_a_double_press_sends_once(alone: Alone, signed_in: SignedIn) -> None:
    form = SAID | {"to": str(alone.cast.outsiders), "command": str(uuid4())}
    alice = signed_in(alone.cast.alice)
    first, second = (alice.post(alone.url("/refer"), form).headers["Location"] for _ in range(2))
    assert first == second
    assert Referral.objects.filter(case=alone.case).count() == 1


def test_from_nothing_a_draft_and_its_referral_are_one_press(
    db: None, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash after the draft is finished by the same press again."""
    cast = story.the_cast()
    alice = signed_in(cast.alice)
    form = NEW | {"to": str(cast.outsiders), "command": str(uuid4())}
    with monkeypatch.context() as cut:

        def dies(*args: object, **kwargs: object) -> NoReturn:
            raise ConnectionError

        rules: Rules = {**RULES, SendReferral: dies}
        cut.setattr("cases.perform.RULES", rules)
        with pytest.raises(ConnectionError):
            alice.post("/referrals/new", form)
    assert [case.status for case in reads.my_cases(cast.alice.actor)] == ["draft"]
    for _ in range(2):
        answer = alice.post("/referrals/new", form)
        assert answer.status_code == 302, answer.text
    [case] = reads.my_cases(cast.alice.actor)
    assert Referral.objects.get(case=case).receiver_id == cast.outsiders


def test_a_refused_referral_keeps_what_was_typed(alone: Alone, signed_in: SignedIn) -> None:
    form = SAID | {"to": str(alone.cast.outsiders), "expires_at": "2001-01-01T00:00:00Z"}
    answer = signed_in(alone.cast.alice).post(alone.url("/refer"), form)
    assert answer.status_code == 422
    assert "The expiry lies in the past." in answer.text
    assert SAID["summary"] in answer.text


def test_the_side_counts_what_waits_and_the_inbox_lists_it(
    alone: Alone, sent: str, signed_in: SignedIn
) -> None:
    mallory, alice = signed_in(alone.cast.mallory), signed_in(alone.cast.alice)
    assert "1 wait for your party" in mallory.get("/").text
    assert "wait for your party" not in alice.get("/").text
    assert sent in mallory.get("/referrals").text
    assert sent not in mallory.get("/referrals?show=sent").text
    assert sent in alice.get("/referrals?show=sent").text
    mallory.post(f"{sent}/ask", {"question": "Which week?"})
    assert "1 wait for your party" in alice.get("/").text
    assert alice.post(f"{sent}/answer", {"text": "The second."}).status_code == 302
    assert "The second." in mallory.get(sent).text


def test_accepting_leads_into_the_case(alone: Alone, sent: str, signed_in: SignedIn) -> None:
    mallory = signed_in(alone.cast.mallory)
    answer = mallory.post(f"{sent}/accept", {"terms": _terms(mallory, sent)})
    assert answer.headers["Location"] == alone.url()
    page = mallory.get(alone.url())
    assert page.status_code == 200
    assert alone.item.title in page.text
    assert alone.case.reference in mallory.get(sent).text


def test_who_read_something_else_accepts_nothing(alone: Alone, sent: str, signed_in: SignedIn) -> None:
    answer = signed_in(alone.cast.mallory).post(f"{sent}/accept", {"terms": "0" * 64})
    assert answer.status_code == 409
    assert "Read it again" in answer.text


def test_an_acceptance_signed_with_a_key_file(alone: Alone, sent: str, signed_in: SignedIn) -> None:
    holder = FileKey()
    register(holder, by=alone.cast.mallory)
    party = RequireSignatures(party=alone.cast.outsiders, required=True)
    perform(party, actor=alone.cast.mallory.actor)
    mallory = signed_in(alone.cast.mallory)
    form = {"terms": _terms(mallory, sent), "command": str(uuid4())}
    drawn = mallory.post(f"{sent}/accept", form | {"sign": "file"})
    assert drawn.status_code == 200
    for secret in alone.secrets:
        assert secret not in drawn.text
    intent = _unescaped(re.search(r'name="intent" value="([^"]*)"', drawn.text))
    signature: Signature = holder.sign(intent)
    answer = mallory.post(f"{sent}/accept", form | {"intent": intent, "signature": signature.sig})
    assert answer.headers.get("Location") == alone.url(), answer.text


def _unescaped(found: re.Match[str] | None) -> str:
    assert found is not None
    return found[1].replace("&quot;", '"').replace("&amp;", "&")


def _terms(client: Client, page: str) -> str:
    found = re.search(r'name="terms" value="([0-9a-f]{64})"', client.get(page).text)
    assert found is not None
    return found[1]


def test_consent_is_asked_on_the_list(world: World, signed_in: SignedIn) -> None:
    form = SAID | {"to": str(world.cast.outsiders)}
    page = signed_in(world.cast.alice).post(world.url("/refer"), form).headers["Location"]
    carol, mallory = signed_in(world.cast.carol), signed_in(world.cast.mallory)
    asked = carol.get("/referrals").text
    assert world.case.reference in asked
    assert SAID["summary"] not in asked and SAID["purpose"] not in asked
    assert carol.get(page).status_code == mallory.get(page).status_code == 404
    assert "No other party has referred" in mallory.get("/referrals").text
    assert mallory.post(f"{page}/consent", {}).status_code == 404
    assert signed_in(world.cast.rhea).post(f"{page}/consent", {}).status_code == 404
    assert carol.post(f"{page}/object", {"reason": " "}).status_code == 422
    assert carol.post(f"{page}/consent", {}).status_code == 302
    assert mallory.get(page).status_code == 200


# Walls


def everything(client: Client, page: str, alone: Alone) -> Iterator[tuple[str, int, str]]:
    """All that a receiver can fetch about a referral before it accepts: pages, errors and headers."""
    acts = ("accept", "refuse", "ask", "answer", "withdraw", "consent", "object", "nothing")
    paths = ["/", "/referrals", "/referrals?show=sent", "/referrals?page=2", "/referrals/new", page, "/keys"]
    paths += [f"{page}/{act}" for act in acts]
    for path in paths:
        for asked in (client.get(path), client.head(path), client.options(path)):
            yield path, asked.status_code, f"{asked.headers}{asked.text}"
    bad = {"reason": "", "question": "", "text": "", "terms": "0" * 64}
    for act in acts:
        for given in (bad, bad | {"sign": "file"}, dict.fromkeys(bad, "x" * 64) | {"sign": "passkey"}):
            for headers in ({}, {"Accept": "application/json"}, {"HX-Request": "true"}):
                answer = client.post(f"{page}/{act}", given, headers=headers)
                yield f"POST {act}", answer.status_code, f"{answer.headers}{answer.text}"
    case = alone.case
    for reference in (case.reference, str(case.pk)):
        for path in ("", "/refer", "/ledger", "/evidence", "/custody", "/search"):
            answer = client.get(f"/cases/{reference}{path}")
            assert answer.status_code == 404
            yield path, answer.status_code, answer.text.replace(f"/cases/{reference}{path}", "")


def test_before_acceptance_nothing_of_the_case_is_in_any_answer(
    alone: Alone, sent: str, signed_in: SignedIn
) -> None:
    people = alone.cast
    other = story.sealed_item(people, alone.case, title=f"Other {CANARY}")
    found = 0
    for path, status, said in everything(signed_in(people.mallory), sent, alone):
        assert status < 500, path
        for secret in (*alone.secrets, str(other.pk), other.sha256):
            assert secret not in said, (path, secret)
        found += SAID["purpose"] in said
    assert found > 2


@pytest.mark.parametrize("how", ["refuse", "ask", "withdrawn"])
def test_nor_is_it_after_another_answer(alone: Alone, sent: str, signed_in: SignedIn, how: str) -> None:
    mallory = signed_in(alone.cast.mallory)
    if how == "withdrawn":
        signed_in(alone.cast.alice).post(f"{sent}/withdraw", {"reason": "Mistaken"})
        answers = [mallory.get(sent)]
    else:
        done = mallory.post(f"{sent}/{how}", {"reason": "No", "question": "Why?"})
        assert done.status_code == 302
        answers = [done, mallory.get(done.headers["Location"]), mallory.get("/referrals")]
    for answer in answers:
        for secret in alone.secrets:
            assert secret not in f"{answer.headers}{answer.text}"
        # A place in the log would tell how much is in it.
        assert not re.search(r"entry \d", answer.text)


def test_absent_and_another_partys_are_the_same_404(alone: Alone, sent: str, signed_in: SignedIn) -> None:
    carol = signed_in(alone.cast.carol)
    for path in ("", "/accept", "/ask", "/consent"):
        theirs, none = (f"/referrals/{one}{path}" for one in (sent.rsplit("/", 1)[1], uuid4()))
        ask = carol.get if not path else carol.post
        there, nowhere = ask(theirs), ask(none)
        assert there.status_code == nowhere.status_code == 404
        assert len(there.content) == len(nowhere.content)
    assert carol.get("/referrals/nonsense").status_code == 404


@pytest.mark.parametrize("path", ["/referrals", "/referrals/new", f"/referrals/{UUID(int=1)}"])
def test_signed_out_people_are_sent_to_sign_in(db: None, path: str) -> None:
    assert Client().get(path).headers["Location"].startswith("/accounts/login/")


def test_pages_ask_few_questions(alone: Alone, sent: str, world: World, signed_in: SignedIn) -> None:
    for number in range(12):
        form = SAID | {"to": str(alone.cast.outsiders), "purpose": f"Number {number}"}
        assert signed_in(alone.cast.alice).post(alone.url("/refer"), form).status_code == 302
    for person, path in (
        (alone.cast.mallory, "/referrals"),
        (alone.cast.alice, "/referrals?show=sent"),
        (alone.cast.mallory, sent),
        (alone.cast.alice, sent),
        (alone.cast.alice, alone.url("/refer")),
    ):
        client = signed_in(person)
        client.get(path)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200
        assert len(asked) <= 12, (path, [one["sql"][:90] for one in asked])


def test_the_count_is_what_waits(alone: Alone, sent: str) -> None:
    assert referring.waiting(alone.cast.mallory.actor) == 1
