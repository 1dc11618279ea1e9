"""What every view needs: the actor, refusals as pages, and the id that makes a double press one effect."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from uuid import UUID, uuid4, uuid5

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from cases.actors import Actor, actor_for_user
from cases.refusals import Refused

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
ActorView = Callable[Concatenate[HttpRequest, Actor, P], HttpResponseBase]


def member_view(*methods: str) -> Callable[[ActorView[P]], View[P]]:
    """A view for a member of a party: signed in, with its actor; what it raises becomes a page.

    A view never needs to catch `Unseen`: a stranger gets the same 404 as for what does not exist.
    """

    def wrap(view: ActorView[P]) -> View[P]:
        @require_http_methods(list(methods) or ["GET", "HEAD"])
        @wraps(view)
        def door(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _signed_out(request)
            actor = actor_for_user(request.user, via="web")
            if actor is None:
                return render(request, "web/errors/no_party.html", status=403)
            request.actor = actor  # type: ignore[attr-defined]
            try:
                response = view(request, actor, *args, **kwargs)
            except Refused as refused:
                response = refusal(request, refused)
            patch_vary_headers(response, ["HX-Request"])
            return response

        return cast("View[P]", door)

    return wrap


def _signed_out(request: HttpRequest) -> HttpResponseBase:
    """To the sign-in page; a part is not replaced by it, and a script is told in its own words."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    if request.headers.get("Accept") == "application/json":
        return JsonResponse(
            {"sentence": "You have been signed out. Sign in in another tab, then try again."}, status=401
        )
    return redirect_to_login(request.get_full_path())


def refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """A refusal that has no form to stand beside."""
    if request.headers.get("HX-Request"):
        return render(request, "web/parts/refused.html", {"refused": refused}, status=refused.status)
    if refused.status == 404:
        raise Http404
    return render(request, "web/errors/refused.html", {"refused": refused}, status=refused.status)


def from_elsewhere(request: HttpRequest) -> bool:
    """Another site sent the browser here: what writes into custody then waits for the member's own press."""
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def command_id(request: HttpRequest) -> UUID:
    """The id that the form was given when it was drawn; a malformed one belongs to no form: a new one."""
    try:
        return UUID(request.POST.get("command", ""))
    except ValueError:
        return uuid4()


def made_from(command: UUID, what: str) -> UUID:
    """The id of a thing that a command makes: the same press makes the same thing."""
    return uuid5(command, what)


def page_number(request: HttpRequest) -> int:
    """The page asked for, counted from 1; nonsense means the first."""
    asked = request.GET.get("page", "")
    return max(int(asked), 1) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1


def new_command() -> UUID:
    return uuid4()


def is_partial(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False)) and not request.htmx.history_restore_request  # type: ignore[attr-defined]


def whole_or_part(
    request: HttpRequest, page: str, part: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The page, or for htmx only the part of it that changes."""
    return render(request, part if is_partial(request) else page, context, status=status)
