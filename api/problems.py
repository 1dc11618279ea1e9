"""How the API says no: every error is one RFC 9457 problem, drawn from one table."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import exceptions as django_errors
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from rest_framework import exceptions as drf
from rest_framework.renderers import JSONRenderer

from cases.refusals import Refused
from evidence.search.errors import QueryError, SearchLimit
from evidence.vault import VaultError, VaultFull, WrongHash
from ledger.errors import (
    CommandIdReused,
    FromTheFuture,
    MalformedLeaf,
    MalformedNote,
    NoSuchEntry,
    NotCanonical,
    SignerRefuses,
    StaleStream,
    UnknownKey,
    VerificationError,
)

CONTENT_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="countersign"'
_log = logging.getLogger("countersign.api")

TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "The state of things does not allow this",
    411: "A length is needed",
    413: "Too large",
    415: "Media type not supported",
    416: "Range not satisfiable",
    422: "Something in the request is not right",
    429: "Too many requests",
    500: "An error of ours",
    503: "Not available just now",
    507: "The vault is full",
}

# An absent thing and a hidden thing must give the same bytes: one sentence, whatever the cause.
NOT_FOUND = "There is nothing here, or nothing that you may see."


@dataclass(frozen=True)
class Problem:
    """One refusal: a status, a code for programs, a sentence for people, and the fields at fault."""

    status: int
    code: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, instance: str) -> dict[str, Any]:
        """The members of the problem document, `instance` being the path that was asked."""
        said: dict[str, Any] = {
            "type": f"urn:countersign:problem:{self.code}",
            "title": TITLES.get(self.status, "Refused"),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
        }
        if self.errors:
            said["errors"] = list(self.errors)
        return said | dict(self.extra)


class LengthRequired(drf.APIException):
    """A body was announced without its length; the server reads none of those."""

    status_code = 411
    default_detail = "Send the upload with a Content-Length; a chunked body is not read here."
    default_code = "length-required"


class RangeNotSatisfiable(drf.APIException):
    """The range that was asked lies outside the sealed bytes."""

    status_code = 416
    default_code = "range"

    def __init__(self, *, size: int) -> None:
        super().__init__(f"The item holds {size} bytes; the range asked lies outside them.")
        self.size = size


def _refused(exc: Refused) -> Problem:
    if exc.status == 404:
        return Problem(404, "not-found", NOT_FOUND)
    errors = [{"field": exc.field, "detail": exc.sentence}] if exc.field else []
    position = getattr(exc, "position", None)
    return Problem(
        exc.status, exc.code, exc.sentence, errors, {} if position is None else {"position": position}
    )


def _said(status: int, code: str) -> Callable[[Any], Problem]:
    return lambda exc: Problem(status, code, str(exc))


def _fixed(status: int, code: str, sentence: str) -> Callable[[Any], Problem]:
    return lambda exc: Problem(status, code, sentence)


def _query(exc: QueryError) -> Problem:
    errors = [{"field": "query", "detail": exc.sentence}]
    return Problem(
        422, "query", exc.sentence, errors, {} if exc.position is None else {"position": exc.position}
    )


def _fields(exc: drf.ValidationError) -> Problem:
    errors = flatten(exc.detail)
    first = errors[0]
    told = f"{first['field']}: {first['detail']}" if first["field"] else first["detail"]
    return Problem(422, "invalid", told, errors)


def _drf(exc: drf.APIException) -> Problem:
    return Problem(exc.status_code, _code(exc), str(exc.detail))


def _code(exc: drf.APIException) -> str:
    return str(exc.default_code).replace("_", "-")


def _unauthenticated(exc: drf.APIException) -> Problem:
    # RFC 6750 3.1: a token that does not hold is named as the error, a missing one is not.
    failed = isinstance(exc, drf.AuthenticationFailed)
    challenge = f'{CHALLENGE}, error="invalid_token"' if failed else CHALLENGE
    sentence = str(exc.detail) if failed else "Send a token: Authorization: Bearer cst_…"
    return Problem(401, "unauthenticated", sentence, headers={"WWW-Authenticate": challenge})


def _throttled(exc: drf.Throttled) -> Problem:
    wait = max(1, int(getattr(exc, "wait", None) or 1))
    return Problem(
        429, "throttled", f"Too many requests; try again in {wait} s.", headers={"Retry-After": str(wait)}
    )


def _method(exc: drf.MethodNotAllowed) -> Problem:
    return Problem(405, "method-not-allowed", str(exc.detail))


def _database(exc: InterfaceError | OperationalError) -> Problem:
    # A commit may have been taken whose answer got lost, so nothing is said about what was changed.
    sentence = (
        "The database does not answer just now, so it is not known whether anything was changed. "
        "Send the same again, with the same Idempotency-Key where there was one."
    )
    return Problem(503, "database", sentence, headers={"Retry-After": "2"})


def _range(exc: RangeNotSatisfiable) -> Problem:
    return Problem(416, "range", str(exc.detail), headers={"Content-Range": f"bytes */{exc.size}"})


# The table. The nearest class of an exception decides; what is not listed is an error of ours.
TABLE: Mapping[type[BaseException], Callable[[Any], Problem]] = {
    Refused: _refused,
    QueryError: _query,
    SearchLimit: _said(503, "search-limit"),
    OperationalError: _database,
    InterfaceError: _database,
    WrongHash: _said(422, "wrong-hash"),
    VaultFull: _said(507, "vault-full"),
    VaultError: _said(503, "vault"),
    NotCanonical: _said(422, "not-canonical"),
    StaleStream: _fixed(409, "stale", "Somebody else changed this meanwhile. Read it again, then decide."),
    CommandIdReused: _fixed(
        409, "idempotency-key-reused", "This Idempotency-Key was used for another request."
    ),
    NoSuchEntry: _said(404, "no-such-entry"),  # of a log whose case is known to be visible by then
    MalformedNote: _said(422, "malformed-note"),
    MalformedLeaf: _said(422, "malformed-leaf"),
    FromTheFuture: _said(422, "from-the-future"),
    UnknownKey: _said(403, "unknown-key"),
    VerificationError: _said(409, "does-not-verify"),
    SignerRefuses: _said(503, "log-in-doubt"),
    drf.ValidationError: _fields,
    drf.ParseError: _drf,
    drf.NotAuthenticated: _unauthenticated,
    drf.AuthenticationFailed: _unauthenticated,
    drf.PermissionDenied: _fixed(403, "forbidden", "Your role does not allow this."),
    drf.NotFound: _fixed(404, "not-found", NOT_FOUND),
    drf.MethodNotAllowed: _method,
    drf.UnsupportedMediaType: _drf,
    drf.Throttled: _throttled,
    LengthRequired: _drf,
    RangeNotSatisfiable: _range,
    Http404: _fixed(404, "not-found", NOT_FOUND),
    django_errors.PermissionDenied: _fixed(403, "forbidden", "Your role does not allow this."),
    django_errors.RequestDataTooBig: _fixed(413, "too-large", "The fields of this request are too large."),
    django_errors.TooManyFieldsSent: _fixed(413, "too-many-fields", "The request holds too many fields."),
    django_errors.TooManyFilesSent: _fixed(413, "too-many-files", "The request holds too many files."),
    django_errors.SuspiciousOperation: _fixed(400, "malformed", "The request cannot be read."),
    UnreadablePostError: _fixed(
        400, "cut-off", "The request ended before its body was complete; nothing was kept."
    ),
}


def problem_for(exc: BaseException) -> Problem | None:
    """The problem that the table gives for `exc`, or None where it names none of its classes."""
    for kind in type(exc).__mro__:
        if kind in TABLE:
            return TABLE[kind](exc)
    return None


def flatten(detail: Any, at: str = "") -> list[dict[str, str]]:
    """The field errors of a serializer as one flat list, nested names joined by dots."""
    if isinstance(detail, Mapping):
        pairs = [(str(name), inner) for name, inner in detail.items()]
    elif isinstance(detail, (list, tuple)) and any(isinstance(one, Mapping) for one in detail):
        pairs = [(str(place), inner) for place, inner in enumerate(detail) if inner]
    else:
        said = detail if isinstance(detail, (list, tuple)) else [detail]
        return [{"field": at, "detail": str(one)} for one in said]
    found: list[dict[str, str]] = []
    for name, inner in pairs:
        below = at if name == "non_field_errors" else f"{at}.{name}" if at else name
        found += flatten(inner, below)
    return found


def answer(problem: Problem, request: HttpRequest) -> HttpResponse:
    """The problem as a response; it does not depend on what the client says that it accepts."""
    body = JSONRenderer().render(problem.body(request.path))
    response = HttpResponse(
        body, status=problem.status, content_type=CONTENT_TYPE, headers=dict(problem.headers)
    )
    response["Cache-Control"] = "no-store"
    return response


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """What REST framework calls for whatever a view raises: always a problem, never a traceback."""
    request = context["request"]
    problem = problem_for(exc)
    if problem is None:
        _log.error("Unexpected error at %s %s", request.method, request.path, exc_info=exc)
        got_request_exception.send(sender=None, request=request)
        problem = Problem(500, "internal", "Something went wrong on our side. Nothing was changed.")
    if problem.code == "database":
        _log.warning("The database does not answer at %s %s: %s", request.method, request.path, exc)
    response = answer(problem, request)
    if problem.status == 405:
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response
