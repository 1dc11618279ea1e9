"""A time stamping authority of our own for tests: a small CA, `openssl ts`, a loopback address."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from ledger.timestamps import Authority

CONFIG = """
[tsa]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/chain.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
"""


def openssl(*arguments: str, given: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, input=given).stdout


def make(folder: Path) -> str:
    """A root, an intermediate and the authority's own certificate in `folder`; the root as PEM."""
    config = folder / "openssl.cnf"
    config.write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    key = ("-newkey", "rsa:2048", "-nodes", "-config", str(config))
    openssl(
        "req", "-x509", *key, "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem", "-days", "30",
        "-subj", "/CN=Test root", "-extensions", "ca",
    )  # fmt: skip
    for name, issuer, kind in (("middle", "ca", "ca"), ("tsa", "middle", "leaf")):
        request = openssl("req", *key, "-keyout", f"{folder}/{name}.key", "-subj", f"/CN=Test {name}")
        openssl(
            "x509", "-req", "-CA", f"{folder}/{issuer}.pem", "-CAkey", f"{folder}/{issuer}.key",
            "-CAcreateserial", "-days", "30", "-extfile", str(config), "-extensions", kind,
            "-out", f"{folder}/{name}.pem", given=request,
        )  # fmt: skip
    (folder / "chain.pem").write_text((folder / "middle.pem").read_text())
    return (folder / "ca.pem").read_text()


@contextmanager
def serve(folder: Path, root: str, *, spoil: str = "") -> Iterator[Authority]:
    """The authority in `folder` at a loopback address; `spoil` makes it misbehave."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            if spoil == "other message":
                asked = openssl("ts", "-query", "-digest", "00" * 32, "-sha256", "-cert")
            (folder / "query").write_bytes(asked)
            config = str(folder / "openssl.cnf")
            answer = openssl(
                "ts", "-reply", "-config", config, "-section", "tsa", "-queryfile", f"{folder}/query"
            )
            if spoil == "old answer" and (folder / "old").exists():
                answer = (folder / "old").read_bytes()
            (folder / "old").write_bytes(answer)
            self.send_response(500 if spoil == "error" else 200)
            self.send_header(
                "Content-Type", "text/html" if spoil == "page" else "application/timestamp-reply"
            )
            self.end_headers()
            if spoil == "flip":
                answer = answer[:-20] + bytes([answer[-20] ^ 1]) + answer[-19:]
            self.wfile.write({"long": bytes(300_000), "garbage": b"garbage"}.get(spoil, answer))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Authority("Test authority", f"http://127.0.0.1:{server.server_port}/tsr", root)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
