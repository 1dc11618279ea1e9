"""`python -m tests.faults.storm`: many writers on few cases while web server, database and worker are killed.

Prints a table of what was done and every finding; exit code 0 only where there is none.
"""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.aftermath import commands_of_members, findings
from tests.faults.writers import Company, Tally, Writer
from tests.stack import Stack, kill_family

SEED = "from tests.faults.storm_cast import seed; print(seed(cases={cases}, writers={writers}, late={late}))"
COMES_BACK = 60.0


def kill_web(stack: Stack) -> None:
    """The web server with all of its processes."""
    kill_family(stack.children()["web"])


def kill_web_master(stack: Stack) -> None:
    """The process that the launcher started, alone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(stack.children()["web"], signal.SIGKILL)


def kill_database(stack: Stack) -> None:
    """The postmaster alone: its backends find out by themselves."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(stack.children()["database"], signal.SIGKILL)


def kill_backend(stack: Stack) -> None:
    """A backend at work for the app: PostgreSQL then ends all others and recovers."""
    with contextlib.suppress(psutil.NoSuchProcess):
        backends = [
            process
            for process in psutil.Process(stack.children()["database"]).children()
            if "countersign_app" in " ".join(process.cmdline())
        ]
        if backends:
            backends[len(backends) // 2].kill()


def kill_worker(stack: Stack) -> None:
    """The Celery worker with its processes."""
    kill_family(stack.children()["worker"])


def kill_both(stack: Stack) -> None:
    """Web server and database in one moment."""
    kill_web(stack)
    kill_database(stack)


KILLS: dict[str, Callable[[Stack], None]] = {
    "web": kill_web,
    "web master": kill_web_master,
    "database": kill_database,
    "backend": kill_backend,
    "worker": kill_worker,
    "web and database": kill_both,
}
FULL = (
    *("web", "database", "worker", "backend", "web master", "database", "web", "backend"),
    *("web and database", "backend", "web", "database"),
)


@dataclass
class Storm:
    """One storm: `commands` in all, by `writers` parties in each of `cases`, under `kills` in this order,
    while `late` parties are proposed."""

    stack: Stack
    cases: int
    writers: int
    commands: int
    kills: tuple[str, ...]
    late: int = 2
    tally: Tally = field(default_factory=Tally)
    recovered: list[tuple[str, float]] = field(default_factory=list)
    duration: float = 0.0

    def rage(self, folder: Path) -> None:
        """Seed, write and kill, then check; what was found is in `tally.findings`."""
        script = SEED.format(cases=self.cases, writers=self.writers, late=self.late)
        seeded = self.stack.manage("shell", "--no-imports", "-c", script)
        company = Company.read(seeded.stdout.strip().splitlines()[-1])
        before = set(commands_of_members(self.stack, company))
        begun = time.monotonic()
        threads = self._writers(company)
        for thread in threads:
            thread.start()
        self._kill(threads)
        for thread in threads:
            thread.join()
        self.duration = time.monotonic() - begun
        self.stack.wait_until_well(patience=COMES_BACK)
        for check, sentence in findings(self.stack, company, self.tally.acks, before, folder):
            self.tally.find(f"{check}: {sentence}")

    def _writers(self, company: Company) -> list[Writer]:
        writing = [seat for seat in company.seats if seat.part]
        late = {seat.party for seat in company.seats if not seat.part}
        return [
            Writer(
                seat,
                [one.party for one in writing if one.case == seat.case and one.party != seat.party],
                sorted(late),
                url=self.stack.url,
                count=self.commands // len(writing) + (place < self.commands % len(writing)),
                seed=place,
                tally=self.tally,
            )
            for place, seat in enumerate(writing)
        ]

    def _kill(self, threads: list[Writer]) -> None:
        """The kills, evenly over the commands; each is due when so many are acknowledged."""
        for place, name in enumerate(self.kills):
            due = self.commands * (place + 1) // (len(self.kills) + 1)
            while len(self.tally.acks) < due and any(thread.is_alive() for thread in threads):
                time.sleep(0.02)
            before = self.stack.children()
            KILLS[name](self.stack)
            self._wait_for_the_launcher(name, before)

    def _wait_for_the_launcher(self, name: str, before: dict[str, int]) -> None:
        """Until all children run, the killed ones anew, and writers are acknowledged again."""
        killed, begun = time.monotonic(), len(self.tally.acks)
        parts = {"web master": ("web",), "web and database": ("web", "database"), "backend": ()}
        while time.monotonic() - killed < COMES_BACK:
            now = self.stack.children()
            anew = all(now.get(part) != before[part] for part in parts.get(name, (name,)))
            if anew and len(self.tally.acks) > begun + self.cases:
                self.recovered.append((name, time.monotonic() - killed))
                return
            if len(self.tally.acks) >= self.commands and anew:
                return
            time.sleep(0.02)
        self.tally.find(
            f"{COMES_BACK:.0f} s after the kill of {name} nothing went on: {self.stack.said()[-500:]}"
        )

    def table(self) -> str:
        """What was done and found, for people."""
        acks, retries = self.tally.acks, self.tally.retries
        kinds = Counter(ack.kind for ack in acks)
        kills = Counter(self.kills)
        back: dict[str, list[float]] = {}
        for name, seconds in self.recovered:
            back.setdefault(name, []).append(seconds)
        rows = [
            ("writers, cases", f"{self.writers * self.cases} on {self.cases}"),
            ("commands acknowledged", f"{len(acks):,} of {self.commands:,}"),
            *((f"  {kind}", f"{count:,}") for kind, count in kinds.most_common()),
            ("retries", f"{sum(retries.values()):,}"),
            *((f"  {why}", f"{count:,}") for why, count in retries.most_common()),
            ("repeated after the receipt", f"{self.tally.repeated:,}"),
            ("reads between", f"{self.tally.reads:,}"),
            ("kill -9", f"{len(self.kills)}"),
            *(
                (
                    f"  {name}",
                    f"{count}, went on after {', '.join(f'{one:.1f}' for one in back.get(name, []))} s",
                )
                for name, count in kills.items()
            ),
            ("duration", f"{self.duration:.0f} s"),
            ("commands a second", f"{len(acks) / self.duration:.1f}"),
            ("findings", f"{len(self.tally.findings)}"),
        ]
        lines = [f"{name:<28} {value}" for name, value in rows]
        return "\n".join([*lines, *(f"  {sentence}" for sentence in self.tally.findings[:20])])


def main() -> int:
    """Run the storm in an instance of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.storm", description=__doc__)
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--cases", type=int, default=8)
    parser.add_argument("--writers", type=int, default=4, help="writers a case")
    asked = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="cs-storm-", dir="/tmp"))
    root.chmod(0o711)  # the database's own account must be able to pass
    stack = Stack(root / "var", API_RATE="1000000/min")
    try:
        stack.start()
        storm = Storm(stack, asked.cases, asked.writers, asked.commands, FULL)
        storm.rage(root)
        print(storm.table())
        return 1 if storm.tally.findings or len(storm.tally.acks) != asked.commands else 0
    finally:
        stack.remove()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
