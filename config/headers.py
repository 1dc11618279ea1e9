"""Response headers that are the same for every page; the content security policy is django-csp's."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

FIXED = {
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def fixed_headers(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Add the fixed headers, and keep pages of signed-in people out of every cache."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        for name, value in FIXED.items():
            response.headers.setdefault(name, value)
        # Static files are answered before this; whatever comes from a view may show evidence.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return answer
