"""perform() with its receipt against an ordinary ORM transaction, in the same database, with full durability.

The ordinary transaction is what an application without a ledger would do for the same change: get the case,
check the membership, save, write an audit row. Both are timed in turn: a drifting machine troubles both.
"""

import statistics
import threading
import time
from collections.abc import Callable
from uuid import UUID, uuid4

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from bench.lines import line
from cases.actors import actor_for_user, operator
from cases.models import Case, Participation
from cases.perform import perform
from cases.rules.acquisition import AcquisitionFacts, SealedBytes
from cases.rules.acting import Actor
from cases.rules.case import CreateCase, OpenCase, ReviseCase
from cases.rules.custody import AcquireEvidence
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.parties import AdmitMember, RegisterParty
from ledger.reading import head

CLIENTS, CASES = 4, 8
READINGS = 500


def main(*, small: int = 1_000, large: int = 200_000, rounds: int = 100) -> None:
    """Print the figures; `small` and `large` are log sizes in entries."""
    actor, user = member()
    case, item = case_with_item(actor)
    grow(case, item, actor, small)
    first = _both(case, actor, user, rounds)
    line("perform vs ORM, 1 client", first[0] / first[1], "ratio", most=1.0)
    line("perform, 1 client", first[0] * 1000, "ms")
    line("ordinary ORM transaction, 1 client", first[1] * 1000, "ms")
    _throughput(actor, user, rounds)
    grow(case, item, actor, large)
    second = _both(case, actor, user, rounds)
    growth = (second[0] / second[1]) / (first[0] / first[1])
    line(f"perform at {large:,} vs {small:,} entries", growth, "ratio", most=1.1)


def member() -> tuple[Actor, User]:
    """A lead investigator of a party of its own, as an actor and as a user."""
    party, member, host = uuid4(), uuid4(), operator()
    user = User.objects.create_user(f"bench-{member}")
    perform(RegisterParty(party=party, name=f"Bench {party}", short_name=f"B{party.hex[:6]}"), actor=host)
    admit = AdmitMember(member=member, party=party, user_id=user.pk, name="Bench", role="lead_investigator")
    perform(admit, actor=host)
    actor = actor_for_user(user, via="cli")
    if actor is None:
        raise RuntimeError("The member of the benchmark was not admitted.")
    return actor, user


def case_with_item(actor: Actor) -> tuple[UUID, UUID]:
    """An open case with one item; the ids of both."""
    case, item = uuid4(), uuid4()
    create = CreateCase(
        case=case, title="Bench", summary="", category="other", severity="low", tlp="TLP:GREEN"
    )
    perform(create, actor=actor)
    perform(OpenCase(case=case), actor=actor)
    sealed = SealedBytes(
        sha256="0" * 64, blake3="0" * 64, sha1="0" * 40, md5="0" * 32, size=0, filename="bench.log"
    )
    facts = AcquisitionFacts(title="Bench")
    perform(AcquireEvidence(case=case, item=item, facts=facts, sealed=sealed), actor=actor)
    return case, item


def grow(case: UUID, item: UUID, actor: Actor, size: int) -> None:
    """Let examinations fill the log up to `size` entries, many to a commit."""
    now = head(case)
    missing = size - (now.size if now else 0)
    for first in range(0, missing, READINGS):
        read = tuple(
            Examination(item=item, how="preview", query=f"line {first + n}", shown=1)
            for n in range(min(READINGS, missing - first))
        )
        perform(ExamineEvidence(case=case, examinations=read), actor=actor)


def _both(case: UUID, actor: Actor, user: User, rounds: int) -> tuple[float, float]:
    """Median seconds of (perform, ordinary transaction), taken in turn."""
    ours, theirs = [], []
    for n in range(rounds + 20):
        ours.append(_timed(lambda n=n: _revise(case, actor, n)))  # type: ignore[misc]
        theirs.append(_timed(lambda n=n: _ordinary(case, actor, user, n)))  # type: ignore[misc]
    return statistics.median(ours[20:]), statistics.median(theirs[20:])


def _revise(case: UUID, actor: Actor, n: int) -> None:
    perform(ReviseCase(case=case, title=f"Bench {n}"), actor=actor)


def _ordinary(case: UUID, actor: Actor, user: User, n: int) -> None:
    with transaction.atomic():
        found = Case.objects.select_for_update().get(pk=case)
        if not Participation.objects.filter(case=found, party_id=actor.party).exists():
            raise PermissionError
        found.title = f"Bench {n}"
        found.save()
        LogEntry.objects.create(
            user_id=user.pk,
            content_type_id=_content_type(),
            object_id=str(case),
            object_repr=found.title,
            action_flag=CHANGE,
            change_message="title",
        )


def _throughput(actor: Actor, user: User, rounds: int) -> None:
    cases = [case_with_item(actor)[0] for _ in range(CASES)]
    ours = _rate(rounds, lambda client, n: _revise(cases[(client + n * CLIENTS) % CASES], actor, n))
    theirs = _rate(rounds, lambda client, n: _ordinary(cases[(client + n * CLIENTS) % CASES], actor, user, n))
    line(f"perform vs ORM throughput, {CLIENTS} clients on {CASES} cases", ours / theirs, "ratio", least=0.8)
    line(f"perform, {CLIENTS} clients", ours, "per second")


def _rate(rounds: int, work: Callable[[int, int], None]) -> float:
    def client(number: int) -> None:
        try:
            for n in range(rounds):
                work(number, n)
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return CLIENTS * rounds / (time.perf_counter() - began)


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _content_type() -> int:
    return ContentType.objects.get_for_model(Case).pk
