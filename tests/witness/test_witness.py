"""The witness against a host over real HTTP: what it cosigns, what it refuses, what a crash leaves."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.verifier import maker
from tests.verifier.maker import ORIGIN, Log, key, public, vkey
from tests.witness.host import LoopbackHost, running
from verifier.__main__ import main as verify
from verifier.note import WITNESS, Key, parse_note, parse_vkey
from witness.__main__ import main

REPOSITORY = Path(__file__).parents[2]


def settings(folder: Path, host: LoopbackHost) -> Path:
    """A settings file for a witness of this host, with a fresh key."""
    if not (folder / "w.pem").exists():
        assert main(["keygen", "--name", "w.example", str(folder / "w.pem")]) == 0
    pinned = vkey(ORIGIN, 1, public(key("host")))
    text = 'name = "w.example"\nkey = "w.pem"\nstate = "state"\nevery = 0.2\nport = 0\n[[log]]\n'
    path = folder / "witness.toml"
    path.write_text(text + f'vkey = "{pinned}"\nurl = "{host.url}"\n')
    return path


def mirror(folder: Path) -> Path:
    """The folder of the log's mirror."""
    return folder / "state" / ORIGIN.replace("/", "_")


def look(config: Path) -> int:
    """One look."""
    return main(["run", "--once", "--config", str(config)])


def witness_key(capsys: pytest.CaptureFixture[str]) -> Key:
    """The verifier key that keygen printed."""
    return parse_vkey(capsys.readouterr().out.split()[1], WITNESS)


def grown(log: Log, count: int) -> Log:
    """The log with more entries and a checkpoint."""
    for _ in range(count):
        log.add()
    log.checkpoint()
    return log


def test_cosigns_what_it_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = grown(Log(), 600)
    with running(log) as host:
        config = settings(tmp_path, host)
        pinned = witness_key(capsys)
        assert look(config) == 0
        ((size, line),) = host.cosignatures
        assert size == 600
        assert parse_note((log.notes[600] + line).encode()).signers([pinned])
        assert (mirror(tmp_path) / "leaves.jsonl").read_bytes() == b"".join(one + b"\n" for one in log.leaves)
        grown(log, 3)
        assert look(config) == 0
        assert [size for size, _ in host.cosignatures] == [600, 603]
        assert (tmp_path / "w.pem").stat().st_mode & 0o777 == 0o600


def test_the_mirror_serves_the_verifier(tmp_path: Path) -> None:
    log = maker.example()
    with running(log) as host:
        assert look(settings(tmp_path, host)) == 0
    bundle, policy = maker.write(log.files(), tmp_path / "bundle"), tmp_path / "policy"
    policy.write_text(log.policy())
    assert verify([str(bundle), "--policy", str(policy), "--mirror", str(mirror(tmp_path))]) == 0


def test_rollback_is_an_alarm_and_refeed_gives_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = grown(Log(), 300)
    with running(log) as host:
        config = settings(tmp_path, host)
        assert look(config) == 0
        lost = log.leaves[5:]
        old = grown(Log(), 5)
        host.log = old
        assert look(config) == 3
        assert "ALARM" in capsys.readouterr().err
        assert list((mirror(tmp_path) / "alarms").glob("rollback-*.json"))
        assert [one.decode() for one in host.shown] == [log.notes[300]]
        assert main(["refeed", "--config", str(config)]) == 0
        assert b"".join(host.refed[:-1]) == b"".join(one + b"\n" for one in lost)
        assert host.refed[-1].decode().startswith(log.notes[300])
        assert host.cosignatures == [host.cosignatures[0]] * 2  # and what it had cosigned
        host.log = log
        assert look(config) == 0


def test_the_alarm_does_not_need_the_host_to_listen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = grown(Log(), 9)
    with running(log) as host:
        config = settings(tmp_path, host)
        assert look(config) == 0

        def deaf(path: str, query: dict[str, list[str]], body: bytes) -> None:
            raise ConnectionAbortedError

        host.log, host.post = grown(Log(), 5), deaf  # type: ignore[method-assign]
        assert look(config) == 3
    said = capsys.readouterr()
    assert "ALARM" in said.err
    assert "in vain" in said.out


