"""Whether this instance can do its work: GET /healthz, for load balancers and for people."""

import threading
import time
from collections.abc import Callable
from typing import Final

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from config.celery import app
from evidence.vault import VaultError, vault

FRESH_SECONDS: Final = 1.0  # nobody can make us ping the worker more often than this

_lock = threading.Lock()
_last: tuple[float, dict[str, str]] = (0.0, {})


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when database, broker, worker and vault are all up; 503 naming what is down, and nothing else."""
    found = health()
    well = all(state == "up" for state in found.values())
    return JsonResponse({"status": "up" if well else "down", **found}, status=200 if well else 503)


def health() -> dict[str, str]:
    """Each part's state, "up", "down" or "unknown", at most a second old."""
    global _last  # noqa: PLW0603 - one answer shared by the threads of this process
    with _lock:
        taken, found = _last
        if not found or time.monotonic() - taken > FRESH_SECONDS:
            found = {name: _word(check()) for name, check in CHECKS.items()}
            # Without the broker nobody hears of the worker.
            found["worker"] = "unknown" if found["broker"] == "down" else _word(worker_is_up())
            _last = (time.monotonic(), found)
        return found


def _word(up: bool) -> str:  # noqa: FBT001 - it is the whole input
    return "up" if up else "down"


def database_is_up() -> bool:
    """Whether a new connection as the app's role answers; a pooled one could be a stale one."""
    wrapper = connections["default"]
    try:
        parameters = wrapper.get_connection_params()
    except ImproperlyConfigured:
        return False
    for name in ("pool", "cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    parameters |= {"connect_timeout": 2, "options": "-c statement_timeout=2000", "autocommit": True}
    try:
        with psycopg.connect(**parameters) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def broker_is_up() -> bool:
    """Whether the broker opens a channel, which for Valkey includes an answer to PING."""
    quick = {"socket_connect_timeout": 2, "socket_timeout": 2, "max_retries": 0}
    with app.connection_for_read(connect_timeout=2, transport_options=quick) as connection:
        errors: tuple[type[BaseException], ...] = (
            *connection.connection_errors,
            *connection.channel_errors,
            OperationalError,
            OSError,
        )
        try:
            connection.connect()
            connection.default_channel  # noqa: B018 - opens it
        except errors:
            return False
    return True


def worker_is_up() -> bool:
    """Whether any worker answers a ping through the broker."""
    try:
        return bool(app.control.ping(timeout=3.0, limit=1))
    except (OperationalError, OSError):
        return False


def vault_is_up() -> bool:
    """Whether evidence can be written to the vault."""
    try:
        vault().check()
    except (VaultError, OSError):
        return False
    return True


CHECKS: Final[dict[str, Callable[[], bool]]] = {
    "database": database_is_up,
    "broker": broker_is_up,
    "vault": vault_is_up,
}
