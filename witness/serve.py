"""C2SP tlog-witness on loopback: for a host, or a relay, that brings checkpoints instead of being polled.

Here no leaves are seen: the proof in the request shows consistency. The record is that of the polling
side, under the same lock, and it is moved on, on the disk, before a cosignature leaves.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from verifier.merkle import VerificationError, verify_consistency
from verifier.note import Key, Note, base64, parse_note
from witness.keys import Signer, bare
from witness.store import last_seen, locked, replace

LARGEST_REQUEST = 128 * 1024


@dataclass(frozen=True)
class Answer:
    """What goes back: status, body, its type."""

    status: int
    body: str
    kind: str = "text/plain; charset=utf-8"


class AddCheckpoint:
    """The add-checkpoint call."""

    def __init__(self, logs: Mapping[str, tuple[Key, Path]], signer: Signer) -> None:
        self.logs, self.signer = logs, signer

    def answer(self, body: bytes) -> Answer:
        """Check a request as the specification orders the checks, persist, cosign."""
        try:
            head, gap, raw = body.partition(b"\n\n")
            first, *rest = head.decode("ascii").split("\n")
            old = re.fullmatch(r"old (0|[1-9][0-9]{0,18})", first)
            proof = [base64(line) for line in rest]
            note = parse_note(raw)
        except (VerificationError, ValueError):
            return Answer(400, "The request is not an old size, a proof, an empty line and a checkpoint.\n")
        if not gap or old is None or len(proof) > 63 or any(len(one) != 32 for one in proof):
            return Answer(400, "The request is not an old size, a proof, an empty line and a checkpoint.\n")
        if note.origin not in self.logs:
            return Answer(404, "This log is unknown here.\n")
        log, folder = self.logs[note.origin]
        try:
            known = note.signers([log])
        except VerificationError:
            known = []
        if not known:
            return Answer(403, "No signature of a trusted key is on the checkpoint.\n")
        with locked(folder, wait=True):  # looking at the old size and moving it on are one step
            return self._move(note, int(old[1]), proof, folder, log)

    def _move(self, note: Note, old: int, proof: list[bytes], folder: Path, log: Key) -> Answer:
        seen = last_seen(folder)
        size = seen.size if seen else 0
        if old > note.size:
            return Answer(400, "The old size is larger than the checkpoint's.\n")
        if old != size or (seen and size == note.size and seen.root != note.root):
            return Answer(409, f"{size}\n", "text/x.tlog.size")
        try:
            if old and seen:
                verify_consistency(old, note.size, proof, seen.root, note.root)
        except VerificationError as error:
            return Answer(422, f"{error}\n")
        if not old and (
            proof or note.size == 0
        ):  # everything follows from nothing; the empty tree shows nothing
            return Answer(422, "From size 0 there is nothing to prove.\n")
        line = self.signer.cosign(note, int(time.time()))
        replace(folder / "served", bare(note, log))
        return Answer(200, line)


def server(port: int, call: AddCheckpoint) -> ThreadingHTTPServer:
    """An HTTP server on loopback that speaks add-checkpoint and nothing else."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint" or not length.isdecimal() or int(length) > LARGEST_REQUEST:
                self.close_connection = True
                answer = Answer(404 if self.path != "/add-checkpoint" else 400, "There is nothing here.\n")
            else:
                answer = call.answer(self.rfile.read(int(length)))
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: a witness's log is its folder."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
