"""Who is asking: a bearer token, known to the host by its SHA-256 alone."""

import hashlib
from typing import TYPE_CHECKING

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api.problems import CHALLENGE
from cases.actors import Actor, actor_for_token

if TYPE_CHECKING:
    from rest_framework.views import APIView

# One sentence for the unknown, the expired, the revoked and the disabled: it says nothing about which.
REFUSAL = "This token is not valid: unknown, expired or revoked."


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer cst_…`; `request.user` becomes the Actor, `request.auth` the token's id."""

    def authenticate(self, request: Request) -> tuple[Actor, str] | None:
        """The actor whose token this is; None without a bearer header;
        401 for any token that does not hold."""
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        digest = hashlib.sha256(secret.strip()).hexdigest()
        actor = actor_for_token(digest, at=timezone.now())
        if actor is None:
            raise AuthenticationFailed(REFUSAL)
        return actor, digest

    def authenticate_header(self, request: Request) -> str:
        """The challenge that goes with every 401."""
        return CHALLENGE


class HoldsToken(BasePermission):
    """Everything but the schema wants a token."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True where a token named an actor."""
        return isinstance(request.user, Actor)


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The same, said in OpenAPI."""

    target_class = "api.authentication.BearerToken"
    name = "bearer"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """An HTTP bearer scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "Made by `manage.py token USER`; acts as that member, for its party.",
        }