def test_a_log_that_was_seen_cannot_have_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, problem = grown(Log(), 9), "application/problem+json"
    with running(log) as host:
        config = settings(tmp_path, host)
        for hides, code in ((problem, 1), ("", 0), ("text/html", 1), (problem, 3)):
            # Before anything was seen, perhaps the address is wrong; a proxy's word is not the host's.
            host.hides = hides
            assert look(config) == code
        assert "had signed 9 entries" in capsys.readouterr().err
        (kept,) = (mirror(tmp_path) / "alarms").glob("absent-*.json")
        assert json.loads(kept.read_text())["a"]["checkpoint"].startswith(log.notes[9])


@pytest.mark.parametrize("more", [0, 7])
def test_a_fork_is_proven(tmp_path: Path, more: int, capsys: pytest.CaptureFixture[str]) -> None:
    log, other = grown(Log(), 9), grown(Log(), 4)
    other.add("Rewritten")
    grown(other, 4 + more)
    with running(log) as host:
        config = settings(tmp_path, host)
        assert look(config) == 0
        host.log = other
        assert look(config) == 4
        assert look(config) == 4
        assert len(host.cosignatures) == 1
        assert [one.decode() for one in host.shown] == [log.notes[9]] * 2
    (proof,) = (mirror(tmp_path) / "alarms").glob("fraud-*.json")
    policy = tmp_path / "policy"
    policy.write_text(log.policy())
    assert verify(["--policy", str(policy), "--fraud-proof", str(proof)]) == 0
    assert json.loads(proof.read_text()).get("index", 4) == 4
    assert "two" in capsys.readouterr().out


def test_leaves_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    log = grown(Log(), 9)
    shown = replace(
        log, leaves=[*log.leaves[:4], log.leaves[4].replace(b'"ts":"2026', b'"ts":"2025'), *log.leaves[5:]]
    )
    with running(shown) as host:
        config = settings(tmp_path, host)
        assert look(config) == 2
        host.log = replace(log, leaves=[one.replace(b"example.org", b"example.net") for one in log.leaves])
        assert look(config) == 2
        host.log = replace(log, leaves=log.leaves[:8])
        assert look(config) == 2
        assert not host.cosignatures
        host.log = replace(log, notes={9: log.notes[9].replace("\n9\n", "\n8\n")})
        assert look(config) == 2
        host.log = log
        assert look(config) == 0


def test_what_a_crash_leaves_in_the_mirror_is_repaired(tmp_path: Path) -> None:
    log = grown(Log(), 9)
    with running(log) as host:
        config = settings(tmp_path, host)
        assert look(config) == 0
        grown(log, 3)
        leaves = mirror(tmp_path) / "leaves.jsonl"
        whole = leaves.read_bytes()
        for torn in (log.leaves[9] + b"\n" + log.leaves[10][:20], log.leaves[9][:7], b"\n", b"rubbish\n"):
            leaves.write_bytes(whole + torn)
            assert look(config) == 0
            assert leaves.read_bytes() == b"".join(one + b"\n" for one in log.leaves)
            (mirror(tmp_path) / "checkpoint").write_text(log.notes[9])
            leaves.write_bytes(whole)


def test_a_changed_mirror_is_not_built_upon(tmp_path: Path) -> None:
    log = grown(Log(), 9)
    with running(log) as host:
        config = settings(tmp_path, host)
        assert look(config) == 0
        leaves = mirror(tmp_path) / "leaves.jsonl"
        leaves.write_bytes(leaves.read_bytes().replace(b'"i":3', b'"i":4'))
        assert look(config) == 2
        assert len(host.cosignatures) == 1


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with running(grown(Log(), 2)) as host:
        config = settings(tmp_path, host)
        inner: list[int] = []
        original = host.get

        def slow(path: str, query: dict[str, list[str]]) -> bytes:
            if not inner:
                inner.append(-1)
                inner[0] = subprocess.run(
                    [sys.executable, "-m", "witness", "run", "--once", "--config", str(config)],
                    cwd=REPOSITORY, check=False, capture_output=True,
                ).returncode  # fmt: skip
            return original(path, query)

        host.get = slow  # type: ignore[method-assign]
        assert look(config) == 0
        assert inner == [1]


