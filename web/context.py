"""What the frame around each page shows. Lazy: a partial without a frame asks for nothing."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cases import listings, reads
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
        return list(reads.my_cases(who)[:RECENT]) if who else []

    def acting_party() -> Any:
        who = actor()
        return listings.own_party(who) if who else None

    return {
        "actor": SimpleLazyObject(actor),
        "acting_party": SimpleLazyObject(acting_party),
        "recent_cases": SimpleLazyObject(recent),
    }
