"""How often one token may ask: counted in this process's memory, so that asking costs no query."""

from typing import TYPE_CHECKING

from django.core.cache.backends.locmem import LocMemCache
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView


class PerToken(SimpleRateThrottle):
    """A ceiling against runaway scripts; each web process counts for itself."""

    scope = "token"
    cache = LocMemCache("api-throttle", {"MAX_ENTRIES": 10_000})

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """One count for each token; what needs no token is not counted."""
        return f"token:{request.auth}" if request.auth else None
