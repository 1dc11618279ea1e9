"""What Django answers outside of any view: a page for people, and a problem for programs under /api/."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from api.problems import NOT_FOUND, Problem, answer


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
    """500: an error of ours, which the log tells and the answer does not."""
    if _for_programs(request):
        return answer(Problem(500, "internal", "Something went wrong on our side."), request)
    return defaults.server_error(request)


def _for_programs(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")
