"""The terms of a share as its row tells them."""

from uuid import UUID

from cases.models import Share, ShareItem
from cases.rules.shape import from_fields
from cases.rules.share_terms import NAMES, Terms


def terms_of(share: Share) -> Terms:
    """The newest terms: those that wait, or else those offered or in force."""
    if share.proposed is not None:
        return from_fields(Terms, share.proposed)
    return standing_terms(share)


def standing_terms(share: Share) -> Terms:
    """The terms offered or in force, whatever else waits."""
    told = {name: getattr(share, name) for name in NAMES if name not in ("items", "members")}
    named = ShareItem.objects.filter(share=share).order_by("item").values_list("item", flat=True)
    told |= {"roles": tuple(share.roles), "operations": tuple(share.operations)}
    return Terms(**told, items=tuple(named), members=tuple(map(UUID, share.members)))
