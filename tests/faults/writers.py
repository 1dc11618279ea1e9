"""The storm's writers: each asks one thing after another by HTTP, until it is acknowledged."""

import hashlib
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

PATIENCE = 180.0  # seconds until a command that nobody acknowledges is a finding
TIMEOUT = 30.0
HOPELESS = 200  # findings after which nobody goes on


@dataclass(frozen=True, kw_only=True)
class Seat:
    """One party in one case: its member there, its token, its part; part "" is a party that is proposed
    later."""

    case: str
    origin: str
    party: str
    member: str
    token: str
    part: str


@dataclass(frozen=True, kw_only=True)
class Company:
    """Everybody in the storm, and the host's public key."""

    host_key: str
    seats: tuple[Seat, ...]

    @staticmethod
    def read(text: str) -> "Company":
        """From JSON."""
        found = json.loads(text)
        return Company(host_key=found["host_key"], seats=tuple(Seat(**one) for one in found["seats"]))

    @property
    def cases(self) -> list[str]:
        """The cases, in the order in which they were made."""
        return list(dict.fromkeys(seat.case for seat in self.seats))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One command: what is sent, under which Idempotency-Key."""

    kind: str
    path: str
    body: bytes
    content_type: str
    key: str
    method: str = "POST"


@dataclass(frozen=True, kw_only=True)
class Ack:
    """A receipt that a writer holds in its hands."""

    case: str
    command: UUID
    kind: str
    index: int
    leaf_hashes: tuple[str, ...]
    size: int
    checkpoint: str
    at: float


@dataclass
class Tally:
    """What all writers together have seen."""

    acks: list[Ack] = field(default_factory=list)
    retries: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    reads: int = 0
    findings: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, sentence: str) -> None:
        """Note something that must not happen."""
        with self.lock:
            self.findings.append(sentence)


class Writer(threading.Thread):
    """One member's program; `count` commands, drawn from `seed`."""

    def __init__(
        self, seat: Seat, others: list[str], late: list[str], *, url: str, count: int, seed: int, tally: Tally
    ) -> None:
        super().__init__(name=f"writer-{seed}", daemon=True)
        self.seat, self.count, self.tally = seat, count, tally
        self.chance = random.Random(seed)
        self.unshared: list[tuple[str, str]] = []
        self.others, self.late, self.items = others, late, list[str]()
        self.held = False
        address = urlsplit(url)
        self.host, self.port = address.hostname or "", address.port
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Ask `count` commands, each until its receipt is here."""
        try:
            for number, asked in enumerate(self._commands()):
                if len(self.tally.findings) > HOPELESS:
                    return
                answer = self._until_acknowledged(asked)
                if answer is None:
                    continue
                self._keep(asked, answer)
                if self.chance.random() < 0.02:
                    self._again(asked, answer["receipt"])
                if number % 50 == 49:
                    self._read()
        finally:
            self._hang_up()

    def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _commands(self) -> Iterator[Asked]:
        joins = {self.count * (place + 1) // (len(self.late) + 1): one for place, one in enumerate(self.late)}
        for number in range(self.count):
            drawn = self.chance.random()
            if self.seat.part == "lead" and number in joins:
                yield self._json("AddParty", number, "/parties", {"party": joins[number], "role": "observer"})
            elif drawn < 0.006 or number == 1:
                yield self._upload(number)
            elif self.unshared and drawn < 0.02:
                item, party = self.unshared.pop()
                yield self._json(
                    "OfferShare",
                    number,
                    "/shares",
                    {"items": [item], "to": party, "operations": ["search"], "purpose": f"Purpose {number}"},
                )
            elif self.seat.part == "lead" and drawn < 0.7:
                said = {"title": f"Storm {number}", "summary": f"As seen at {number}."}
                yield self._json("ReviseCase", number, "", said, method="PATCH")
            else:
                self.held = not self.held
                kind = "PlaceLegalHold" if self.held else "LiftLegalHold"
                yield self._json(kind, number, "/hold", {"hold": self.held, "reason": f"Reason {number}"})

    def _json(self, kind: str, number: int, path: str, body: Any, *, method: str = "POST") -> Asked:
        return Asked(
            kind=kind,
            path=path,
            body=json.dumps(body).encode(),
            content_type="application/json",
            key=f"storm-{number}",
            method=method,
        )

    def _upload(self, number: int) -> Asked:
        lines = b"".join(
            b'{"ts":"2026-02-08T10:44:%02dZ","who":"%s","n":%d}\n' % (line, self.name.encode(), number)
            for line in range(20)
        )
        parts = {"title": f"Log {number} of {self.name}", "sha256": hashlib.sha256(lines).hexdigest()}
        body = b"".join(
            b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
            % (name.encode(), text.encode())
            for name, text in parts.items()
        )
        body += (
            b'--cut\r\nContent-Disposition: form-data; name="file"; filename="log-%d.jsonl"\r\n\r\n' % number
        )
        return Asked(
            kind="AcquireEvidence",
            path="/evidence",
            body=body + lines + b"\r\n--cut--\r\n",
            content_type="multipart/form-data; boundary=cut",
            key=f"storm-{number}",
        )

    def _until_acknowledged(self, asked: Asked) -> dict[str, Any] | None:
        """The answer, however often it takes; None (and a finding) where it is a refusal or never comes."""
        begun = time.monotonic()
        pause = 0.05
        while time.monotonic() - begun < PATIENCE and len(self.tally.findings) <= HOPELESS:
            status, said = self._send(asked.method, asked.path, asked.body, asked.content_type, asked.key)
            if 200 <= status < 300:
                answer: dict[str, Any] = json.loads(said)
                return answer
            if status in {500, 502, 504} or 400 <= status < 500:
                self.tally.find(f"{asked.kind} in {self.seat.case} was answered {status}: {said[:300]!r}")
                if status < 500:
                    return None
            with self.tally.lock:
                self.tally.retries["no answer" if status == 0 else str(status)] += 1
            time.sleep(pause)
            pause = min(1.0, pause * 2)
        self.tally.find(f"{asked.kind} in {self.seat.case} was not acknowledged in {PATIENCE:.0f} s.")
        return None

    def _send(
        self, method: str, path: str, body: bytes = b"", content_type: str = "", key: str = ""
    ) -> tuple[int, bytes]:
        """Status and body of one request; status 0 where no whole answer came."""
        headers = {"Authorization": f"Bearer {self.seat.token}"}
        headers |= {"Content-Type": content_type} if content_type else {}
        headers |= {"Idempotency-Key": key} if key else {}
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT)
            self.connection.request(method, f"/api/v1/cases/{self.seat.case}{path}", body or None, headers)
            response = self.connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._hang_up()
            return 0, b""

    def _keep(self, asked: Asked, answer: dict[str, Any]) -> None:
        receipt = answer["receipt"]
        ack = Ack(
            case=self.seat.case,
            command=uuid5(UUID(self.seat.member), f"idempotency-key/{asked.key}"),
            kind=asked.kind,
            index=receipt["index"],
            leaf_hashes=tuple(entry["leaf_hash"] for entry in receipt["entries"]),
            size=receipt["size"],
            checkpoint=receipt["checkpoint"],
            at=time.monotonic(),
        )
        if asked.kind == "AcquireEvidence":
            self.items.append(answer["id"])
            self.unshared += [(answer["id"], party) for party in self.others]
        with self.tally.lock:
            self.tally.acks.append(ack)

    def _again(self, asked: Asked, first: dict[str, Any]) -> None:
        """The same key and content once more must give the same receipt, and say so."""
        answer = self._until_acknowledged(asked)
        with self.tally.lock:
            self.tally.repeated += 1
        if answer is None:
            return
        second = answer["receipt"]
        same = all(second[name] == first[name] for name in ("index", "entries", "size", "checkpoint"))
        if not same or (asked.kind != "AcquireEvidence" and not second["replayed"]):
            self.tally.find(
                f"{asked.kind} in {self.seat.case} at {first['index']} was done again at {second['index']}."
            )

    def _read(self) -> None:
        """Look at the ledger, or read an item, which is an event of its own; a read that fails is left."""
        ask: Callable[[], tuple[int, bytes]] = lambda: self._send("GET", "/ledger")  # noqa: E731
        if self.items and self.chance.random() < 0.5:
            item = self.chance.choice(self.items)
            ask = lambda: self._send("GET", f"/evidence/{item}/content")  # noqa: E731
        status, said = ask()
        with self.tally.lock:
            self.tally.reads += status == 200
        if status not in {0, 200, 503}:
            self.tally.find(f"Reading in {self.seat.case} was answered {status}: {said[:300]!r}")
