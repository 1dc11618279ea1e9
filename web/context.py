"""What the frame around each page shows. Lazy: a partial without a frame asks for nothing."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cases import listings, reads, referring
from cases.actors import actor_for_user

RECENT = 6


def frame(request: HttpRequest) -> dict[str, Any]:
    """The member, its party, and the cases with the latest activity."""
    if (
        not getattr(request, "user", None)
        or not request.user.is_authenticated
        or request.path.startswith("/admin/")
    ):
        return {}

    def actor() -> Any:
        known = getattr(request, "actor", None)
        return known if known is not None else actor_for_user(request.user, via="web")

    def recent() -> list[Any]:
        who = actor()
        return list(referring.with_waiting(who, reads.my_cases(who))[:RECENT]) if who else []

    def acting_party() -> Any:
        who = actor()
        return listings.own_party(who) if who else None

    recent_cases = SimpleLazyObject(recent)

    def waiting() -> int:
        # The list of cases brings the number along; who has none costs a query more.
        who, shown = actor(), list(recent_cases)
        return shown[0].referrals_waiting if shown else referring.waiting(who) if who else 0

    return {
        "actor": SimpleLazyObject(actor),
        "acting_party": SimpleLazyObject(acting_party),
        "recent_cases": recent_cases,
        "referrals_waiting": SimpleLazyObject(waiting),
    }
