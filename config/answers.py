"""What Django answers outside of any view: a page for people, and a problem for programs under /api/."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import defaults

from api.problems import NOT_FOUND, Problem, answer, problem_for


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a strange host name, or a body that Django refuses."""
    if _for_programs(request):
        return answer(Problem(400, "malformed", "The request cannot be read."), request)
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: no such path."""
    if _for_programs(request):
        return answer(Problem(404, "not-found", NOT_FOUND), request)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: an error of ours, told by the log and not by the answer; 503 while the database comes back."""
    error = sys.exc_info()[1]  # Django calls this while it handles the error
    known = problem_for(error) if isinstance(error, InterfaceError | OperationalError) else None
    if _for_programs(request):
        return answer(known or Problem(500, "internal", "Something went wrong on our side."), request)
    if known:
        page = loader.get_template("503.html").render()
        return HttpResponse(page, status=known.status, headers=dict(known.headers))
    return defaults.server_error(request)


def _for_programs(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
