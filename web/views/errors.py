"""Pages for what goes wrong before a view is reached."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def form_out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A POST without the token of a form that this site drew."""
    return render(request, "web/errors/csrf.html", status=403)
