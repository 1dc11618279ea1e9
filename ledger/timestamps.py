"""RFC 3161 time stamps over checkpoint notes: asking an authority, checking and keeping its answer.

What is stamped is a whole note, byte for byte, with the cosignatures held at that moment, and the note is
kept with the token: cosignatures that come later do not touch it.
"""

import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import urlsplit
from uuid import UUID

import rfc3161_client as tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import connection

from ledger.cosignatures import checkpoint_note
from ledger.errors import Misuse, TimeStampFailed
from ledger.models import TimeStamp
from ledger.signing import parse_checkpoint

LONGEST_ANSWER = 256 * 1024
PATIENCE = 20  # seconds
_BRIEF = ("authority", "size", "stamped_at")

_INSERT = """
    INSERT INTO ledger_timestamp (log, size, authority, note, response, chain, stamped_at, received_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Authority:
    """A time stamping authority: a name of ours for it, where it answers, and the roots it is trusted by."""

    name: str
    url: str
    roots: str  # PEM, one certificate or more


@dataclass(frozen=True)
class Stamped:
    """A time stamp as the host holds it."""

    size: int
    authority: str
    note: str
    response: bytes
    chain: str
    at: datetime


def stamp(log_id: UUID, size: int | None, authority: Authority) -> Stamped:
    """Have the checkpoint of `size`, or the newest, stamped by an authority; stamped once, it stays so.

    Asks over the network, so never inside a transaction. TimeStampFailed where no valid answer comes.
    """
    if connection.in_atomic_block:
        raise Misuse("A time stamp is asked for outside of transactions: the answer may take its time.")
    note = checkpoint_note(log_id, size)
    size = parse_checkpoint(note).size
    for held in time_stamps(log_id, size):
        if held.authority == authority.name:
            return held
    request = tsp.TimestampRequestBuilder(
        data=note.encode(), hash_algorithm=tsp.HashAlgorithm.SHA256, nonce=True, cert_req=True
    ).build()
    response = _ask(authority, request.as_bytes())
    at = verify_time_stamp(response, note, authority.roots, nonce=request.nonce)
    now = datetime.now(UTC)
    chain = _chain(response, authority.roots)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, (log_id, size, authority.name, note, response, chain, at, now))
    return next(held for held in time_stamps(log_id, size) if held.authority == authority.name)


def time_stamps(log_id: UUID, size: int | None = None) -> list[Stamped]:
    """The time stamps of a log, or of its checkpoint of `size`, oldest first."""
    found = TimeStamp.objects.filter(log=log_id, **({} if size is None else {"size": size}))
    return [_stamped(row) for row in found.order_by("size", "stamped_at", "authority")]


def newest_of_each(log_id: UUID) -> list[tuple[str, int, datetime]]:
    """For each authority that ever stamped this log: its name, the largest size it stamped, and when."""
    found = TimeStamp.objects.filter(log=log_id).order_by("authority", "-size").distinct("authority")
    return [(name, size, at.astimezone(UTC)) for name, size, at in found.values_list(*_BRIEF)]


def verify_time_stamp(response: bytes, note: str, roots: str, *, nonce: int | None = None) -> datetime:
    """The time at which the authority under `roots` saw this note, or TimeStampFailed."""
    try:
        answer = _decoded(response)
        if answer.status != tsp.PKIStatus.GRANTED:
            raise TimeStampFailed("The time stamping authority refused the request.")
        verifier = tsp.VerifierBuilder(nonce=nonce)
        for root in x509.load_pem_x509_certificates(roots.encode()):
            verifier = verifier.add_root_certificate(root)
        verifier.build().verify(answer, sha256(note.encode()).digest())
        imprint = answer.tst_info.message_imprint.hash_algorithm
        at = answer.tst_info.gen_time
    except (ValueError, tsp.VerificationError) as error:
        raise TimeStampFailed(f"The time stamp does not hold: {error}.") from error
    if imprint.dotted_string != "2.16.840.1.101.3.4.2.1":
        raise TimeStampFailed("The time stamp is not over a SHA-256 hash.")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _ask(authority: Authority, request: bytes) -> bytes:
    if urlsplit(authority.url).scheme not in {"http", "https"}:
        raise TimeStampFailed(f"{authority.name} has no web address.")
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    asked = urllib.request.Request(authority.url, data=request, headers=headers)  # noqa: S310 (web only, above)
    try:
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
            kind, body = answer.headers.get_content_type(), answer.read(LONGEST_ANSWER + 1)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise TimeStampFailed(f"{authority.name} does not answer: {error}.") from error
    if kind != "application/timestamp-reply" or len(body) > LONGEST_ANSWER:
        raise TimeStampFailed(f"{authority.name} answered with something else than a time stamp.")
    return bytes(body)


def _decoded(response: bytes) -> tsp.TimeStampResponse:
    """The answer, read strictly as DER but for one thing that openssl's authorities get wrong.

    They do not sort the set of certificates. It is not under the signature, and sorting it moves no length.
    """
    return tsp.decode_timestamp_response(_with_sorted_certificates(response))


def _with_sorted_certificates(response: bytes) -> bytes:
    start, end = 0, len(response)
    # The answer, its token, the token's content, the signed data, its certificates.
    for place, tag in ((0, 0x30), (1, 0x30), (1, 0xA0), (0, 0x30), (3, 0xA0)):
        parts = _elements(response, start, end)
        if place >= len(parts) or response[parts[place][0]] != tag:
            return response
        start, end = parts[place][1:]
    inner = sorted(response[begin:after] for begin, _, after in _elements(response, start, end))
    return response[:start] + b"".join(inner) + response[end:]


def _elements(data: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """Where each DER element between two places begins, where its content begins, and where it ends."""
    found = []
    while start < end:
        length, content = data[start + 1] if start + 1 < end else 0xFF, start + 2
        if length > 0x80:
            content += length & 0x7F
            length = int.from_bytes(data[start + 2 : content])
        if length == 0x80 or content + length > end:
            raise ValueError("it is not DER")
        found.append((start, content, content + length))
        start = content + length
    return found


def _chain(response: bytes, roots: str) -> str:
    """The certificates that came with the token, as PEM, and the roots: a judge needs no other source."""
    came = [x509.load_der_x509_certificate(der) for der in _decoded(response).signed_data.certificates]
    came.sort(key=lambda one: one.subject.rfc4514_string())
    known = x509.load_pem_x509_certificates(roots.encode())
    return "".join(
        one.public_bytes(Encoding.PEM).decode() for one in [*came, *(one for one in known if one not in came)]
    )


def _stamped(row: TimeStamp) -> Stamped:
    return Stamped(
        row.size, row.authority, row.note, bytes(row.response), row.chain, row.stamped_at.astimezone(UTC)
    )
