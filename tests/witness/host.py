"""A host on loopback that shows a log from tests/verifier/maker, honest or not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.verifier.maker import Log


class LoopbackHost:
    """What the host side of docs says, over real HTTP, with the log in memory."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.cosignatures: list[tuple[int, str]] = []
        self.refed: list[bytes] = []
        self.shown: list[bytes] = []
        self.url = ""
        self.hides = ""  # says that there is no such log, as this media type

    def get(self, path: str, query: dict[str, list[str]]) -> bytes:
        """The answer to a GET."""
        if path.endswith("/checkpoint"):
            return self.log.notes[max(self.log.notes)].encode()
        start, end = int(query["from"][0]), int(query["to"][0])
        return b"".join(leaf + b"\n" for leaf in self.log.leaves[start:end])

    def post(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        """Take in a POST."""
        if path.endswith("/cosignatures"):
            self.cosignatures.append((int(query["size"][0]), body.decode()))
        elif path.endswith("/seen"):
            self.shown.append(body)
        else:
            self.refed.append(body)


@contextmanager
def running(log: Log) -> Iterator[LoopbackHost]:
    """A host that answers until the block ends."""
    host = LoopbackHost(log)

    class Handler(BaseHTTPRequestHandler):
        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            if host.hides:
                self.send_response(404)
                self.send_header("Content-Type", host.hides)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            parts = urlsplit(self.path)
            self._send(host.get(parts.path, parse_qs(parts.query)))

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            host.post(parts.path, parse_qs(parts.query), self.rfile.read(int(self.headers["Content-Length"])))
            self._send(b"")

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.url = f"http://127.0.0.1:{server.server_address[1]}/api/v1/cases/c/ledger"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
