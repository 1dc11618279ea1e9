"""The add-checkpoint call, answer by answer."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import merkle
from tests.verifier.maker import ORIGIN, Log, b64, key, public
from verifier.note import LOG, WITNESS, Key, parse_note
from witness.keys import Signer
from witness.serve import AddCheckpoint, Answer, server

OURS = Key("w.example", WITNESS, public(key("w")))


@pytest.fixture
def call(tmp_path: Path) -> AddCheckpoint:
    """A witness that knows one log."""
    known = Key(ORIGIN, LOG, public(key("host")))
    return AddCheckpoint({ORIGIN: (known, tmp_path / "log")}, Signer(OURS, key("w")))


def log_of(*kinds: str) -> Log:
    """A log with a checkpoint at every size."""
    log = Log()
    for kind in kinds:
        log.add(kind)
        log.checkpoint()
    return log


def request(log: Log, old: int, new: int, proof: list[bytes] | None = None) -> bytes:
    """The body of add-checkpoint."""
    if proof is None:
        hashes = log.hashes()
        ranges = merkle.consistency_ranges(old, new) if 0 < old <= new else []
        proof = [merkle.root_of_leaves(hashes[a:b]) for a, b in ranges]
    return "".join([f"old {old}\n", *(b64(one) + "\n" for one in proof), "\n", log.notes[new]]).encode()


def test_200_409_422(call: AddCheckpoint) -> None:
    log = log_of(*"abcdefg")
    first = call.answer(request(log, 0, 3))
    assert first.status == 200
    assert parse_note((log.notes[3] + first.body).encode()).signers([OURS])
    conflict = Answer(409, "3\n", "text/x.tlog.size")
    assert call.answer(request(log, 0, 5)) == conflict
    assert call.answer(request(log, 2, 5)) == conflict
    assert call.answer(request(log, 0, 2)) == conflict  # a rollback
    assert call.answer(request(log, 3, 5, [])).status == 422
    assert call.answer(request(log, 3, 5, [b"x" * 32] * 4)).status == 422
    other = log_of(*"abXdefg")
    assert call.answer(request(other, 3, 3)) == conflict  # another root of one size
    assert call.answer(request(other, 3, 5)).status == 422
    assert call.answer(request(log, 3, 3)).status == 200
    assert call.answer(request(log, 3, 7)).status == 200
    assert call.answer(request(log, 3, 7)) == Answer(409, "7\n", "text/x.tlog.size")


def test_400_403_404(call: AddCheckpoint) -> None:
    log = log_of(*"abc")
    good = request(log, 0, 3)
    assert call.answer(request(log, 4, 3)).status == 400
    for bad in (
        b"",
        b"old 0",
        good.replace(b"old 0", b"old 00"),
        good.replace(b"old 0", b"old -1"),
        good[:-3],
        good.replace(b"\n\n", b"\n", 1),
        b"old 0\nAAAA\n\n" + good.partition(b"\n\n")[2],
        b"\xff" + good,
        b"old 0\n" + b64(bytes(32)).encode() * 64 + good,
    ):
        assert call.answer(bad).status == 400
    assert call.answer(good.replace(b"old 0\n", b"old 0\n" + b64(bytes(32)).encode() + b"\n")).status == 422
    forged = Log(host=key("mallory"))
    forged.add()
    forged.checkpoint()
    assert call.answer(request(forged, 0, 1)).status == 403
    assert call.answer(good.replace(b"\n3\n", b"\n2\n")).status == 403
    assert call.answer(good.replace(ORIGIN.encode(), b"other.example")).status == 404
    empty = Log()
    empty.checkpoint()
    assert call.answer(request(empty, 0, 0)).status == 422


@pytest.fixture
def port(call: AddCheckpoint) -> Iterator[int]:
    """The call behind real HTTP."""
    with server(0, call) as web:
        thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield int(web.server_address[1])
        web.shutdown()
        thread.join()


def post(port: int, path: str, body: bytes) -> tuple[int, str, str]:
    """Status, type and body of the answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_over_http(port: int) -> None:
    log = log_of(*"abc")
    assert post(port, "/add-checkpoint", request(log, 0, 3))[0] == 200
    assert post(port, "/add-checkpoint", request(log, 0, 3)) == (409, "text/x.tlog.size", "3\n")
    assert post(port, "/other", b"x")[0] == 404


def test_many_at_once_never_go_back(call: AddCheckpoint) -> None:
    """Of requests that race from one old size, one wins; the others are told where the record stands."""
    log, found = log_of(*"abcdefghij"), list[int]()
    threads = [
        threading.Thread(target=lambda n=n: found.append(call.answer(request(log, 0, n)).status))
        for n in range(1, 11)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(found) == [200] + [409] * 9
