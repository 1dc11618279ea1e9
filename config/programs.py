"""The programs of Countersign itself: the web server, the worker, the beat, and commands run once."""

import hashlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.embedded import broker, postgres
from config.instance import REPO, NotReady
from config.processes import spawn

WEB_PROCESSES: Final = 2
WEB_THREADS: Final = 8
# How the next launcher asks an orphan to stop; a worker at once, as its tasks are run again anyway.
STOP_SIGNALS: Final = {"database": postgres.STOP, "broker": broker.STOP, "worker": signal.SIGQUIT}


@dataclass(frozen=True)
class Programs:
    """How to start each program of one instance."""

    var: Path
    port: int
    log: Path

    def environment(self) -> dict[str, str]:
        """Our own environment with this instance's place and port made explicit; no secret is added."""
        return os.environ | {
            "VAR_DIR": str(self.var),
            "PORT": str(self.port),
            "WEB_THREADS": str(WEB_THREADS),
            "PYTHONUNBUFFERED": "1",
        }

    def web(self, door: int) -> subprocess.Popen[bytes]:
        """gunicorn on a socket that is already open."""
        return spawn(
            [
                *(sys.executable, "-m", "gunicorn", "config.wsgi:application", "--bind", f"fd://{door}"),
                *(
                    "--worker-class",
                    "gthread",
                    "--workers",
                    str(WEB_PROCESSES),
                    "--threads",
                    str(WEB_THREADS),
                ),
                *("--graceful-timeout", "2", "--timeout", "60", "--keep-alive", "15", "--no-control-socket"),
            ],
            log=self.log / "web.log",
            env=self.environment() | {"DATABASE_POOL": "1"},
            cwd=REPO,
            pass_fds=(door,),
        )

    def worker(self) -> subprocess.Popen[bytes]:
        """One Celery worker, of two processes at least: a long ingest must not hold up the small tasks."""
        default = min(4, max(2, os.cpu_count() or 2))
        node = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:8]
        return spawn(
            [
                *(sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--loglevel", "INFO"),
                *("--concurrency", os.environ.get("WORKER_CONCURRENCY") or str(default), "-O", "fair"),
                *("--without-gossip", "--without-mingle", "--hostname", f"countersign-{node}@%h"),
            ],
            log=self.log / "worker.log",
            env=self.environment() | {"DATABASE_POOL": "0"},
            cwd=REPO,
            orphan_signal=STOP_SIGNALS["worker"],
        )

    def beat(self) -> subprocess.Popen[bytes]:
        """Celery's clock, which asks for a sweep each minute."""
        return spawn(
            [
                *(sys.executable, "-m", "celery", "-A", "config.celery", "beat", "--loglevel", "WARNING"),
                "--pidfile=",
            ],
            log=self.log / "beat.log",
            env=self.environment() | {"DATABASE_POOL": "0"},
            cwd=REPO,
        )

    def witness(self, own: Path) -> subprocess.Popen[bytes]:
        """A demo party's witness: it gets the party's folder and nothing of the host's."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return spawn(
            [sys.executable, "-m", "witness", "run", "--config", str(own / "witness.toml")],
            log=self.log / f"{own.name}-witness.log",
            env=kept | {"PYTHONUNBUFFERED": "1"},
            cwd=REPO,
        )

    def once(self, command: str, *arguments: str) -> None:
        """Run a management command to its end; its failure is ours."""
        log = self.log / f"{command}.log"
        start = log.stat().st_size if log.exists() else 0
        process = spawn(
            [sys.executable, "manage.py", command, *arguments], log=log, env=self.environment(), cwd=REPO
        )
        if process.wait() != 0:
            written = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
            last = written[-1] if written else f"manage.py {command} failed."
            raise NotReady(f"{last.removeprefix('CommandError: ')} (see {log})")
