"""GET /api/v1/schema, and what it says of every route beyond its view:
the problems that it may answer with."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.problems import CONTENT_TYPE, TITLES

Schema = dict[str, Any]

PROBLEM: Schema = {
    "type": "object",
    "description": "RFC 9457. `type` ends in a code for programs, `detail` is a sentence for people.",
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:countersign:problem:not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "description": "The fields at fault.",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
                "required": ["field", "detail"],
            },
        },
        "position": {"type": "integer", "description": "Where in `query` the fault lies, counted from 0."},
    },
    "required": ["type", "title", "status", "detail", "instance"],
}

# What any operation may answer; further ones depend on its method and its path.
ANYWHERE = (401, 404, 429)
WITH_BODY = (400, 403, 409, 413, 415, 422)
WITH_PARAMETERS = (422,)


def add_problems(result: Schema, **asked: Any) -> Schema:
    """Name the problem responses of each operation; drf-spectacular calls this when the rest is done."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    responses = result["components"].setdefault("responses", {})
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status in _statuses(path, method, operation):
                responses.setdefault(f"Problem{status}", _response(status))
                operation["responses"].setdefault(
                    str(status), {"$ref": f"#/components/responses/Problem{status}"}
                )
    return result


def _statuses(path: str, method: str, operation: Mapping[str, Any]) -> list[int]:
    if not any(operation.get("security", [])):
        return []
    found = set(ANYWHERE)
    if method in ("post", "patch"):
        found |= set(WITH_BODY)
    if any(one["in"] == "query" for one in operation.get("parameters", [])):
        found |= set(WITH_PARAMETERS)
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        found |= {411, 507}
    if path.endswith(("/search", "/histogram", "/aggregate")):
        found |= {503}
    if path.endswith("/content"):
        found |= {416}
    return sorted(found)


def _response(status: int) -> Schema:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    response: Schema = {"description": TITLES[status], "content": content}
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == 429:
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response


class SchemaView(APIView):
    """The description of this API; it holds no secret and needs no token."""

    authentication_classes = []
    permission_classes = [AllowAny]
    renderer_classes = [OpenApiJsonRenderer2]

    @extend_schema(operation_id="schema", responses={(200, "application/json"): dict}, tags=["Schema"])
    def get(self, request: Request) -> Response:
        """OpenAPI 3.1, as JSON."""
        return Response(_description())


@cache
def _description() -> Schema:
    """Made once a process: it costs a second and never changes."""
    generator: Any = SchemaGenerator
    return dict(generator().get_schema(request=None, public=True))
