"""Child processes that end with their parent, and recorded ones stopped only when really ours."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from config.instance import NotReady

PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class ServerUser:
    """An unprivileged account of this machine that a server runs as when the launcher is root."""

    name: str
    uid: int
    gid: int


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: ServerUser | None = None,
    orphan_signal: signal.Signals = signal.SIGTERM,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, writing to `log`, that gets `orphan_signal` when we die."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - argv is ours
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            umask=0o077,
            start_new_session=True,
            pass_fds=pass_fds,
            preexec_fn=_follow_parent(orphan_signal),  # noqa: PLW1509 - the launcher has one thread
        )


def follow_parent(orphan_signal: signal.Signals) -> None:
    """Ask the kernel to send us this signal when our parent ends; only Linux knows how."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(orphan_signal))


def _follow_parent(orphan_signal: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def in_child() -> None:
        # Runs after the change of user, which would clear the setting again.
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        follow_parent(orphan_signal)
        if os.getppid() != parent:
            os._exit(1)

    return in_child


@dataclass(frozen=True)
class Recorded:
    """A child as the launcher wrote it down, enough to know it again after the launcher died."""

    name: str
    pid: int
    started: float
    program: str


def record(name: str, pid: int) -> Recorded | None:
    """Write down a running child; None when it is already gone."""
    try:
        process = psutil.Process(pid)
        return Recorded(name=name, pid=pid, started=process.create_time(), program=process.exe())
    except psutil.NoSuchProcess:
        return None


def still_ours(recorded: Recorded) -> bool:
    """Whether the process with that id is the very one recorded, not a later one that got its number.

    It must run the same program and have started in the same second (the clock may have been adjusted since).
    """
    try:
        process = psutil.Process(recorded.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        program = process.exe().removesuffix(" (deleted)")
        started = float(process.create_time())
        return program == recorded.program and abs(started - recorded.started) < 1.5
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def stop_recorded(recorded: Recorded, *, first: signal.Signals, wait: float) -> bool:
    """Stop an orphan by its recorded id, politely and then for good; False where there is none of ours."""
    if not still_ours(recorded):
        return False
    for sent, patience in ((first, wait), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(recorded.pid, sent)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not still_ours(recorded):
                return True
            time.sleep(0.05)
    raise NotReady(f"{recorded.name} (process {recorded.pid}) of an earlier start cannot be stopped.")


def working_in(folder: Path) -> list[int]:
    """Processes whose working directory is `folder`: for PostgreSQL, its postmaster and every backend."""
    processes = psutil.process_iter(["pid", "cwd"])
    return [int(process.info["pid"]) for process in processes if process.info["cwd"] == str(folder)]
