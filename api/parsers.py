"""JSON in and out: bodies bounded in size and depth, so that no request can eat the memory or the stack."""

from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.core.exceptions import RequestDataTooBig
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
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


class _Bounded(BaseParser):
    """A body taken as its bytes, up to `most` of them; larger is 413."""

    most: ClassVar[int]

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The bytes of the body."""
        data = stream.read(self.most + 1)
        if len(data) > self.most:
            raise RequestDataTooBig
        return data


class BoundedText(_Bounded):
    """A note or its signature lines: UTF-8 up to 64 KiB; another charset is 415, other bytes are 400."""

    media_type = "text/plain"
    most = 64 * 1024

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The text of the body."""
        charset = parse_header_parameters(media_type or "")[1].get("charset", "utf-8")
        if charset.lower() not in ("utf-8", "us-ascii"):
            raise UnsupportedMediaType(media_type or "", "Text comes in UTF-8 here.")
        try:
            return super().parse(stream, media_type, parser_context).decode()
        except UnicodeDecodeError as error:
            raise ParseError("The text is not UTF-8.") from error


class BoundedLines(_Bounded):
    """JSON lines, as bytes: no more than a full page of the largest leaves."""

    media_type = "application/jsonl"
    most = 256 * (32 * 1024 + 1)


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