def test_it_persists_before_it_answers(tmp_path: Path) -> None:
    """Killed while it hands in the cosignature: the record is on the disk, and it goes on from there."""
    log = grown(Log(), 9)
    with running(log) as host:
        config = settings(tmp_path, host)
        started = subprocess.Popen(
            [sys.executable, "-m", "witness", "run", "--config", str(config)], cwd=REPOSITORY
        )
        found: list[bytes] = []

        def die(path: str, query: dict[str, list[str]], body: bytes) -> None:
            os.kill(started.pid, signal.SIGKILL)
            started.wait()
            found.extend((body, (mirror(tmp_path) / "checkpoint").read_bytes()))

        honest, host.post = host.post, die  # type: ignore[method-assign]
        deadline = time.monotonic() + 60
        while not found and time.monotonic() < deadline:
            time.sleep(0.02)
        started.wait()
        line, kept = found
        assert kept.endswith(line)
        assert parse_note(kept).size == 9
        host.post = honest  # type: ignore[method-assign]
        host.log = grown(Log(), 5)
        assert look(config) == 3  # the persisted record, not the answer, is what counts
        host.log = log
        assert look(config) == 0
        assert host.cosignatures


def test_empty_log_is_not_cosigned(tmp_path: Path) -> None:
    log = Log()
    log.checkpoint()
    with running(log) as host:
        assert look(settings(tmp_path, host)) == 0
        assert not host.cosignatures


def bundle(path: Path, lines: bytes) -> Path:
    """A zip with openings in it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("openings.jsonl", lines)
    return path


def test_a_bundle_is_fetched_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = bundle(tmp_path / "whole.zip", b"{}\n").read_bytes()
    with running(grown(Log(), 2)) as host:
        config, honest, target = settings(tmp_path, host), host.get, tmp_path / "bundle.zip"
        pull = ["pull", "--config", str(config), str(target)]
        for answer in (b"", whole[:-7], b"no zip"):
            host.get = lambda *_, told=answer: told  # type: ignore[method-assign]
            assert main(pull) == 1
            assert not list(tmp_path.glob("*bundle*"))
        host.get = lambda *_: whole  # type: ignore[method-assign]
        assert main(pull) == 0
        assert target.read_bytes() == whole
        assert main(pull) == 1
        assert "is not overwritten" in capsys.readouterr().err
        host.get = honest  # type: ignore[method-assign]


def test_openings_go_back_in_pieces_that_the_host_takes(tmp_path: Path) -> None:
    line = b'{"i":0,"fields":{"a":["00","%b"]},"hidden":[]}\n' % (b"x" * 900_000)
    with running(grown(Log(), 2)) as host:
        give = ["openings", "--config", str(settings(tmp_path, host))]
        assert main([*give, str(bundle(tmp_path / "b.zip", line * 11))]) == 0
        assert b"".join(host.refed) == line * 11
        assert max(map(len, host.refed)) <= 4 << 20
        for wrong in (line[:-1], b"x" * (2 << 20)):
            assert main([*give, str(bundle(tmp_path / "b.zip", wrong))]) == 1
        (tmp_path / "b.zip").write_bytes(b"no zip")
        assert main([*give, str(tmp_path / "b.zip")]) == 1
        assert main([*give, str(tmp_path / "absent.zip")]) == 1
        with zipfile.ZipFile(tmp_path / "b.zip", "w"):
            """Empty."""
        assert main([*give, str(tmp_path / "b.zip")]) == 1
        assert len(host.refed) == 3
        assert main([*give, "--log", "another", str(tmp_path / "b.zip")]) == 1


@pytest.mark.parametrize(
    "text", ["", "name = 1", "[[log]]", 'name="a"\nkey="k"\nstate="s"\n[[log]]\nvkey="x"\nurl="http://x"']
)
def test_wrong_settings_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "w.toml"
    path.write_text(text)
    assert look(path) == 1
    assert look(tmp_path / "absent.toml") == 1


def test_an_unreachable_host_is_trouble_and_no_alarm(tmp_path: Path) -> None:
    with running(Log()) as host:
        config = settings(tmp_path, host)
    assert look(config) == 1


def test_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keygen", str(tmp_path / "m.pem")]) == 0
    shown = capsys.readouterr().out.split()
    text, intent = maker.intent(Log(), "CloseCase", {}), tmp_path / "intent"
    intent.write_text(text)
    assert main(["sign", "--key", str(tmp_path / "m.pem"), str(intent)]) == 0
    auth = json.loads(capsys.readouterr().out)
    assert auth["key"] == shown[shown.index("key") + 1]
    assert main(["keygen", str(tmp_path / "m.pem")]) == 1
    intent.write_text(text + " ")
    assert main(["sign", "--key", str(tmp_path / "m.pem"), str(intent)]) == 1
    (tmp_path / "m.pem").chmod(0o644)
    assert main(["sign", "--key", str(tmp_path / "m.pem"), str(intent)]) == 1
