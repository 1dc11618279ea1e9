"""Time stamps: which case is due with which authority, and asking for them.

A case is due when its log grew and a new UTC day has begun, or when an entry stands that asks for a stamp at
once. The stored stamps say what is done already; nothing else is remembered, so a kill anywhere loses nothing
and the next round asks again for what is still due.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from cases import proof
from cases.models import AuthorityHealth
from ledger import timestamps
from ledger.errors import TimeStampFailed
from ledger.timestamps import Authority, Stamped

AT_ONCE = ("CaseClosed", "CustodyTransferAccepted", "EvidenceDisclosed", "ShareAccepted")
"""Events that do not wait for the day's end. The index cases_stamp_at_once names the same ones."""

FOR_WITNESSES = timedelta(hours=1)
"""So long the witnesses may take until a checkpoint is stamped without them."""

MOST = 200
"""Cases a round, so that a worker has time for others; the rest is found by the next round."""

STRIKES = 3
"""Failures in a row after which an authority is left alone until the next round."""

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

# For each case and authority one step to the newest stamp and one to the first entry above it: where there is
# one, the log has grown.
_DUE = f"""
    SELECT h.log, a.name, h.size, due.index, due.recorded_at
    FROM ledger_head h CROSS JOIN unnest(%(authorities)s::text[]) AS a (name)
    LEFT JOIN LATERAL (SELECT size, stamped_at FROM ledger_timestamp
        WHERE log = h.log AND authority = a.name ORDER BY size DESC LIMIT 1) AS stamp ON true
    CROSS JOIN LATERAL (SELECT index, recorded_at FROM ledger_entry
        WHERE log = h.log AND index = coalesce(stamp.size, 0) LIMIT 1) AS fresh
    CROSS JOIN LATERAL (
        SELECT fresh.index, fresh.recorded_at, false AS at_once
        WHERE coalesce(stamp.stamped_at, fresh.recorded_at) < %(today)s
        UNION ALL
        (SELECT o.index, e.recorded_at, true FROM ledger_opening o JOIN ledger_entry e USING (log, index)
         WHERE o.log = h.log AND o.index >= coalesce(stamp.size, 0)
         AND o.type IN ({", ".join(f"'{name}'" for name in AT_ONCE)}) ORDER BY o.index LIMIT 1)
        ORDER BY at_once DESC LIMIT 1) AS due
    WHERE h.kind = 'case' AND h.size > coalesce(stamp.size, 0)
    AND (%(case)s::uuid IS NULL OR h.log = %(case)s)
    ORDER BY due.at_once DESC, due.recorded_at, h.log, a.name LIMIT %(most)s
"""  # noqa: S608 - names of our own


@dataclass(frozen=True, kw_only=True)
class Due:
    """That a case, standing at `size`, is due with an authority because of the entry at `index`."""

    case: UUID
    authority: str
    size: int
    index: int
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round came to: the stamps that were got, and what failed with whom."""

    stamped: tuple[tuple[UUID, Stamped], ...]
    failures: tuple[str, ...]


def authorities() -> tuple[Authority, ...]:
    """Who is set up to stamp."""
    return tuple(Authority(each.name, each.url, each.roots) for each in settings.TIME_STAMP_AUTHORITIES)


def due(*, at: datetime, case: UUID | None = None) -> list[Due]:
    """What is due, in one query, of one case or of all: what asks for a stamp at once, then the oldest."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    asked: dict[str, Any] = {
        "authorities": [each.name for each in authorities()],
        "today": today,
        "case": case,
        "most": MOST * max(len(authorities()), 1),
    }
    with connection.cursor() as cursor:
        cursor.execute(_DUE, asked)
        rows = cursor.fetchall()
    return [
        Due(case=log_id, authority=name, size=size, index=index, since=since.astimezone(UTC))
        for log_id, name, size, index, since in rows
    ]


def awaited(case: UUID, *, at: datetime) -> bool:
    """Whether a round for this case alone is worth while: it is due with an authority that answers. One that
    does not is left to the rounds for all, or each look of a witness would make a worker wait for it."""
    if not authorities() or not (found := due(at=at, case=case)):
        return False
    failing = AuthorityHealth.objects.exclude(failing_since=None).values_list("name", flat=True)
    return not {one.authority for one in found} <= set(failing)


def stamp_due(
    case: UUID | None = None, *, at: datetime | None = None, progress: Progress | None = None
) -> Round:
    """Have everything stamped that is due, in one case or in all. Never inside a transaction.

    A case whose witnesses have not come so far is left for a later round, a failing authority as well.
    """
    if not authorities():
        return Round(stamped=(), failures=())
    asking = _Asking()
    waiting = list(dict.fromkeys(one.case for one in due(at=at or timezone.now(), case=case)))
    for done, each in enumerate(waiting, start=1):
        with _alone(each) as mine:
            if mine:
                _stamp_case(each, at or timezone.now(), asking)
        if progress:
            progress(done, len(waiting))
    return Round(stamped=tuple(asking.stamped), failures=tuple(asking.failures))


def stamp_now(case: UUID) -> Round:
    """Have a case stamped by every authority as it stands, whether anything is due or not."""
    asking, agreed = _Asking(), proof.agreed(case)
    for authority in authorities():
        asking.ask(case, agreed.size or None, authority)
    return Round(stamped=tuple(asking.stamped), failures=tuple(asking.failures))


def _stamp_case(case: UUID, now: datetime, asking: "_Asking") -> None:
    known = {each.name: each for each in authorities()}
    agreed = proof.agreed(case)
    # Asked again under the lock: somebody else may have been here since the round's list was made.
    for one in due(at=now, case=case):
        if agreed.size > one.index:
            # Cosignatures are over checkpoints alone, so one of this size is there.
            asking.ask(case, agreed.size, known[one.authority])
        elif not agreed.possible or now - one.since >= FOR_WITNESSES:
            asking.ask(case, one.size, known[one.authority])


class _Asking:
    """One round with the authorities: what they answered, and who is no longer asked."""

    def __init__(self) -> None:
        self.stamped: list[tuple[UUID, Stamped]] = []
        self.failures: list[str] = []
        self._strikes: Counter[str] = Counter()

    def ask(self, case: UUID, size: int | None, authority: Authority) -> None:
        if self._strikes[authority.name] >= STRIKES:
            return
        try:
            stamped = timestamps.stamp(case, size, authority)
        except TimeStampFailed as error:
            self._strikes[authority.name] += 1
            self.failures.append(error.sentence)
            log.warning("No time stamp for case %s: %s", case, error.sentence)
            _failed(authority.name, error.sentence)
            return
        self._strikes[authority.name] = 0
        self.stamped.append((case, stamped))
        AuthorityHealth.objects.update_or_create(
            name=authority.name,
            defaults={"answered_at": timezone.now(), "failing_since": None, "sentence": ""},
        )


def _failed(name: str, sentence: str) -> None:
    """Note what an authority said, and since when it has not answered."""
    health, _ = AuthorityHealth.objects.get_or_create(name=name)
    health.failing_since = health.failing_since or timezone.now()
    health.sentence = sentence[:2_000]
    health.save(update_fields=["failing_since", "sentence"])


@contextmanager
def _alone(case: UUID) -> Iterator[bool]:
    """Whether this process is the only one that stamps the case. The lock ends with the database session, so
    with the worker; without it an authority would be asked twice and nothing else would happen."""
    key = f"countersign stamp {case}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])
