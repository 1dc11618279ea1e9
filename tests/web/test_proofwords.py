"""What is said of the state of a proof, word for word."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from cases.models import Party
from cases.proof import ProofState, Standing, Witnessed
from ledger.entries import Head
from web.proofwords import age, glance, reached

NOW = datetime(2026, 2, 8, 10, 44, 10, tzinfo=UTC)
BEFORE, SIGNED = "All before ", " are countersigned."
PARTIES = [Party(id=uuid4(), name=name, short_name=name, hue=n) for n, name in enumerate("ABC", 1)]


def standing(size: int, *sizes: int | None, doubt: str | None = None, waited: int | None = None) -> Standing:
    """A case of `size` entries; each party's witness has signed so many, None: it has no witness."""
    needed = tuple(
        Witnessed(
            party=party,
            part="lead" if party is PARTIES[0] else "partner",
            vkeys=() if far is None else ("key",),
            size=far or 0,
            at=NOW - timedelta(seconds=40) if far else None,
        )
        for party, far in zip(PARTIES, sizes, strict=False)
    )
    all_have = min(one.size for one in needed)
    state = Standing(
        head=Head(size, "00" * 32, "", NOW),
        sides=(),
        needed=needed,
        others=(),
        countersigned=all_have,
        waiting=all_have if all_have < size else None,
        doubt=doubt,
    )
    if waited is None:
        return state
    since = NOW - timedelta(seconds=waited)
    return ProofState(**vars(state), waiting_since=since, stamps=(), authorities=())


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (standing(1284, 1284, 1284), "Both parties, A and B, have countersigned all 1,284 entries."),
        (standing(1284, 1284), "A has countersigned all 1,284 entries."),
        (standing(1, 1, 1), "Both parties, A and B, have countersigned the one entry."),
        (standing(9, 9, 9, 9), "All 3 parties have countersigned all 9 entries."),
        (
            standing(1284, 1284, 1272, waited=40),
            f"The 12 newest entries wait for B’s witness; the oldest for 40 s. {BEFORE}them{SIGNED}",
        ),
        (
            standing(12, 11, 11, waited=90),
            f"The newest entry waits for the witnesses of A and B, for 1 min. {BEFORE}it{SIGNED}",
        ),
        (standing(12, 12, 0, waited=5), "All 12 entries wait for B’s witness; the oldest for 5 s."),
        (standing(1, 0, waited=5), "The one entry waits for A’s witness, for 5 s."),
        (
            standing(12, 12, None),
            "B has no witness yet: only the host and A’s witness vouch for this history.",
        ),
        (
            standing(12, None, None),
            "A and B have no witness yet: only the host has signed these 12 entries.",
        ),
        (standing(1, None), "A has no witness yet: only the host has signed this entry."),
    ],
)
def test_the_sentence_on_the_card(state: Standing, sentence: str) -> None:
    assert glance(state, NOW).sentence == sentence


@pytest.mark.parametrize(
    ("state", "chip", "tone"),
    [
        (standing(12, 12, 12), "countersigned 40 s ago", "good"),
        (standing(12, 12, 10), "recorded, 2 waiting", "wait"),
        (standing(12, 12, 10, waited=599), "recorded, 2 waiting", "wait"),
        (standing(12, 12, 10, waited=3600), "recorded, 2 waiting", "warn"),
        (standing(12, 12, None), "recorded, a witness is missing", "warn"),
        (standing(12, 12, 12, doubt="It was put back."), "history in doubt", "bad"),
    ],
)
def test_the_chip_in_the_header(state: Standing, chip: str, tone: str) -> None:
    said = glance(state, NOW)
    assert (said.chip, said.tone) == (chip, tone)


def test_a_ring_is_closed_only_for_who_has_countersigned_all_there_is() -> None:
    said = glance(standing(12, 12, 10, None), NOW)
    assert [party.short_name for party in said.signed] == ["A"]
    assert [party.short_name for party in said.missing] == ["B", "C"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7200, "2 h"),
        (86400, "1 day"),
        (2e5, "2 days"),
    ],
)
def test_ages(seconds: float, said: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == said


def test_how_far_a_witness_has_come() -> None:
    wholly, partly, hardly, never, none = standing(9, 9, 4, 1).needed + standing(9, 0, None).needed
    said = [reached(one, 9) for one in (wholly, partly, hardly, never, none)]
    assert said == [
        "all 9 entries",
        "the first 4 of 9 entries",
        "the first of 9 entries",
        "not heard of yet",
        "no witness yet",
    ]
