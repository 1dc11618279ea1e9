"""What whole pages list and prove, beyond single things in reads.py: the same rule, always for an actor."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Prefetch, Q, QuerySet

from cases import reads
from cases.models import Case, CustodyEvent, Member, Participation, Party, PartyKey
from cases.rules.acting import Actor
from ledger import merkle, proofs
from ledger.commitments import field_digest
from ledger.entries import Head, Opening
from ledger.errors import VerificationError
from ledger.jcs import Json


def own_party(actor: Actor) -> Party:
    """The party that the actor acts for."""
    return Party.objects.get(pk=actor.party)


def with_parties(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Cases from `reads.my_cases`, each with its participations and their parties; one query more."""
    parts = (
        Participation.objects.filter(left_at=None)
        .select_related("party")
        .order_by(reads.BY_PART, "joined_at", "id")
    )
    return cases.prefetch_related(Prefetch("participations", queryset=parts, to_attr="shown_parts"))


def parts_with_members(actor: Actor, case: Case) -> list[Participation]:
    """Who takes part in a visible case or has left it, with the active members of each party as
    `party.shown_members`."""
    members = Member.objects.filter(active=True).order_by("name")
    return list(
        reads.everyone_in(actor, case).prefetch_related(
            Prefetch("party__members", queryset=members, to_attr="shown_members")
        )
    )


def item_counts(actor: Actor, cases: Sequence[UUID]) -> dict[UUID, int]:
    """How many items of each case the actor may see; a case without any is absent."""
    seen = reads.my_items(actor).filter(case__in=cases).select_related(None).order_by()
    return dict(seen.values_list("case").annotate(count=Count("pk")))


def case_custody(actor: Actor, case: Case) -> QuerySet[CustodyEvent]:
    """What happened to the items of a case that the actor may see, the newest first."""
    return (
        CustodyEvent.objects.filter(item__case=case, item__in=reads.my_items(actor))
        .filter(~Q(kind="examined") | Q(party=actor.party) | Q(item__owner=actor.party))
        .select_related("party", "item")
        .order_by("-entry", "-id")
    )


@dataclass(frozen=True, kw_only=True)
class Inclusion:
    """The path from an entry to the root of its log as it stands now, and whether it leads there."""

    head: Head
    path: list[str]
    holds: bool


def inclusion(actor: Actor, case: Case, *, index: int, leaf: bytes, head: Head | None = None) -> Inclusion:
    """Prove that `leaf` is entry `index` of a visible case's log, also where the entry stays sealed; under
    `head` where it is at hand."""
    head = head or reads.ledger_head(actor, case)
    path = proofs.inclusion_proof(case.pk, index, head.size)
    try:
        merkle.verify_inclusion(index, head.size, merkle.leaf_hash(leaf), path, bytes.fromhex(head.root_hex))
    except VerificationError:
        return Inclusion(head=head, path=[step.hex() for step in path], holds=False)
    return Inclusion(head=head, path=[step.hex() for step in path], holds=True)


@dataclass(frozen=True, kw_only=True)
class OpenedField:
    """One field of an opened entry, and the digest that its salt and value give."""

    name: str
    value: Json
    salt: str
    digest: str


def opened_fields(opening: Opening) -> list[OpenedField]:
    """The fields of an opening that `reads.ledger_page` gave out, by name."""
    return [
        OpenedField(
            name=name, value=value, salt=salt, digest=field_digest(bytes.fromhex(salt), name, value).hex()
        )
        for name, (salt, value) in sorted(opening.items())
    ]


def party_keys(actor: Actor) -> QuerySet[PartyKey]:
    """All keys of the actor's own party, those in use first."""
    return (
        PartyKey.objects.filter(party=actor.party)
        .select_related("member")
        .order_by(F("ended_at").desc(nulls_first=True), "registered_at", "id")
    )


def signing_keys(actor: Actor) -> list[PartyKey]:
    """The keys that the actor itself may sign with now."""
    return list(PartyKey.objects.filter(party=actor.party, member=actor.member, ended_at=None))
