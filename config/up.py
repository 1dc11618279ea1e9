"""`manage.py up`: everything Countersign needs on one machine, started, watched and stopped together.

What a kill -9 of this launcher leaves: its children get a signal from the kernel and end; children.json names
those that did not; the lock on up.lock is gone with us. The next start stops what is left and goes on.
"""

import errno
import fcntl
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TextIO

import psycopg

from config import witnesses
from config.door import open_port
from config.embedded import broker, places, postgres
from config.instance import Embedded, NotReady, Secrets, make_secrets, read_embedded, var_dir, write_private
from config.processes import follow_parent
from config.programs import STOP_SIGNALS, Programs
from config.supervise import Child, StopRequested, Supervisor, stop_orphans

BIGGEST_LOG: Final = 20 << 20
WEB: Final = ("web", "worker", "beat")
SERVERS: Final = ("broker", "database")


def up(out: TextIO, *, with_parent: bool = False) -> int:
    """Run until Ctrl-C or SIGTERM; the return value is the exit code."""

    def say(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _request_stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means what it says
        signal.signal(signal.SIGHUP, _request_stop)
    if with_parent:
        follow_parent(signal.SIGTERM)
    try:
        with claimed(var_dir(), say) as var:
            return Launch(var, say).run()
    except StopRequested:
        return 0
    except NotReady as error:
        say(f"Countersign cannot start: {error}")
    except OSError as error:
        say(f"Countersign cannot start: {_sentence(error)}")
    return 1


def _request_stop(number: int, _frame: object) -> None:
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise StopRequested(number)


def _sentence(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk under {var_dir()} is full."
    where = f" {error.filename}" if error.filename else ""
    return f"{os.strerror(error.errno or 0)}{where}."


@contextmanager
def claimed(var: Path, say: Any) -> Iterator[Path]:
    """VAR_DIR, made if it is not there, for this launcher alone until the block ends or the process dies."""
    try:
        # Root's database user must be able to pass through; what is private inside is closed by itself.
        if os.geteuid() == 0:
            places.passage(var)
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (var / "up.lock").open("a+")
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise NotReady(
            f"VAR_DIR {var} cannot be used by this user: {os.strerror(error.errno or 0)}."
        ) from error
    with lock:
        _take(lock, var, say)
        free = os.statvfs(var)
        least = int(os.environ.get("LEAST_FREE_MB") or 300)
        if free.f_bavail * free.f_frsize < least << 20:
            raise NotReady(f"The disk under {var} is full: {least} MB must be free to start (LEAST_FREE_MB).")
        yield var


def _take(lock: TextIO, var: Path, say: Any) -> None:
    deadline = time.monotonic() + 15
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            lock.seek(0)
            holder, _, doing = lock.read().strip().partition(" ")
            if doing != "stopping" or time.monotonic() > deadline:
                raise NotReady(f"process {holder or '?'} already runs Countersign from {var}.") from None
            if not told:
                say("Waiting for the last one to stop")
                told = True
            time.sleep(0.1)
    mark(var, "starting")


def mark(var: Path, doing: str) -> None:
    """Say in the lock file who holds it and what for."""
    (var / "up.lock").write_text(f"{os.getpid()} {doing}\n", encoding="ascii")


class Launch:
    """One run of the launcher, from an unlocked VAR_DIR to nothing left running."""

    def __init__(self, var: Path, say: Any) -> None:
        self.var = var
        self.say = say
        self.supervisor = Supervisor(var / "children.json", say)
        self.log = var / "log"
        self.database_url = os.environ.get("DATABASE_URL") or ""

    def run(self) -> int:
        """Start everything, watch it, stop everything."""
        places.own_folder(self.log, None)
        self._turn_logs()
        stop_orphans(self.var / "children.json", STOP_SIGNALS, self.say)
        asked = int(os.environ.get("PORT") or 8000)
        sockets: list[Path] = []
        with open_port(asked) as door:
            port = door.getsockname()[1]
            self.say(f"Countersign is starting in {self.var}")
            try:
                programs = self._servers(port, sockets)
                self._programs(programs, door.fileno())
                self._announce(port)
                self._witnesses(programs, port)
                self.supervisor.watch()
            finally:
                self._stop(sockets)
        return 0

    def _servers(self, port: int, sockets: list[Path]) -> Programs:
        own_database = not os.environ.get("DATABASE_URL")
        own_broker = not os.environ.get("CELERY_BROKER_URL")
        if (self.var / "postgres" / "PG_VERSION").exists() and not (self.var / "secrets.json").exists():
            raise NotReady(f"{self.var} has a database but no secrets.json: restore it from the same backup.")
        secrets = make_secrets(self.var)
        embedded = self._places(own_database=own_database, own_broker=own_broker, sockets=sockets)
        queue = broker.Broker(self.var / "broker", Path(embedded.broker_socket), self.log / "broker.log")
        if own_broker:
            self.say("  broker: Valkey, embedded")
            queue_process = self.supervisor.add(Child("broker", queue.start, broker.STOP))
        if own_database:
            self._database(embedded, secrets)
        if own_broker:
            queue.wait(queue_process)
        programs = Programs(self.var, port, self.log)
        self.say("  schema: bringing it up to date")
        programs.once("prepare", "--verbosity", "0")
        return programs

    def _places(self, *, own_database: bool, own_broker: bool, sockets: list[Path]) -> Embedded:
        known = read_embedded(self.var)
        database_sockets, broker_sockets = Path(known.postgres_sockets), Path(known.broker_socket).parent
        data = Path(known.postgres_data)
        if own_database:
            user = places.database_user(data)
            home = places.database_home(self.var, user, known=data.parent)
            if home != self.var:
                self.say(f"  {self.var} is closed to the database's account, so its files are in {home}")
            data = home / "postgres"
            database_sockets = places.socket_folder(
                home / "run" / "postgres", f"{postgres.SOCKET}.lock", user
            )
            sockets.append(database_sockets)
        if own_broker:
            broker_sockets = places.socket_folder(self.var / "run" / "broker", broker.SOCKET, None)
            sockets.append(broker_sockets)
        found = Embedded(str(self.var), str(data), str(database_sockets), str(broker_sockets / broker.SOCKET))
        write_private(self.var / "embedded.json", found.__dict__)
        return found

    def _database(self, embedded: Embedded, secrets: Secrets) -> None:
        data = Path(embedded.postgres_data)
        user = places.database_user(data)
        cluster = postgres.Postgres(
            data=data,
            sockets=Path(embedded.postgres_sockets),
            log=self.log / "database.log",
            user=user,
            binaries=postgres.binaries_for(user, data.parent),
        )
        new = not data.exists()
        self.say(f"  database: PostgreSQL {postgres.MAJOR}, embedded{', creating it' if new else ''}")
        cluster.make_cluster(secrets)
        server = self.supervisor.add(Child("database", cluster.start, postgres.STOP, insist=signal.SIGQUIT))
        cluster.wait(server, secrets)
        cluster.make_database(secrets)
        self.database_url = cluster.url(postgres.APP, secrets.database_app_password)

    def _programs(self, programs: Programs, door: int) -> None:
        self.supervisor.add(Child("worker", programs.worker, insist=signal.SIGQUIT))
        self.supervisor.add(Child("beat", programs.beat))
        if self._wants_demo():
            self.say("  demo: building a joint case, once")
            programs.once("demo")
        self.say("  web: gunicorn")
        self.supervisor.add(Child("web", lambda: programs.web(door)))

    def _wants_demo(self) -> bool:
        """Whether DEMO is not 0 and the database holds no case yet, or a demo without its witnesses."""
        if not demo_allowed():
            return False
        if (self.var / "demo-logins.json").exists() and not witnesses.complete(self.var):
            return True
        with psycopg.connect(self.database_url) as connection:
            found = connection.execute("SELECT EXISTS (SELECT FROM cases_case)").fetchone()
        return found == (False,)

    def _witnesses(self, programs: Programs, port: int) -> None:
        """Once the host answers, so that their first look finds it."""
        for own in witnesses.folders(self.var) if demo_allowed() else ():
            witnesses.point_at(own, port)
            start = partial(programs.witness, own)
            self.supervisor.add(Child(f"{own.name}-witness", start))

    def _announce(self, port: int) -> None:
        health = f"http://127.0.0.1:{port}/healthz"
        down = wait_until_well(health, self.supervisor)
        url = f"http://localhost:{port}/"
        write_private(self.var / "up.json", {"pid": os.getpid(), "port": port, "url": url})
        mark(self.var, "running")
        if down:
            self.say(f"  not up yet: {down}; see {self.log}")
        self.say(f"Countersign runs at {url} (Ctrl-C stops it)")
        logins = self.var / "demo-logins.json"
        if logins.exists():
            self.say(f"Demo sign-ins, also in {logins}:")
            for row in json.loads(logins.read_text(encoding="utf-8")):
                self.say("  " + "  ".join(str(value) for value in row.values()))
        for line in witnesses.told(self.var) if demo_allowed() else ():
            self.say(line)

    def _turn_logs(self) -> None:
        for path in self.log.glob("*.log"):
            if path.stat().st_size > BIGGEST_LOG:
                path.replace(path.with_suffix(".log.1"))

    def _stop(self, sockets: list[Path]) -> None:
        mark(self.var, "stopping")
        self.say("Stopping")
        parties = [f"{party}-witness" for party in witnesses.PARTIES]
        self.supervisor.stop([*WEB, *parties], within=3.0)
        self.supervisor.stop(SERVERS, within=6.0)
        self.supervisor.forget()
        (self.var / "up.json").unlink(missing_ok=True)
        for folder in sockets:
            places.forget_socket_folder(folder)
        self.say("Stopped")


def demo_allowed() -> bool:
    """Whether this start may show the demo at all."""
    return os.environ.get("DEMO") != "0" and os.environ.get("PRODUCTION") != "1"


def wait_until_well(url: str, supervisor: Supervisor, *, patience: float = 60) -> str:
    """Return "" when every part is up, or which were still down after `patience`."""
    deadline = time.monotonic() + patience
    while True:
        request = urllib.request.Request(url, headers={"Host": health_host()})  # noqa: S310 - our own http URL
        try:
            with urllib.request.urlopen(request, timeout=10):  # noqa: S310
                return ""
        except urllib.error.HTTPError as error:
            answer = error.read()
        except OSError:
            answer = b""
        if time.monotonic() > deadline:
            try:
                parts = json.loads(answer)
            except ValueError:
                return "web"
            return ", ".join(name for name, state in parts.items() if state == "down" and name != "status")
        supervisor.tend()
        time.sleep(0.1)


def health_host() -> str:
    """A name that ALLOWED_HOSTS lets in."""
    first = (os.environ.get("ALLOWED_HOSTS") or "localhost").split(",")[0].strip().lstrip(".")
    return "localhost" if first == "*" else first
