"""Parties, members and tokens as tables, and Django's groups."""

from uuid import UUID

from django.contrib.auth.models import Group, User

from cases.models import ApiToken, Member, Party
from cases.projections.batch import Batch, Handlers
from cases.rules.parties import (
    MemberAdmitted,
    MemberDisabled,
    MemberEnabled,
    PartyRegistered,
    TokenIssued,
    TokenRevoked,
)
from cases.rules.values import ROLES
from ledger.entries import StoredEvent

HUES = 8


def _party_registered(batch: Batch, event: PartyRegistered, stored: StoredEvent) -> None:
    # Groups outlive a rebuild, so that their numbers stay what sessions and permissions know.
    group, _ = Group.objects.get_or_create(name=f"party:{event.party}")
    roles = [Group(name=f"party:{event.party}:{role}") for role in ROLES]
    Group.objects.bulk_create(roles, ignore_conflicts=True)
    before = Party.objects.count() + len(batch.added(Party))
    batch.add(
        Party(
            id=event.party,
            name=event.name,
            short_name=event.short_name,
            kind=event.kind,
            hue=before % HUES + 1,
            group=group,
            registered_at=stored.recorded_at,
        )
    )


def _member_admitted(batch: Batch, event: MemberAdmitted, stored: StoredEvent) -> None:
    batch.add(
        Member(
            id=event.member,
            user_id=event.user_id,
            party_id=event.party,
            role=event.role,
            title=event.title,
            name=event.name,
            email=event.email,
            active=True,
            admitted_at=stored.recorded_at,
        )
    )
    _join(event.user_id, event.party, event.role)


def _member_disabled(batch: Batch, event: MemberDisabled, stored: StoredEvent) -> None:
    batch.write()
    member = Member.objects.get(pk=event.member)
    batch.change(Member, event.member, active=False)
    User.groups.through.objects.filter(
        user_id=member.user_id, group__name__startswith=f"party:{member.party_id}"
    ).delete()


def _member_enabled(batch: Batch, event: MemberEnabled, stored: StoredEvent) -> None:
    batch.write()
    member = Member.objects.get(pk=event.member)
    batch.change(Member, event.member, active=True)
    _join(member.user_id, member.party_id, member.role)


def _token_issued(batch: Batch, event: TokenIssued, stored: StoredEvent) -> None:
    batch.add(
        ApiToken(
            id=event.token,
            member_id=event.member,
            label=event.label,
            secret_sha256=event.secret_sha256,
            issued_at=stored.recorded_at,
            expires_at=event.expires_at,
        )
    )


def _token_revoked(batch: Batch, event: TokenRevoked, stored: StoredEvent) -> None:
    batch.change(ApiToken, event.token, revoked_at=stored.recorded_at)


def _join(user_id: int, party: UUID, role: str) -> None:
    names = [f"party:{party}", f"party:{party}:{role}"]
    numbers = Group.objects.filter(name__in=names).values_list("pk", flat=True)
    User.groups.through.objects.bulk_create(
        [User.groups.through(user_id=user_id, group_id=number) for number in numbers], ignore_conflicts=True
    )


HANDLERS: Handlers = {
    PartyRegistered: _party_registered,
    MemberAdmitted: _member_admitted,
    MemberDisabled: _member_disabled,
    MemberEnabled: _member_enabled,
    TokenIssued: _token_issued,
    TokenRevoked: _token_revoked,
}
