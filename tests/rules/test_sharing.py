"""What one party lets another see, and under which terms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.refusals import Refused, Unseen
from cases.rules.case import CaseClosed
from cases.rules.known import Around
from cases.rules.shape import Event
from cases.rules.share_events import (
    ShareAccepted,
    ShareGivenUp,
    ShareOffered,
    ShareRefused,
    ShareRevoked,
    ShareState,
    ShareTermsChanged,
)
from cases.rules.share_terms import OPERATIONS, Terms, closed
from cases.rules.sharing import (
    AcceptShare,
    ChangeShare,
    GiveUpShare,
    Held,
    OfferShare,
    RefuseShare,
    RevokeShare,
)
from tests.rules.given import (
    ALICE,
    BOB,
    CAROL,
    CASE,
    CONTOSO,
    DAN,
    ITEM,
    JOINT,
    MALLORY,
    NORTHWIND,
    OTHER,
    OUTSIDERS,
    REGULATOR,
    RHEA,
    decide,
    member,
    name,
    refused,
)

SHARE = name("share")
NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
SOON = NOW + timedelta(days=7)
TERMS: dict[str, Any] = {"items": (ITEM,), "operations": ("search", "preview"), "purpose": "Joint analysis"}
OFFER = OfferShare(case=CASE, share=SHARE, to=CONTOSO, **TERMS)
OFFERED = ShareOffered(share=SHARE, party=NORTHWIND, to=CONTOSO, **TERMS)
ACCEPT = AcceptShare(case=CASE, share=SHARE)
ACCEPTED = ShareAccepted(share=SHARE, party=NORTHWIND, to=CONTOSO, terms="")
EVERYTHING = frozenset(OPERATIONS)
OURS = Around(
    held={ITEM: Held(owner=NORTHWIND, operations=EVERYTHING)}, markings=frozenset({"TLP:AMBER"}), now=NOW
)
OFFERS: tuple[Event, ...] = (*JOINT, OFFERED)
IN_FORCE: tuple[Event, ...] = (*OFFERS, ACCEPTED)
COUNSEL = member("quinn", CONTOSO, "counsel")


def offer(**changes: Any) -> OfferShare:
    return replace(OFFER, **changes)


def test_offer_share() -> None:
    assert decide(JOINT, OFFER, around=OURS) == [OFFERED]
    refused("share-exists", OFFERS, OFFER, around=OURS)


def test_offer_share_is_for_who_may_bind_the_party() -> None:
    refused("role", JOINT, OFFER, BOB, OURS)
    refused("not-found", JOINT, OFFER, MALLORY, OURS)
    refused("part", JOINT, offer(to=NORTHWIND), member("ines", REGULATOR, "counsel"), OURS)
    refused("case-status", [*JOINT, CaseClosed(reason="Done")], OFFER, around=OURS)


def test_offer_share_stays_in_the_case_and_goes_to_somebody_else() -> None:
    assert refused("invalid", JOINT, offer(to=OUTSIDERS), around=OURS).field == "to"
    assert refused("invalid", JOINT, offer(to=NORTHWIND), around=OURS).field == "to"


def test_offer_share_names_items_that_one_sees() -> None:
    refused("not-found", JOINT, offer(items=(ITEM, OTHER)), around=OURS)
    assert refused("invalid", JOINT, offer(items=()), around=OURS).field == "items"
    assert refused("invalid", JOINT, offer(items=(ITEM, ITEM)), around=OURS).field == "items"
    assert refused("invalid", JOINT, offer(scope="case"), around=OURS).field == "items"
    assert decide(JOINT, offer(scope="case", items=()), around=OURS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"operations": ()}, "operations"),
        ({"operations": ("read",)}, "operations"),
        ({"operations": ("search", "search")}, "operations"),
        ({"operations": ("search", "share_on")}, "onward"),
        ({"onward": True}, "onward"),
        ({"roles": ("janitor",)}, "roles"),
        ({"members": (name("carol"),)}, "members"),
        ({"purpose": " "}, "purpose"),
        ({"agreement": "x" * 201}, "agreement"),
        ({"summary": "x" * 4_001}, "summary"),
        ({"tlp": "TLP:PINK"}, "tlp"),
        ({"scope": "host"}, "scope"),
        ({"expires_at": NOW}, "expires_at"),
        ({"expires_at": NOW - timedelta(seconds=1)}, "expires_at"),
        ({"not_before": SOON, "expires_at": SOON}, "not_before"),
    ],
)
def test_terms_that_cannot_stand(changes: dict[str, Any], field: str) -> None:
    assert refused("invalid", JOINT, offer(**changes), around=OURS).field == field


def test_a_share_is_marked_at_least_as_strictly_as_its_items() -> None:
    strict = replace(OURS, markings=frozenset({"TLP:GREEN", "TLP:AMBER+STRICT"}))
    refused("less-strict", JOINT, OFFER, around=strict)
    assert decide(JOINT, offer(tlp="TLP:AMBER+STRICT"), around=strict)


def test_red_goes_to_named_members_only() -> None:
    people = {name("carol"): CONTOSO, name("rhea"): REGULATOR}
    around = replace(OURS, markings=frozenset({"TLP:RED"}), people=people)
    refused("marked-red", JOINT, offer(tlp="TLP:RED"), around=around)
    refused("marked-red", JOINT, offer(tlp="TLP:RED", roles=("counsel",)), around=around)
    mixed = offer(tlp="TLP:RED", roles=("counsel",), members=(name("carol"),))
    refused("marked-red", JOINT, mixed, around=around)
    assert decide(JOINT, offer(tlp="TLP:RED", members=(name("carol"),)), around=around)
    foreign = offer(tlp="TLP:RED", members=(name("rhea"),))
    assert refused("invalid", JOINT, foreign, around=around).field == "members"


@pytest.mark.parametrize("tlp", ["TLP:RED", "TLP:AMBER+STRICT"])
def test_what_is_strict_is_not_shared_on(tlp: str) -> None:
    around = replace(OURS, people={name("carol"): CONTOSO})
    on = offer(tlp=tlp, members=(name("carol"),), operations=("metadata", "share_on"), onward=True)
    assert refused("marked-strict", JOINT, on, around=around).field == "onward"


def test_sharing_on_needs_the_right_to_and_gives_no_more_than_one_has() -> None:
    def held(*operations: str) -> Around:
        return replace(OURS, held={ITEM: Held(owner=CONTOSO, operations=closed(operations))})

    refused("not-owner", JOINT, offer(to=REGULATOR), around=held("search", "preview"))
    refused("not-held", JOINT, offer(to=REGULATOR), around=held("search", "share_on"))
    assert decide(JOINT, offer(to=REGULATOR), around=held("search", "preview", "share_on"))


def test_accept_share() -> None:
    for who in (CAROL, DAN, COUNSEL):
        assert decide(OFFERS, ACCEPT, who, Around(now=NOW)) == [ACCEPTED]
    refused("share-accepted", IN_FORCE, ACCEPT, CAROL, Around(now=NOW))


def test_accept_share_is_the_receivers() -> None:
    refused("not-receiver", OFFERS, ACCEPT, ALICE)
    refused("not-found", OFFERS, ACCEPT, member("ines", REGULATOR, "counsel"))
    refused("not-found", OFFERS, ACCEPT, RHEA)
    refused("not-found", JOINT, ACCEPT, CAROL)
    refused("role", OFFERS, ACCEPT, member("erin", CONTOSO, "viewer"))


def test_accept_share_is_about_the_terms_that_were_read() -> None:
    digest = Terms(**TERMS).digest
    stated = replace(ACCEPT, terms=digest)
    assert decide(OFFERS, stated, CAROL) == [replace(ACCEPTED, terms=digest)]
    changed = ShareTermsChanged(share=SHARE, party=NORTHWIND, to=CONTOSO, **TERMS | {"watermark": True})
    refused("other-terms", [*OFFERS, changed], stated, CAROL)


def test_accept_share_that_has_run_out() -> None:
    gone = replace(OFFERED, expires_at=NOW - timedelta(seconds=1))
    refused("offer-expired", [*JOINT, gone], ACCEPT, CAROL, Around(now=NOW))
    assert decide([*JOINT, gone], ACCEPT, CAROL, Around(now=NOW - timedelta(seconds=2)))


def test_refuse_share() -> None:
    no = RefuseShare(case=CASE, share=SHARE, reason="Not agreed")
    said = ShareRefused(share=SHARE, party=NORTHWIND, to=CONTOSO, reason="Not agreed")
    assert decide(OFFERS, no, CAROL) == [said]
    refused("not-receiver", OFFERS, no, ALICE)
    refused("nothing-offered", IN_FORCE, no, CAROL)
    refused("share-state", [*OFFERS, said], ACCEPT, CAROL)
    assert refused("invalid", OFFERS, replace(no, reason=""), CAROL).field == "reason"


def test_revoke_share_at_any_time() -> None:
    back = RevokeShare(case=CASE, share=SHARE, reason="Agreement ended")
    said = ShareRevoked(share=SHARE, party=NORTHWIND, to=CONTOSO, reason="Agreement ended")
    for given in (OFFERS, IN_FORCE, (*IN_FORCE, CaseClosed(reason="Done"))):
        assert decide(given, back) == [said]
    refused("not-giver", IN_FORCE, back, CAROL)
    refused("share-state", [*IN_FORCE, said], back)
    refused("share-state", [*IN_FORCE, said], ACCEPT, CAROL)


def test_give_up_share() -> None:
    up = GiveUpShare(case=CASE, share=SHARE, reason="No longer needed")
    said = ShareGivenUp(share=SHARE, party=NORTHWIND, to=CONTOSO, reason="No longer needed")
    assert decide(IN_FORCE, up, CAROL) == [said]
    refused("not-receiver", IN_FORCE, up, ALICE)
    refused("share-state", OFFERS, up, CAROL)


def test_change_share_waits_for_a_new_acceptance() -> None:
    wider = ChangeShare(case=CASE, share=SHARE, **TERMS | {"operations": ("download",)})
    [said] = decide(IN_FORCE, wider, around=OURS)
    assert isinstance(said, ShareTermsChanged)
    state = folded(*IN_FORCE, said)
    assert state.status == "accepted"
    assert state.terms.operations == ("search", "preview")
    assert state.newest.operations == ("download",)
    refused("not-giver", IN_FORCE, wider, CAROL, OURS)
    refused("nothing-changed", [*IN_FORCE, said], wider, around=OURS)

    assert folded(*IN_FORCE, said, ACCEPTED).terms.operations == ("download",)
    no = ShareRefused(share=SHARE, party=NORTHWIND, to=CONTOSO, reason="No")
    kept = folded(*IN_FORCE, said, no)
    assert (kept.status, kept.terms.operations, kept.proposed) == (
        "accepted",
        ("search", "preview"),
        None,
    )
    assert folded(*OFFERS, said).terms.operations == ("download",)  # an offer is simply replaced


def folded(*events: Event) -> ShareState:
    state = ShareState()
    for event in events:
        state = state.after(event)
    return state


def test_each_operation_brings_what_it_needs() -> None:
    assert closed(["exists"]) == {"exists"}
    assert closed(["metadata"]) == {"metadata", "exists"}
    for one in ("search", "preview", "download", "export", "share_on"):
        assert closed([one]) == {one, "metadata", "exists"}


def test_nobody_learns_of_a_share_of_others() -> None:
    stranger = member("ines", REGULATOR, "counsel")
    for command in (
        ACCEPT,
        RefuseShare(case=CASE, share=SHARE, reason="x"),
        RevokeShare(case=CASE, share=SHARE, reason="x"),
        GiveUpShare(case=CASE, share=SHARE, reason="x"),
    ):
        for given in (JOINT, OFFERS, IN_FORCE):
            with pytest.raises(Unseen):
                decide(given, command, stranger)
        with pytest.raises(Refused) as caught:
            decide(IN_FORCE, command, MALLORY)
        assert caught.value.status == 404
