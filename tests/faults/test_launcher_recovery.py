"""The launcher and its children are killed; what was committed stays, and nothing needs a hand."""

import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from config.embedded.postgres import APP, DATABASE
from config.instance import read_embedded, read_secrets
from tests.stack import Stack

CHILDREN = ("database", "broker", "worker", "beat", "web")


@pytest.fixture(scope="module")
def own(run_root: Path) -> Iterator[Stack]:
    """An instance that only these tests hurt."""
    running = Stack(run_root / "hurt")
    try:
        yield running.start()
    finally:
        running.remove()


def connect(stack: Stack) -> psycopg.Connection[tuple[object, ...]]:
    secrets = read_secrets(stack.var)
    assert secrets is not None
    return psycopg.connect(
        host=read_embedded(stack.var).postgres_sockets,
        dbname=DATABASE,
        user=APP,
        password=secrets.database_app_password,
        autocommit=True,
    )


def leave_a_mark(stack: Stack) -> str:
    """Commit a row."""
    mark = uuid.uuid4().hex
    with connect(stack) as connection:
        connection.execute("INSERT INTO django_session VALUES (%s, '', now())", [mark])
    return mark


def has_mark(stack: Stack, mark: str) -> bool:
    with connect(stack) as connection:
        found = connection.execute("SELECT 1 FROM django_session WHERE session_key = %s", [mark])
        return found.fetchone() is not None


def wait_until_gone(stack: Stack, *, patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while stack.alive():
        assert time.monotonic() < deadline, stack.alive()
        time.sleep(0.05)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back(own: Stack, name: str) -> None:
    mark = leave_a_mark(own)
    before = own.children()
    os.kill(before[name], signal.SIGKILL)
    deadline = time.monotonic() + 15
    while own.children()[name] == before[name]:
        assert time.monotonic() < deadline, own.said()
        time.sleep(0.05)
    own.wait_until_well()
    assert {other: pid for other, pid in own.children().items() if other != name} == {
        other: pid for other, pid in before.items() if other != name
    }
    assert has_mark(own, mark)
    assert f"{name} was ended by SIGKILL" in own.said()


def test_children_end_with_a_killed_launcher_and_the_next_start_goes_on(own: Stack) -> None:
    mark = leave_a_mark(own)
    own.kill_launcher()
    own.start()
    assert own.health()[0] == 200
    assert has_mark(own, mark)


def test_a_start_after_everything_was_killed(own: Stack) -> None:
    mark = leave_a_mark(own)
    children = [psutil.Process(pid) for pid in own.children().values()]
    own.kill_launcher()
    for child in children:
        child.kill()
    wait_until_gone(own)
    # What a container restart does: the number in the stale pid file belongs to somebody else by now.
    pid_file = Path(read_embedded(own.var).postgres_data) / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    own.start()
    assert own.health()[0] == 200
    assert has_mark(own, mark)


def test_ctrl_c_stops_all_and_a_second_start_keeps_the_data(own: Stack) -> None:
    mark = leave_a_mark(own)
    assert own.stop() < 10
    assert own.launcher is not None
    assert own.launcher.returncode == 0
    assert own.alive() == []
    assert own.said().endswith("Stopped\n")
    own.start()
    assert has_mark(own, mark)


def test_sigterm_while_it_starts_leaves_nothing(run_root: Path) -> None:
    early = Stack(run_root / "early")
    launcher = early.spawn()
    while not (early.var / "children.json").exists():
        assert launcher.poll() is None, early.said()
        time.sleep(0.02)
    launcher.terminate()
    assert launcher.wait(10) == 0
    assert early.alive() == []
    early.remove()
