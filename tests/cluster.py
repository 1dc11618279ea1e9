"""One throw-away PostgreSQL for a test run, with a migrated template and a database for each test process."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from config.embedded.places import database_user, own_folder
from config.embedded.postgres import APP, OWNER, Postgres, binaries_for
from config.instance import Secrets

TEMPLATE = "countersign_template"
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_wal_size=256MB")
REPO = Path(__file__).resolve().parent.parent


def make_root() -> Path:
    """A short folder that the unprivileged database user can reach; pytest's own are closed to it."""
    root = Path(tempfile.mkdtemp(prefix="cs-test-", dir="/tmp"))
    root.chmod(0o711)
    return root


def worker_name() -> str:
    """This test process: "main", or gw0, gw1… under pytest-xdist."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


def url(root: Path, role: str, database: str) -> str:
    """Where a role finds a database of this run, whether or not the server runs yet."""
    return f"postgresql://{role}:test@/{database}?host={root / 'sockets'}"


def point_django(root: Path) -> None:
    """Set the environment that config.settings reads; nothing here may touch the developer's own instance."""
    for name in (
        "SECRET_KEY",
        "PRODUCTION",
        "DEBUG",
        "PORT",
        "HOST_NAME",
        "HOST_KEY_FILE",
        "VAULT_DIR",
        "SEGMENT_DIR",
    ):
        os.environ.pop(name, None)
    var = root / worker_name()
    var.mkdir(mode=0o711, exist_ok=True)
    database = f"countersign_{worker_name()}"
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(var),
        "DATABASE_URL": url(root, APP, database),
        "DATABASE_OWNER_URL": url(root, OWNER, database),
        "CELERY_BROKER_URL": "memory://",
        "DEMO": "0",
    }


# Kept so that a server is not reported as forgotten while other test processes still use it.
_started: dict[Path, subprocess.Popen[bytes]] = {}


class Cluster:
    """The run's PostgreSQL. Whoever needs it first starts it; the process that made `root` stops it."""

    def __init__(self, root: Path, *, options: tuple[str, ...] = FAST) -> None:
        self.root = root
        self.secrets = Secrets("test", "test", "test", "test")
        user = database_user()
        self.postgres = Postgres(
            data=root / "postgres",
            sockets=root / "sockets",
            log=root / "postgres.log",
            user=user,
            binaries=binaries_for(user, root),
            options=options,
        )

    def start(self) -> None:
        """Start the server and fill the template, unless that was done already."""
        with (self.root / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ready = self.root / "ready.json"
            if ready.exists():
                return
            own_folder(self.postgres.sockets, self.postgres.user)
            self.postgres.make_cluster(self.secrets)
            server = self.postgres.start()
            _started[self.root] = server
            (self.root / "postgres.pid").write_text(str(server.pid))
            self.postgres.wait(server, self.secrets)
            self.postgres.make_database(self.secrets, name=TEMPLATE)
            self._migrate_template()
            ready.write_text(json.dumps(asdict(self.secrets)))

    def _migrate_template(self) -> None:
        environment = os.environ | {
            "DATABASE_URL": url(self.root, APP, TEMPLATE),
            "DATABASE_OWNER_URL": url(self.root, OWNER, TEMPLATE),
        }
        done = subprocess.run(
            [sys.executable, "manage.py", "prepare", "--verbosity", "0"],
            cwd=REPO,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.exit(f"The test database could not be prepared:\n{done.stdout}{done.stderr}", returncode=3)

    def make_database(self, *, suffix: str = "") -> str:
        """A copy of the template for this test process, by name; copies are made one at a time."""
        name = f"countersign_{worker_name()}{suffix}"
        with (self.root / "copy.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.postgres.make_database(self.secrets, name=name, template=TEMPLATE)
        return name

    def stop(self) -> None:
        """Stop the server at once and remove everything: nothing in it is worth a checkpoint."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
            server = psutil.Process(int((self.root / "postgres.pid").read_text()))
            os.kill(server.pid, signal.SIGQUIT)
            with contextlib.suppress(psutil.TimeoutExpired):
                server.wait(10)
        shutil.rmtree(self.root, ignore_errors=True)
