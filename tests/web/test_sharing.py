"""The Sharing tab: offers with a preview, answers, endings, and what can be found out about them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cases import examination, ingest, reads
from cases.models import Share
from cases.perform import perform
from cases.rules.sharing import RevokeShare
from tests.cast import Person, accepted, offer
from tests.keyholders import FileKey, register
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]


def asked(world: World, **more: Any) -> dict[str, Any]:
    return {
        "to": str(world.cast.contoso),
        "scope": "items",
        "items": [str(world.ours.pk)],
        "operations": ["search", "preview"],
        "purpose": "Compare the templates",
        "tlp": "TLP:AMBER",
        "command": str(uuid4()),
        **more,
    }


def share_of(world: World, **terms: Any) -> str:
    return str(offer(world.case, world.ours, to=world.cast.contoso, by=world.cast.alice, **terms))


def read_by_carol(world: World) -> None:
    ingest.run(world.ours.pk)
    carol = world.cast.carol.actor
    case = reads.case(carol, world.case.pk)
    examination.search(carol, case, query="hello", items=[world.ours.pk], limit=7)


def test_an_offer_is_previewed_then_made_once(world: World, signed_in: SignedIn) -> None:
    alice, where = signed_in(world.cast.alice), world.url("/sharing/offer")
    form = asked(world, roles=["custodian"])
    preview = alice.post(where, form | {"step": "preview"})
    assert preview.status_code == 200
    assert "1 member of Contoso" in preview.text and "Dan" in preview.text and "Carol" not in preview.text
    assert "Northwind gateway log" in preview.text and "Download its bytes" in preview.text
    assert not Share.objects.filter(case=world.case.pk).exists()
    again = alice.post(where, form | {"step": "edit"})
    assert again.status_code == 200 and "Compare the templates" in again.text
    sent = alice.post(where, form)
    assert sent.status_code == 302
    assert alice.post(where, form).headers["Location"] == sent.headers["Location"]
    share = Share.objects.get(case=world.case.pk)
    assert share.roles == ["custodian"] and share.status == "offered"
    page = alice.get(sent.headers["Location"]).text
    assert "Waits for Contoso" in page and "each custodian of Contoso" in page


def test_what_cannot_stand_is_said_before_the_preview(world: World, signed_in: SignedIn) -> None:
    alice, where = signed_in(world.cast.alice), world.url("/sharing/offer")
    for wrong, words in (
        ({"items": []}, "at least one item"),
        ({"tlp": "TLP:RED"}, "named members only"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "in the past"),
        ({"expires_at": "2020-01-01"}, "zone"),
        ({"operations": []}, "missing"),
    ):
        answer = alice.post(where, asked(world, step="preview", **wrong))
        assert answer.status_code in (409, 422) and words in answer.text
    # The rule has the last word: the form never offers what is marked more freely than its item.
    answer = alice.post(where, asked(world, tlp="TLP:CLEAR"))
    assert answer.status_code == 409 and "as strictly as" in answer.text


def test_an_item_of_another_party_cannot_be_offered(world: World, signed_in: SignedIn) -> None:
    answer = signed_in(world.cast.alice).post(
        world.url("/sharing/offer"), asked(world, items=[str(world.theirs.pk)], step="preview")
    )
    assert answer.status_code == 422
    assert world.theirs.title not in answer.text


def test_before_it_accepts_the_receiver_reads_the_terms_and_nothing_of_the_items(
    world: World, signed_in: SignedIn
) -> None:
    share = share_of(world, summary="One log of the gateway")
    carol = signed_in(world.cast.carol)
    for path in ("/sharing", f"/sharing/{share}"):
        page = carol.get(world.url(path)).text
        assert "1 item" in page and world.ours.title not in page and "E-1" not in page
    page = carol.get(world.url(f"/sharing/{share}")).text
    assert "One log of the gateway" in page and "Joint analysis" in page
    answer = carol.post(world.url(f"/sharing/{share}/accept"), {"command": str(uuid4()), "terms": ""})
    assert answer.status_code == 302
    assert world.ours.title in carol.get(world.url(f"/sharing/{share}")).text
    assert carol.get(world.url("/evidence/E-1")).status_code == 200


def test_terms_that_changed_meanwhile_are_not_accepted_unread(world: World, signed_in: SignedIn) -> None:
    share = share_of(world)
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    read = Share.objects.get(pk=share).digest
    changed = asked(world, operations=["metadata"])
    assert alice.post(world.url(f"/sharing/{share}/change"), changed).status_code == 302
    answer = carol.post(world.url(f"/sharing/{share}/accept"), {"terms": read})
    assert answer.status_code == 409 and "have changed since" in answer.text


def test_new_terms_stand_beside_those_in_force(world: World, signed_in: SignedIn) -> None:
    share = share_of(world)
    accepted(world.case, Share.objects.get(pk=share).pk)
    alice = signed_in(world.cast.alice)
    form = alice.get(world.url(f"/sharing/{share}/change"))
    assert "Joint analysis" in form.text
    alice.post(world.url(f"/sharing/{share}/change"), asked(world, purpose="Narrower work"))
    page = signed_in(world.cast.carol).get(world.url(f"/sharing/{share}")).text
    assert "Narrower work" in page and "Joint analysis" in page and "The new terms" in page


def test_refusing_and_giving_up_need_a_reason(world: World, signed_in: SignedIn) -> None:
    carol = signed_in(world.cast.carol)
    first, second = share_of(world), share_of(world)
    accepted(world.case, Share.objects.get(pk=second).pk)
    for share, act, word in ((first, "refuse", "refused"), (second, "give-up", "given up")):
        where = world.url(f"/sharing/{share}/{act}")
        assert carol.post(where, {"reason": " "}).status_code == 422
        assert carol.post(where, {"reason": "Not for us"}).status_code == 302
        page = carol.get(world.url(f"/sharing/{share}")).text
        assert word in page and "Not for us" in page


def test_a_revocation_shows_at_once_what_had_been_read(world: World, signed_in: SignedIn) -> None:
    share = share_of(world)
    accepted(world.case, Share.objects.get(pk=share).pk)
    read_by_carol(world)
    alice = signed_in(world.cast.alice)
    answer = alice.post(world.url(f"/sharing/{share}/revoke"), {"reason": "Done"}, follow=True)
    assert "The share is revoked" in answer.text
    assert "Carol" in answer.text and "hello" in answer.text and "searched" in answer.text
    carol = signed_in(world.cast.carol)
    assert carol.get(world.url("/evidence/E-1")).status_code == 404
    assert carol.get(world.url(f"/sharing/read?share={share}")).status_code == 403
    assert "hello" not in carol.get(world.url("/sharing/read")).text


def test_only_the_two_parties_know_of_a_share(world: World, signed_in: SignedIn) -> None:
    share = share_of(world)
    rhea = signed_in(world.cast.rhea)
    assert rhea.get(world.url(f"/sharing/{share}")).status_code == 404
    assert rhea.get(world.url(f"/sharing/read?share={share}")).status_code == 404
    assert rhea.post(world.url(f"/sharing/{share}/accept"), {}).status_code == 404
    page = rhea.get(world.url("/sharing")).text
    assert "Nothing has been offered to your party" in page and "Joint analysis" not in page


def test_who_may_not_answer_or_end_it_is_offered_neither(world: World, signed_in: SignedIn) -> None:
    share = share_of(world)
    assert "Accept these terms" not in signed_in(world.cast.alice).get(world.url(f"/sharing/{share}")).text
    bob = signed_in(world.cast.bob)
    assert "Revoke" not in bob.get(world.url(f"/sharing/{share}")).text
    assert bob.post(world.url(f"/sharing/{share}/revoke"), {"reason": "x"}).status_code == 403
    assert bob.get(world.url("/sharing/offer")).status_code == 403


def test_why_a_member_sees_an_item_or_does_not(world: World, signed_in: SignedIn) -> None:
    alice, whom = signed_in(world.cast.alice), f"member:{world.cast.dan.member}"
    where = world.url(f"/evidence/E-1/who?whom={whom}")
    assert "Dan cannot see E-1" in alice.get(where).text
    share = share_of(world)
    accepted(world.case, Share.objects.get(pk=share).pk)
    assert "Dan can see E-1" in alice.get(where).text
    perform(
        RevokeShare(case=world.case.pk, share=Share.objects.get(pk=share).pk, reason="x"),
        actor=world.cast.alice.actor,
    )
    assert "stops it" in alice.get(where).text
    assert signed_in(world.cast.bob).get(where).status_code == 403
    assert signed_in(world.cast.carol).get(where).status_code == 404
    assert alice.get(world.url("/evidence/E-1/who?whom=party:nonsense")).status_code == 404


def test_what_another_would_see_is_counted_for_ones_own_items(world: World, signed_in: SignedIn) -> None:
    accepted(world.case, Share.objects.get(pk=share_of(world)).pk)
    where = world.url(f"/sharing/seen-by?whom=party:{world.cast.contoso}")
    page = signed_in(world.cast.alice).get(where).text
    assert world.ours.title in page and world.theirs.title not in page
    assert signed_in(world.cast.bob).get(where).status_code == 403


def test_what_a_party_knew_on_a_day(world: World, signed_in: SignedIn) -> None:
    accepted(world.case, Share.objects.get(pk=share_of(world)).pk)
    read_by_carol(world)
    alice, party = signed_in(world.cast.alice), world.cast.contoso
    last = reads.ledger_head(world.cast.alice.actor, world.case).size - 1
    then = alice.get(world.url(f"/sharing/as-of?party={party}&as_of={last}")).text
    assert world.ours.title in then and "hello" in then
    before = alice.get(world.url(f"/sharing/as-of?party={party}&as_of=3")).text
    assert world.ours.title not in before
    share = Share.objects.get(case=world.case.pk)
    perform(RevokeShare(case=world.case.pk, share=share.pk, reason="x"), actor=world.cast.alice.actor)
    after = alice.get(world.url(f"/sharing/as-of?party={party}&as_of={last + 1}")).text
    assert world.ours.title not in after and "hello" in after and "E-1" in after
    early = alice.get(world.url(f"/sharing/as-of?party={party}&as_of=2001-01-01"))
    assert early.status_code == 422 and "had not begun" in early.text


@pytest.mark.parametrize(
    "path",
    [
        "/sharing",
        "/sharing/offer",
        "/sharing/{share}",
        "/sharing/{share}/change",
        "/sharing/read",
        "/sharing/read?share={share}",
        "/sharing/seen-by",
        "/sharing/seen-by?whom=member:{member}",
        "/sharing/as-of",
        "/sharing/as-of?party={party}&as_of=5000-01-01",
        "/evidence/E-1/who",
        "/evidence/E-1/who?whom=member:{member}",
    ],
)
def test_the_pages_answer_with_few_queries(
    world: World, signed_in: SignedIn, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    share = share_of(world)
    accepted(world.case, Share.objects.get(pk=share).pk)
    for _ in range(3):
        share_of(world)
    url = world.url(path.format(share=share, member=world.cast.dan.member, party=world.cast.contoso))
    alice = signed_in(world.cast.alice)
    alice.get(url)
    with django_assert_max_num_queries(12):
        answer = alice.get(url)
    assert answer.status_code == 200
    assert " style=" not in answer.text and " onclick=" not in answer.text


def test_an_offer_and_its_acceptance_are_signed_with_a_key(world: World, signed_in: SignedIn) -> None:
    for person, where, form in (
        (world.cast.alice, "/sharing/offer", asked(world, roles=["custodian"])),
        (world.cast.carol, "/sharing/{share}/accept", {"command": str(uuid4())}),
    ):
        holder = FileKey()
        register(holder, by=person)
        made = Share.objects.filter(case=world.case.pk).values_list("pk", flat=True).first()
        client, url = signed_in(person), world.url(where.format(share=made))
        page = client.post(url, form | {"sign": "file"})
        assert page.status_code == 200 and "Nothing has happened yet" in page.text
        assert "['" not in page.text  # what is signed is told in words
        intent = page.context["intent"]
        signature = holder.sign(intent).sig
        done = client.post(url, form | {"intent": intent, "signature": signature})
        assert done.status_code == 302, done.text
    told = reads.ledger_page(world.cast.alice.actor, world.case, after=0, limit=100)
    signed = [row.type for row in told if row.opening and "intent" in row.opening]
    assert signed == ["ShareOffered", "ShareAccepted"]
