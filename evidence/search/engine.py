"""DuckDB in this process: one database a segment folder and process, which can read that folder and nothing
else.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from evidence.search.errors import QueryError, SearchLimit

TIME_LIMIT_SECONDS = 15.0
MEMORY_LIMIT_MB = 512
_THREADS = 2

_databases: dict[tuple[int, str], duckdb.DuckDBPyConnection] = {}
_databases_lock = threading.Lock()


def _database(root: Path) -> duckdb.DuckDBPyConnection:
    """The database of this process for one folder. The process id is part of the key: a forked child opens
    its own.
    """
    key = (os.getpid(), str(root))
    with _databases_lock:
        if key not in _databases:
            database = duckdb.connect(
                ":memory:", config={"threads": _THREADS, "memory_limit": f"{MEMORY_LIMIT_MB}MB"}
            )
            folder = str(root).replace("'", "''")
            for setting in (
                "temp_directory = ''",
                "parquet_metadata_cache = true",
                "autoinstall_known_extensions = false",
                "autoload_known_extensions = false",
                f"allowed_directories = ['{folder}']",
                "enable_external_access = false",
                "lock_configuration = true",
            ):
                database.execute(f"SET {setting}")
            _databases[key] = database
        return _databases[key]


@atexit.register
def _close_all() -> None:
    """Close what this process opened: an open database at exit is reported as a leak."""
    for pid, root in list(_databases):
        database = _databases.pop((pid, root))
        if pid == os.getpid():
            database.close()


class Session:
    """The statements of one search: they share a deadline, and a cursor of their own on the process's
    database.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def rows(self, sql: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """Every row of a statement; SearchLimit where time or memory runs out."""
        if time.monotonic() >= self._deadline:
            raise self._too_long()
        try:
            return (
                self._connection.execute(sql, parameters).fetchall()
                if parameters
                else self._connection.execute(sql).fetchall()
            )
        except duckdb.InterruptException as error:
            raise self._too_long() from error
        except duckdb.OutOfMemoryException as error:
            raise SearchLimit(
                f"The search needs more than its {MEMORY_LIMIT_MB} MB of memory and was stopped;"
                f" narrow the time range or the items."
            ) from error

    def check_expression(self, source: str, position: int) -> None:
        """Raise QueryError unless RE2 accepts this regular expression."""
        try:
            self._connection.execute("SELECT regexp_matches('', ?)", [source]).fetchall()
        except (duckdb.InvalidInputException, duckdb.BinderException) as error:
            reason = str(error).partition("Error: ")[2].split("\n")[0].strip() or "it is not understood"
            raise QueryError(f"This regular expression cannot be used: {reason}.", position) from error

    def _too_long(self) -> SearchLimit:
        return SearchLimit(
            f"The search took longer than {self._seconds:g} seconds and was stopped; narrow the time"
            f" range, the items or the words."
        )


@contextmanager
def session(root: Path, *, seconds: float | None = None) -> Iterator[Session]:
    """A session over the segments under `root`."""
    limit = TIME_LIMIT_SECONDS if seconds is None else seconds
    cursor = _database(root).cursor()
    watch = threading.Timer(limit, cursor.interrupt)
    watch.daemon = True
    watch.start()
    try:
        yield Session(cursor, limit)
    finally:
        watch.cancel()
        cursor.close()
