"""Keeps the children of the launcher running, and stops every one of them at the end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from config.instance import NotReady, read_json, write_private
from config.processes import Recorded, record, stop_recorded

POLL: Final = 0.1
LONGEST_PAUSE: Final = 30.0
STEADY: Final = 60.0  # a child that lived this long starts again at once


class StopRequested(BaseException):
    """Ctrl-C or SIGTERM: raised wherever the launcher happens to be."""


@dataclass
class Child:
    """One process to keep running: how it starts, and by which signals it stops."""

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    stop: signal.Signals = signal.SIGTERM
    insist: signal.Signals = signal.SIGKILL
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    start_again_at: float | None = None


@dataclass
class Supervisor:
    """The children in the order they were started; `roster` is the file that names them to the next run."""

    roster: Path
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)

    def add(self, child: Child) -> subprocess.Popen[bytes]:
        """Start a child and keep it from now on."""
        self.children.append(child)
        return self._start(child)

    def watch(self) -> None:
        """Restart what dies, until StopRequested."""
        while True:
            self.tend()
            time.sleep(POLL)

    def tend(self) -> None:
        """Look after each child once."""
        for child in self.children:
            self._look_after(child)

    def stop(self, names: Iterable[str], *, within: float) -> None:
        """Stop the named children together: ask, insist when most of the time is over, kill at the end."""
        running = [child for child in self.children if child.name in set(names) and child.process]
        begun = time.monotonic()
        for child in running:
            _signal(child, child.stop)
        insisted = False
        while running and time.monotonic() - begun < within:
            running = [child for child in running if child.process and child.process.poll() is None]
            if not insisted and time.monotonic() - begun > within * 0.7:
                insisted = True
                for child in running:
                    _signal(child, child.insist)
            time.sleep(0.02)
        for child in running:
            if child.process:
                # The whole session, while its leader still holds the number.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()

    def forget(self) -> None:
        """Everything is stopped: leave nothing for the next launcher to look for."""
        self.roster.unlink(missing_ok=True)

    def _look_after(self, child: Child) -> None:
        if child.start_again_at is not None:
            if time.monotonic() >= child.start_again_at:
                child.start_again_at = None
                try:
                    self._start(child)
                except (NotReady, OSError) as error:
                    self.say(f"{child.name} does not start: {error}")
                    self._start_later(child)
            return
        code = child.process.poll() if child.process else None
        if code is None:
            return
        if time.monotonic() - child.started > STEADY:
            child.deaths = 0
        pause = self._start_later(child)
        self.say(f"{child.name} {_ending(code)}; starting it again in {pause:.1f} s")

    def _start_later(self, child: Child) -> float:
        pause = min(LONGEST_PAUSE, 0.2 * 2.0 ** min(child.deaths, 10))
        child.deaths += 1
        child.start_again_at = time.monotonic() + pause
        return pause

    def _start(self, child: Child) -> subprocess.Popen[bytes]:
        child.process = child.start()
        child.started = time.monotonic()
        records = [record(known.name, known.process.pid) for known in self.children if known.process]
        write_private(self.roster, [asdict(found) for found in records if found])
        return child.process


def stop_orphans(roster: Path, signals: dict[str, signal.Signals], say: Callable[[str], None]) -> None:
    """Stop what a killed launcher left running, last started first, and nothing else."""
    found = read_json(roster)
    if not isinstance(found, list):
        return
    for entry in reversed(found):
        orphan = Recorded(**entry)
        if stop_recorded(orphan, first=signals.get(orphan.name, signal.SIGTERM), wait=8.0):
            say(f"Stopped {orphan.name} (process {orphan.pid}), left over from a start that was killed")
    roster.unlink()


def _signal(child: Child, sent: signal.Signals) -> None:
    if child.process and child.process.poll() is None:
        child.process.send_signal(sent)


def _ending(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
