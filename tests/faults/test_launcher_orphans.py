"""A recorded process is stopped only while it is the very one that was recorded."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from config.processes import record, still_ours, stop_recorded

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
DEAF = [*SLEEP[:2], f"import signal; signal.signal(15, signal.SIG_IGN); {SLEEP[2]}"]


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that the test started; none outlives it."""
    running: list[subprocess.Popen[bytes]] = []
    yield running
    for process in running:
        process.kill()
        process.communicate()


def start(argv: list[str], started: list[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(argv, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_our_orphan_is_stopped(started: list[subprocess.Popen[bytes]]) -> None:
    process = start(SLEEP, started)
    recorded = record("worker", process.pid)
    assert recorded is not None
    assert stop_recorded(recorded, first=signal.SIGTERM, wait=5)
    assert process.wait(1) == -signal.SIGTERM
    assert not stop_recorded(recorded, first=signal.SIGTERM, wait=5)


def test_an_orphan_that_does_not_listen_is_killed(started: list[subprocess.Popen[bytes]]) -> None:
    process = start(DEAF, started)
    recorded = record("worker", process.pid)
    assert recorded is not None
    assert stop_recorded(recorded, first=signal.SIGTERM, wait=0.3)
    assert process.wait(1) == -signal.SIGKILL


@pytest.mark.parametrize("change", [{"started": 1.0}, {"program": "/usr/bin/true"}])
def test_somebody_elses_process_is_left_alone(
    started: list[subprocess.Popen[bytes]], change: dict[str, object]
) -> None:
    process = start(SLEEP, started)
    recorded = record("worker", process.pid)
    assert recorded is not None
    other = replace(recorded, **change)  # type: ignore[arg-type]
    assert not still_ours(other)
    assert not stop_recorded(other, first=signal.SIGKILL, wait=1)
    assert process.poll() is None
