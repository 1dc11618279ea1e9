"""One run of the parsers over one item: slices of it through DuckDB, each to a part, the parts joined in
order.

The calling thread scans and hands out slices; two threads with a connection each parse and encode them. A
slice goes the fast way first. Only when DuckDB raises, or counts other lines than the scan did, is it read
again line by line.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock

import duckdb

from evidence.formats.csv import Csv
from evidence.formats.plan import Plan, literal
from evidence.rows import (
    blocks,
    csv_pieces,
    file_range,
    line_pieces,
    made_rows,
    piped,
    raw_csv,
    raw_lines,
    record_pieces,
    spoiled_row,
)
from evidence.slicing import GROUP_LINES, Slice

WORKERS = 2
MEMORY = "140MB"
# For a single long line, while the other worker goes on.
MEMORY_ALONE = "300MB"


@dataclass(frozen=True)
class Records:
    """A batch of envelope records: one a line, numbered from `first`."""

    number: int
    first: int
    rows: tuple[bytes, ...]
    end: int


@dataclass(frozen=True)
class Part:
    """Parquet files made from one slice, in order, and whether some of their rows have a `_more`."""

    number: int
    end: int
    paths: tuple[Path, ...]
    leftovers: bool


class Run:
    """The connections and the scratch folder of one `write_segment`."""

    def __init__(self, source: Path, scratch: Path) -> None:
        self._source = source
        self._scratch = scratch
        self._alone = Lock()
        self._connections: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for number in range(WORKERS):
            spill = scratch / f"spill-{number}"
            config: dict[str, str | bool | int | float | list[str]] = {
                "threads": 1,
                "memory_limit": MEMORY,
                "temp_directory": str(spill),
            }
            connection = duckdb.connect(config=config)
            connection.execute("SET TimeZone = 'UTC'")
            self._connections.put(connection)

    def close(self) -> None:
        while not self._connections.empty():
            self._connections.get().close()

    def parts(
        self, work: Iterable[Slice | Records], plan: Plan, reached: Callable[[int], None]
    ) -> list[Part]:
        """Do all of `work` with this plan; `reached` hears, in this thread, up to which byte it is done."""
        done: list[Part] = []
        with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="segment") as pool:
            running: set[Future[Part]] = set()
            for one in work:
                running.add(pool.submit(self._part, one, plan))
                # One more than can run: a worker never waits for the scan, and no more than that lies in
                # memory.
                if len(running) > WORKERS:
                    running = self._collect(running, done, reached)
            while running:
                running = self._collect(running, done, reached)
        return sorted(done, key=lambda part: part.number)

    def _collect(
        self, running: set[Future[Part]], done: list[Part], reached: Callable[[int], None]
    ) -> set[Future[Part]]:
        finished, waiting = wait(running, return_when=FIRST_COMPLETED)
        for future in finished:
            part = future.result()
            done.append(part)
            reached(part.end)
        return waiting

    def _part(self, work: Slice | Records, plan: Plan) -> Part:
        connection = self._connections.get()
        try:
            paths = self._fast(connection, work, plan) or self._careful(connection, work, plan)
            return Part(
                work.number, work.end, tuple(paths), any(self._has_more(connection, path) for path in paths)
            )
        finally:
            self._connections.put(connection)

    def _fast(
        self, connection: duckdb.DuckDBPyConnection, work: Slice | Records, plan: Plan
    ) -> list[Path] | None:
        """The raw bytes through DuckDB's own reader; None where they have to be read with care."""
        if isinstance(work, Slice) and work.hazard:
            return None
        path = self._scratch / f"{work.number:06}.parquet"
        header = isinstance(plan, Csv) and work.number == 0
        expected = work.lines - header if isinstance(work, Slice) else len(work.rows)
        feed = (
            file_range(self._source, work.start, work.end)
            if isinstance(work, Slice)
            else blocks(list(work.rows))
        )
        try:
            with piped(feed) as pipe:
                if isinstance(work, Records):
                    entries = raw_lines(pipe, work.first - 1, crlf=False)
                elif isinstance(plan, Csv):
                    entries = raw_csv(pipe, work.first_line - 1, plan, header=header)
                else:
                    entries = raw_lines(pipe, work.first_line - 1, crlf=work.crlf)
                written = self._copy(connection, plan.select(entries, guarded=False), path)
        except duckdb.Error:
            # Bad UTF-8, broken JSON, rows of the wrong width, or more memory than there is: all of it ends
            # here, and the careful way either makes rejects of it or raises for good.
            return None
        return [path] if written == expected else None

    def _careful(
        self, connection: duckdb.DuckDBPyConnection, work: Slice | Records, plan: Plan
    ) -> list[Path]:
        """Each line judged in Python, then parsed in a guarded query, a few megabytes at a time."""
        if isinstance(work, Slice):
            guarded = None if work.hazard or isinstance(plan, Csv) else self._guarded(connection, work, plan)
            if guarded:
                return guarded
            pieces = (
                csv_pieces(self._source, work, plan)
                if isinstance(plan, Csv)
                else line_pieces(self._source, work)
            )
        else:
            pieces = record_pieces(work.first, work.rows)
        paths: list[Path] = []
        for rows in pieces:
            paths += self._piece(connection, plan, rows, f"{work.number:06}-{len(paths):06}")
        return paths

    def _piece(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, rows: list[bytes], name: str
    ) -> list[Path]:
        """Made rows to Parquet. Where DuckDB cannot, halves are tried, down to the one row at fault."""
        path = self._scratch / f"{name}.parquet"
        try:
            with piped(blocks(rows)) as pipe:
                made = made_rows(pipe, plan if isinstance(plan, Csv) else None, longest=max(map(len, rows)))
                written = self._copy(connection, plan.select(made, guarded=True), path)
        except duckdb.Error:
            # In practice: more memory than the limit, for a row too deep or too long. Its text is kept as a
            # reject.
            if len(rows) > 1:
                half = len(rows) // 2
                first = self._piece(connection, plan, rows[:half], f"{name}-0")
                return first + self._piece(connection, plan, rows[half:], f"{name}-1")
            if more_memory := self._once_more(connection, plan, rows, path):
                return more_memory
            spoiled = spoiled_row(rows[0])
            if spoiled == rows[0]:
                raise
            return self._piece(connection, plan, [spoiled], f"{name}-2")
        if written != len(rows):
            raise duckdb.DataError(f"{len(rows)} rows were handed to DuckDB and {written} came out.")
        return [path]

    def _once_more(
        self, connection: duckdb.DuckDBPyConnection, plan: Plan, rows: list[bytes], path: Path
    ) -> list[Path]:
        """One long line again, with more memory, by one worker at a time."""
        with self._alone:
            connection.execute(f"SET memory_limit = '{MEMORY_ALONE}'")
            try:
                with piped(blocks(rows)) as pipe:
                    made = made_rows(pipe, plan if isinstance(plan, Csv) else None, longest=len(rows[0]))
                    written = self._copy(connection, plan.select(made, guarded=True), path)
            except duckdb.Error:
                # Then not even that is enough, and the line becomes a reject.
                written = 0
            finally:
                connection.execute(f"SET memory_limit = '{MEMORY}'")
        return [path] if written == len(rows) else []

    def _guarded(self, connection: duckdb.DuckDBPyConnection, work: Slice, plan: Plan) -> list[Path] | None:
        """Raw lines once more, now with each line checked: enough where a few lines are merely not JSON."""
        path = self._scratch / f"{work.number:06}.parquet"
        try:
            with piped(file_range(self._source, work.start, work.end)) as pipe:
                entries = raw_lines(pipe, work.first_line - 1, crlf=work.crlf)
                written = self._copy(connection, plan.select(entries, guarded=True), path)
        except duckdb.Error:
            # As in _fast: what is still wrong now is a matter of bytes, not of JSON.
            return None
        return [path] if written == work.lines else None

    @staticmethod
    def _copy(connection: duckdb.DuckDBPyConnection, select: str, path: Path) -> int:
        # Level 1 is both faster and, on logs, smaller than the default; Bloom filters would cost, the token
        # index is what finds words.
        row = connection.execute(
            f"COPY ({select}) TO {literal(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
            f"WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE {GROUP_LINES})"
        ).fetchone()
        return int(row[0]) if row else 0

    @staticmethod
    def _has_more(connection: duckdb.DuckDBPyConnection, path: Path) -> bool:
        file = literal(str(path))
        row = connection.execute(
            f"SELECT coalesce(sum(stats_null_count < num_values)::BIGINT, 0) FROM parquet_metadata({file}) "
            "WHERE path_in_schema = '_more' AND num_values > 0"
        ).fetchone()
        return bool(row and row[0])

    def leftovers(self, parts: Iterable[Part]) -> Iterator[str]:
        """The `_more` of all rows that have one."""
        connection = self._connections.get()
        try:
            for part in parts:
                for path in part.paths if part.leftovers else ():
                    cursor = connection.execute(
                        f"SELECT _more FROM read_parquet({literal(str(path))}) WHERE _more IS NOT NULL"
                    )
                    while rows := cursor.fetchmany(1000):
                        for (more,) in rows:
                            yield more
        finally:
            self._connections.put(connection)

    def ask(self, sql: str) -> tuple[object, ...]:
        """One row of an answer."""
        connection = self._connections.get()
        try:
            row = connection.execute(sql).fetchone()
            return row if row is not None else ()
        finally:
            self._connections.put(connection)
