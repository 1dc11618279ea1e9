"""JSON in and out: bodies bounded in size and depth, so that no request can eat the memory or the stack."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from api.serializers.fields import JsonEncoder

MAX_JSON = 1 << 20


class BoundedJSON(JSONParser):
    """JSON up to 1 MiB; larger is 413, deeper than the parser's stack is 400."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The value of the body; raises RequestDataTooBig or ParseError."""
        length = (parser_context or {})["request"].META.get("CONTENT_LENGTH") or "0"
        if int(length) > MAX_JSON:
            raise RequestDataTooBig
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class AlwaysJson(DefaultContentNegotiation):
    """Answers are JSON whatever Accept says:
    a client that sends a strange Accept still learns what went wrong."""

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """The first renderer of the view."""
        return renderers[0], str(renderers[0].media_type)


class CountersignJSON(JSONRenderer):
    """JSON with instants as this API writes them."""

    encoder_class = JsonEncoder
