"""Who acts: from a signed-in user, for a worker, or for the host's operator."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from cases.models import ApiToken, Member
from cases.rules.acting import HOST_LOG, HOST_PARTY, Actor, Via

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

__all__ = [
    "HOST_LOG",
    "HOST_PARTY",
    "Actor",
    "actor_for_member",
    "actor_for_token",
    "actor_for_user",
    "operator",
    "worker_for",
]


def actor_for_user(user: "User | AnonymousUser | None", *, via: Via) -> Actor | None:
    """The member that this user is, if active; None for anybody else. One query; ask again at every
    request."""
    if user is None or user.pk is None or not user.is_active:
        return None
    member = Member.objects.filter(user_id=user.pk, active=True).first()
    return actor_for_member(member, via=via) if member else None


def actor_for_member(member: Member, *, via: Via) -> Actor:
    """The actor that this member is; perform() checks again that the member is active."""
    return Actor(
        kind="member",
        party=member.party_id,
        member=member.id,
        user_id=member.user_id,
        role=member.role,
        name=member.name,
        via=via,
    )


def worker_for(party: UUID) -> Actor:
    """The worker, acting for the party that owns what it works on."""
    return Actor(kind="worker", party=party, role="worker", name="Countersign worker", via="worker")


def operator(user: "User | None" = None, *, via: Via = "cli") -> Actor:
    """The host's operator: runs the house, sees no evidence. Callers check that `user` is staff."""
    name = (user.get_full_name() or user.get_username()) if user else "Host operator"
    return Actor(
        kind="operator",
        party=HOST_PARTY,
        user_id=user.pk if user else None,
        role="operator",
        name=name,
        via=via,
    )


def actor_for_token(secret_sha256: str, *, at: datetime) -> Actor | None:
    """The member whose API token has this hash, if the token holds at `at` and the member is active. One
    query."""
    token = (
        ApiToken.objects.filter(secret_sha256=secret_sha256, revoked_at=None, expires_at__gt=at)
        .filter(member__active=True, member__user__is_active=True)
        .select_related("member")
        .first()
    )
    return actor_for_member(token.member, via="api") if token else None
