"""A client of the API as a script would be one:
a token, JSON, and answers that are checked to be what they claim."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.test import Client

from cases import tokens
from tests.cast import Person

BASE = "/api/v1"
BOUNDARY = "the-boundary"


@dataclass
class Api:
    """Requests under one token, or under none."""

    token: str | None = None
    client: Client = field(default_factory=Client)

    def ask(
        self,
        method: str,
        path: str,
        *,
        json_: Any = None,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> Any:
        """One request; an error must be a problem."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if json_ is not None:
            extra |= {"data": json.dumps(json_), "content_type": "application/json"}
        response = self.client.generic(method, BASE + path, headers=sent, **extra)
        if response.status_code >= 400 and method != "HEAD":
            is_problem(response)
        return response

    def get(self, path: str, **extra: Any) -> Any:
        """GET."""
        return self.ask("GET", path, **extra)

    def post(self, path: str, body: Any, **extra: Any) -> Any:
        """POST of JSON."""
        return self.ask("POST", path, json_=body, **extra)

    def upload(
        self,
        case: UUID,
        content: bytes,
        *,
        name: str = "gateway.jsonl",
        first: str = "fields",
        headers: dict[str, str] | None = None,
        **fields: str,
    ) -> Any:
        """POST of a file with its fields before or after it."""
        said = [part(name_, value.encode()) for name_, value in fields.items()]
        file = part("file", content, filename=name)
        parts = [*said, file] if first == "fields" else [file, *said]
        return self.multipart(
            f"/cases/{case}/evidence", b"".join(parts) + f"--{BOUNDARY}--\r\n".encode(), headers=headers
        )

    def multipart(
        self, path: str, body: bytes, *, headers: dict[str, str] | None = None, **extra: Any
    ) -> Any:
        """POST of a multipart body as it is."""
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.ask("POST", path, headers=headers, data=body, content_type=kind, **extra)


def part(name: str, value: bytes, *, filename: str | None = None) -> bytes:
    """One part of a multipart body."""
    told = f'; filename="{filename}"' if filename else ""
    kind = "Content-Type: application/octet-stream\r\n" if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{told}\r\n{kind}\r\n'
    return head.encode() + value + b"\r\n"


def api_of(person: Person) -> Api:
    """A client with a fresh token of this person."""
    return Api(
        tokens.issue(member=person.member, label="test", lasting=timedelta(days=1), actor=person.actor)
    )


def is_problem(response: HttpResponseBase) -> dict[str, Any]:
    """The problem that a response is; fails where it is anything else."""
    assert response["Content-Type"] == "application/problem+json", response
    said: dict[str, Any] = json.loads(response.content)  # type: ignore[attr-defined]
    assert {"type", "title", "status", "detail", "instance"} <= set(said)
    assert said["status"] == response.status_code
    assert said["type"].startswith("urn:countersign:problem:")
    assert "Traceback" not in said["detail"]
    return said
