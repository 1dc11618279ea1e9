"""The real thing, as a person starts it: `manage.py up` with its own VAR_DIR and a free port."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

from config.embedded.postgres import APP, DATABASE
from config.instance import read_embedded, read_secrets
from tests.cluster import REPO

KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "CI")


class Stack:
    """One instance of Countersign in processes of its own."""

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        self.env = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.env |= {"VAR_DIR": str(var), "PORT": "0", "DEMO": "0", **environment}
        self.output = var.with_name(f"{var.name}-{id(self)}.out")
        self.launcher: subprocess.Popen[bytes] | None = None

    def start(self, *, patience: float = 90) -> "Stack":
        """Start and return when the launcher says that it runs."""
        self.spawn()
        return self.wait_until_running(patience=patience)

    def wait_until_running(self, *, patience: float = 90) -> "Stack":
        """Return when the launcher says that it runs."""
        deadline = time.monotonic() + patience
        while not self._running():
            assert self.launcher is not None
            if self.launcher.poll() is not None or time.monotonic() > deadline:
                logs = [
                    f"{path}:\n{path.read_text(errors='replace')[-1500:]}" for path in self.var.glob("log/*")
                ]
                raise AssertionError("\n".join(["Countersign did not start:", self.said(), *logs]))
            time.sleep(0.05)
        return self

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the launcher without waiting for anything."""
        with self.output.open("wb") as output:
            self.launcher = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--with-parent"],
                cwd=REPO,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return self.launcher

    def _running(self) -> bool:
        lock = self.var / "up.lock"
        holder = lock.read_text().split() if lock.exists() else []
        return self.launcher is not None and holder == [str(self.launcher.pid), "running"]

    def said(self) -> str:
        """What the launcher has printed since it was started."""
        return self.output.read_text(errors="replace")

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://localhost:{json.loads((self.var / 'up.json').read_text())['port']}"

    def health(self) -> tuple[int, dict[str, str]]:
        """GET /healthz: its status and body."""
        answer = requests.get(f"{self.url}/healthz", timeout=20)
        return answer.status_code, answer.json()

    def wait_until_well(self, *, patience: float = 30) -> float:
        """Return how many seconds it took until /healthz answered 200."""
        begun = time.monotonic()
        time.sleep(1.1)  # /healthz remembers its last answer for a second
        while True:
            with contextlib.suppress(requests.RequestException):
                if self.health()[0] == 200:
                    return time.monotonic() - begun
            if time.monotonic() - begun > patience:
                raise AssertionError(f"not well after {patience} s: {self.said()}")
            time.sleep(0.1)

    def manage(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a management command against this instance."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=REPO,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done

    def children(self) -> dict[str, int]:
        """Process ids by name: database, broker, worker, beat, web."""
        return {row["name"]: row["pid"] for row in json.loads((self.var / "children.json").read_text())}

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows from this instance's database, as the role that the app has."""
        secrets = read_secrets(self.var)
        assert secrets is not None
        with psycopg.connect(
            host=read_embedded(self.var).postgres_sockets,
            dbname=DATABASE,
            user=APP,
            password=secrets.database_app_password,
            autocommit=True,
        ) as connection:
            return connection.execute(query, values).fetchall()

    def stop(self) -> float:
        """Stop as Ctrl-C does, and return how many seconds that took."""
        begun = time.monotonic()
        if self.launcher is not None and self.launcher.poll() is None:
            self.launcher.send_signal(signal.SIGINT)
            self.launcher.wait(15)
        return time.monotonic() - begun

    def kill_launcher(self) -> None:
        """What a power cut for the launcher alone looks like."""
        assert self.launcher is not None
        self.launcher.kill()
        self.launcher.wait()

    def alive(self) -> list[str]:
        """Processes that still work for this instance, by their command lines or working directory."""
        mine = str(self.var)
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if (
                    (process.pid != os.getpid() and process.environ().get("VAR_DIR") == mine)
                    or mine in process.cwd()
                    or mine in " ".join(process.cmdline())
                ):
                    found.append(" ".join(process.cmdline()))
        return found

    def remove(self) -> None:
        """Stop, and delete everything it made, also where the database had to live elsewhere."""
        self.stop()
        embedded = self.var / "embedded.json"
        if embedded.exists():
            home = Path(json.loads(embedded.read_text())["postgres_data"]).parent
            if home.parent == Path("/var/lib/countersign"):
                shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(self.var, ignore_errors=True)


def kill_family(pid: int) -> None:
    """SIGKILL for a process and all of its children, as the kernel does when memory runs out."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
