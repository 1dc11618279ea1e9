"""The launcher and its children are killed; what was committed stays, and nothing needs a hand."""

import os
import signal
import time
import uuid
from pathlib import Path

import psutil
import psycopg
import pytest
import requests

from config.embedded.postgres import APP, DATABASE
from config.instance import read_embedded, read_secrets
from tests.stack import Stack

CHILDREN = ("database", "broker", "worker", "beat", "web")


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


def pages_answer(stack: Stack) -> bool:
    """Whether pages that look up a session work, on every pooled connection of both web processes."""
    cookie = {f"session-{stack.url.rpartition(':')[2]}": "s" * 32}
    statuses = [requests.get(stack.url, cookies=cookie, timeout=20).status_code for _ in range(12)]
    return set(statuses) == {200}


def wait_until_gone(stack: Stack, *, patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while stack.alive():
        assert time.monotonic() < deadline, stack.alive()
        time.sleep(0.05)


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back(breakable_stack: Stack, name: str) -> None:
    mark = leave_a_mark(breakable_stack)
    before = breakable_stack.children()
    os.kill(before[name], signal.SIGKILL)
    deadline = time.monotonic() + 15
    while breakable_stack.children()[name] == before[name]:
        assert time.monotonic() < deadline, breakable_stack.said()
        time.sleep(0.05)
    breakable_stack.wait_until_well()
    assert {other: pid for other, pid in breakable_stack.children().items() if other != name} == {
        other: pid for other, pid in before.items() if other != name
    }
    assert has_mark(breakable_stack, mark)
    assert pages_answer(breakable_stack)
    assert f"{name} was ended by SIGKILL" in breakable_stack.said()


def test_children_end_with_a_killed_launcher_and_the_next_start_goes_on(breakable_stack: Stack) -> None:
    mark = leave_a_mark(breakable_stack)
    breakable_stack.kill_launcher()
    breakable_stack.start()
    breakable_stack.wait_until_well()
    assert has_mark(breakable_stack, mark)


def test_a_start_after_everything_was_killed(breakable_stack: Stack) -> None:
    mark = leave_a_mark(breakable_stack)
    children = [psutil.Process(pid) for pid in breakable_stack.children().values()]
    breakable_stack.kill_launcher()
    for child in children:
        child.kill()
    wait_until_gone(breakable_stack)
    # What a container restart does: the number in the stale pid file belongs to somebody else by now.
    pid_file = Path(read_embedded(breakable_stack.var).postgres_data) / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    pid_file.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    breakable_stack.start()
    breakable_stack.wait_until_well()
    assert has_mark(breakable_stack, mark)


def test_ctrl_c_stops_all_and_a_second_start_keeps_the_data(breakable_stack: Stack) -> None:
    mark = leave_a_mark(breakable_stack)
    assert breakable_stack.stop() < 10
    assert breakable_stack.launcher is not None
    assert breakable_stack.launcher.returncode == 0
    assert breakable_stack.alive() == []
    assert breakable_stack.said().endswith("Stopped\n")
    breakable_stack.start()
    assert has_mark(breakable_stack, mark)


@pytest.mark.parametrize("name", ["database", "broker", "worker"])
def test_healthz_names_the_one_that_is_down(breakable_stack: Stack, name: str) -> None:
    stopped = breakable_stack.children()[name]
    os.kill(stopped, signal.SIGSTOP)
    try:
        time.sleep(1.1)
        begun = time.monotonic()
        status, parts = breakable_stack.health()
        took = time.monotonic() - begun
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert status == 503
    assert parts[name] == "down"
    expected = dict.fromkeys(("database", "broker", "worker", "vault"), "up") | {name: "down"}
    if name == "broker":
        expected["worker"] = "unknown"
    assert parts == {"status": "down", **expected}
    assert took < 8
    breakable_stack.wait_until_well()


def test_healthz_names_a_vault_that_cannot_be_written(breakable_stack: Stack) -> None:
    vault = breakable_stack.var / "vault"
    aside = vault.rename(breakable_stack.var / "vault.aside")
    vault.touch()
    try:
        time.sleep(1.1)
        assert breakable_stack.health() == (
            503,
            {"status": "down", "database": "up", "broker": "up", "worker": "up", "vault": "down"},
        )
    finally:
        vault.unlink()
        aside.rename(vault)
    breakable_stack.wait_until_well()


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
