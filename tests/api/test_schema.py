"""The description of the API is valid, whole and true."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from api.urls import urlpatterns
from tests.api.client import Api

Described = dict[str, Any]


@pytest.fixture(scope="module")
def described() -> Described:
    """What GET /schema answers, without a token."""
    response = Api().get("/schema")
    assert response["Content-Type"] == "application/json"
    said: Described = json.loads(response.content)
    return said


def test_it_is_valid_openapi_without_a_warning() -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO())


def test_it_is_openapi_3_1_with_a_bearer(described: Described) -> None:
    assert described["openapi"].startswith("3.1")
    assert described["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_it_holds_every_route(described: Described) -> None:
    patterns = [one for one in urlpatterns if one.name]
    routes = {"/api/v1/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(one.pattern)) for one in patterns}
    assert set(described["paths"]) == routes


def test_every_operation_names_its_problems(described: Described) -> None:
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            assert operation["tags"]
            if path == "/api/v1/schema":
                continue
            assert operation["security"] == [{"bearer": []}], path
            assert {"401", "404", "429"} <= set(operation["responses"])
            if method != "get":
                assert {"400", "403", "415", "422"} <= set(operation["responses"])
    problem = described["components"]["responses"]["Problem404"]["content"]
    assert set(problem) == {"application/problem+json"}


def test_the_upload_is_described(described: Described) -> None:
    upload = described["paths"]["/api/v1/cases/{case}/evidence"]["post"]
    assert set(upload["requestBody"]["content"]) == {"multipart/form-data"}
    fields = described["components"]["schemas"]["NewEvidenceRequest"]
    assert fields["required"] == ["file"]
    assert {"file", "sha256", "title", "acquired_at"} <= set(fields["properties"])
    assert {"411", "507"} <= set(upload["responses"])


def test_the_names_of_the_search_are_those_of_the_wire(described: Described) -> None:
    schemas = described["components"]["schemas"]
    assert set(schemas["SearchQueryRequest"]["properties"]) == {
        "query",
        "from",
        "to",
        "items",
        "limit",
        "cursor",
    }
    assert "fields" in schemas["RecordAnswer"]["properties"]
