"""What stops the launcher from starting is one clear sentence and an exit code, never a traceback."""

import contextlib
import os
import socket
from pathlib import Path

import pytest

from config.embedded.places import database_user
from config.instance import NotReady
from config.up import claimed
from tests.stack import Stack


def refusal(stack: Stack) -> str:
    """The sentence of a launcher that must not start."""
    launcher = stack.spawn()
    assert launcher.wait(30) == 1, stack.said()
    said = stack.said()
    assert "Traceback" not in said
    assert said.count("Countersign cannot start:") == 1
    return said


def test_port_in_use(run_root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is in use" in refusal(Stack(run_root / "port", PORT=str(port)))


def test_full_disk(run_root: Path) -> None:
    said = refusal(Stack(run_root / "full", LEAST_FREE_MB="999999999"))
    assert f"The disk under {run_root / 'full'} is full" in said


def test_var_dir_that_is_a_file(run_root: Path) -> None:
    (run_root / "file").touch()
    assert "cannot be read by this user: Not a directory." in refusal(Stack(run_root / "file"))


def test_var_dir_of_somebody_else(run_root: Path) -> None:
    closed = run_root / "closed"
    closed.mkdir(mode=0o700)
    if os.geteuid() != 0:
        closed.chmod(0)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        # An ordinary user, also where the tests run as root.
        user = database_user()
        if user is not None:
            os.setgroups([])
            os.setgid(user.gid)
            os.setuid(user.uid)
        with contextlib.suppress(NotReady):
            try:
                with claimed(closed, print):
                    pass
            except NotReady as error:
                os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as said:
        assert said.read() == f"VAR_DIR {closed} cannot be used by this user: Permission denied."
    closed.chmod(0o700)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "DATABASE_URL is not a PostgreSQL URL"),
        ("mysql://a@b/c", "DATABASE_URL"),
        ("postgresql://a@127.0.0.1:1", "DATABASE_URL must look like"),
        ("postgresql://me:hidden@127.0.0.1:1/x", "The database does not answer its owner"),
    ],
)
def test_bad_database_url(run_root: Path, url: str, sentence: str) -> None:
    said = refusal(Stack(run_root / "url", DATABASE_URL=url, DATABASE_OWNER_URL=url))
    assert sentence in said
    assert "hidden" not in said


def test_a_database_without_its_secrets(run_root: Path) -> None:
    var = run_root / "lost"
    (var / "postgres").mkdir(parents=True)
    (var / "postgres" / "PG_VERSION").write_text("18\n")
    assert "no secrets.json" in refusal(Stack(var))


def test_numbers_that_are_none(run_root: Path) -> None:
    assert "PORT must be a whole number" in refusal(Stack(run_root / "number", PORT="eighty"))
