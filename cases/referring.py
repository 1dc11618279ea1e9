"""Referrals as each side may see them, and what is asked around a command about one.

A referral's receiver has no part in the case. Here is all that it gets before it accepts: the words, the
sender, the terms, how many items would come along and what the sender calls them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Count,
    Exists,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now

from cases import policy, wall
from cases.models import Case as CaseRow
from cases.models import EvidenceItem, Participation, Party, Referral, ReferralConsent, ReferralNote
from cases.refusals import Unseen
from cases.rules.acting import Actor


def referrals(actor: Actor, *, side: str | None = None) -> QuerySet[Referral]:
    """What the actor's party has sent and received, the newest first, with both parties, `side`, whether it
    has `run_out`, and whether it `waits` for this party; all, or of one side."""
    sent = Q(sender=actor.party)
    told: dict[str, Any] = {
        "side": Case(When(sent, then=Value("sent")), default=Value("received"), output_field=CharField()),
        "run_out": _true(_run_out()),
        "waits": _true(_turn(actor)),
    }
    wanted = {"sent": sent, "received": _received(actor)}.get(side or "", sent | _received(actor))
    found: QuerySet[Referral] = Referral.objects.filter(wanted).annotate(**told)
    found = found.select_related("sender", "receiver")
    return found.order_by("-sent_at", "pk")


def referral(actor: Actor, referral_id: UUID | str) -> Referral:
    """One referral that the actor's party has sent or received, or Unseen. One query."""
    found = referrals(actor).filter(pk=_uuid(referral_id)).first()
    if found is None:
        raise Unseen
    return found


def notes(actor: Actor, referral: Referral) -> list[ReferralNote]:
    """Questions and answers about a visible referral, in order."""
    return list(ReferralNote.objects.filter(referral=referral).order_by("version"))


def consents(actor: Actor, referral: Referral) -> list[ReferralConsent]:
    """Whom the sender's case asked for consent; nobody, for the receiver."""
    if referral.side != "sent":
        return []
    return list(referral.consents.select_related("party").order_by("party__name"))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a party learns that is asked for its consent: who would be brought into which case, by whom."""

    id: UUID
    case: CaseRow
    sender: Party
    receiver: Party
    sent_at: datetime


def asked(actor: Actor) -> list[Asked]:
    """The referrals that wait for the consent of the actor's party, the newest first. One query."""
    waiting = ReferralConsent.objects.filter(
        party=actor.party, agreed=None, referral__status="consenting"
    ).select_related("referral__case", "referral__sender", "referral__receiver")
    return [
        Asked(
            id=one.referral.pk,
            case=one.referral.case,
            sender=one.referral.sender,
            receiver=one.referral.receiver,
            sent_at=one.referral.sent_at,
        )
        for one in waiting.filter(_in_case(actor)).order_by("-referral__sent_at", "pk")
    ]


def asked_case(actor: Actor, referral_id: UUID | str) -> UUID:
    """The case in which the actor's party is, or was, asked for its consent to this referral, or Unseen."""
    found = ReferralConsent.objects.filter(_in_case(actor), party=actor.party, referral=_uuid(referral_id))
    case = found.values_list("referral__case", flat=True).first()
    if case is None:
        raise Unseen
    return case


def waiting(actor: Actor) -> int:
    """How many referrals wait for the actor's party: for its answer or for its consent. One query."""
    return _waiting(actor).count()


def with_waiting(actor: Actor, cases: QuerySet[CaseRow]) -> QuerySet[CaseRow]:
    """The same number on each of these cases, as `referrals_waiting`, without a query of its own."""
    counted = _waiting(actor).order_by().values(one=Value(1)).annotate(n=Count("pk")).values("n")
    told: dict[str, Any] = {"referrals_waiting": Coalesce(Subquery(counted), 0)}
    return cases.annotate(**told)


def candidates(actor: Actor, case: CaseRow | None = None) -> QuerySet[Party]:
    """The parties that a matter may be referred to: who is not in the case yet."""
    found = Party.objects.exclude(pk=actor.party).order_by("name")
    if case is None:
        return found
    present = Participation.objects.filter(case=case, left_at=None)
    return found.exclude(pk__in=present.values("party"))


def own_items(actor: Actor, case: CaseRow) -> QuerySet[EvidenceItem]:
    """The items of the actor's own party in a visible case: these may go along."""
    return EvidenceItem.objects.filter(
        wall.granted(actor, "metadata"), case=case, owner=actor.party
    ).order_by("number")


def items_of(actor: Actor, referral: Referral) -> list[EvidenceItem]:
    """The items that a referral names, for its sender alone."""
    if referral.side != "sent" or not referral.items:
        return []
    return list(EvidenceItem.objects.filter(pk__in=referral.items).order_by("number"))


def case_of(actor: Actor, referral: Referral) -> CaseRow | None:
    """The case of a visible referral, where the actor sees that too."""
    return CaseRow.objects.filter(wall.in_case(actor), pk=referral.case_id).first()


def offers(actor: Actor, referral: Referral) -> set[str]:
    """The commands about a visible referral that the actor may give as it stands."""
    side = "sender" if referral.side == "sent" else "receiver"
    names = {
        name
        for name, row in policy.POLICY.items()
        if row.referral and row.side == side and referral.status in row.referral.split()
        if actor.role in row.who.split()
    }
    if not referral.asking:
        names.discard("AnswerReferral")
    if referral.run_out:
        names.discard("AcceptReferral")
    return names


def awaited(case: UUID, party: UUID) -> bool:
    """Whether a case waits for this party to answer a referral: then it may sign its answer there."""
    return Referral.objects.filter(case=case, receiver=party, status="waiting").exists()


def _waiting(actor: Actor) -> QuerySet[Referral]:
    consent = ReferralConsent.objects.filter(
        _in_case(actor), party=actor.party, agreed=None, referral__status="consenting"
    )
    found: QuerySet[Referral] = Referral.objects.filter(_turn(actor) | Q(pk__in=consent.values("referral")))
    return found


def _received(actor: Actor) -> Q:
    return Q(receiver=actor.party, released_at__isnull=False)


def _run_out() -> Q:
    return Q(status="waiting", expires_at__isnull=False, expires_at__lte=Now())


def _turn(actor: Actor) -> Q:
    """The actor's party has the next word: an answer to what it received, or to what it was asked back."""
    asked, received = Q(sender=actor.party, asking=True), _received(actor) & Q(asking=False)
    return Q(status="waiting") & (asked | received) & ~_run_out()


def _in_case(actor: Actor) -> Exists:
    return Exists(CaseRow.objects.filter(wall.in_case(actor), pk=OuterRef("referral__case")))


def _true(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _uuid(given: UUID | str) -> UUID:
    try:
        return given if isinstance(given, UUID) else UUID(str(given))
    except ValueError:
        raise Unseen from None
