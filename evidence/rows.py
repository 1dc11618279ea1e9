"""How the entries of a slice reach DuckDB: through a pipe, as raw lines where that is safe, else as rows made
in Python.

Both ways give the same relation (n, l, e): line number, text, and the reason why a line cannot be a record.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from evidence.formats.csv import Csv, entries_of
from evidence.formats.plan import literal
from evidence.slicing import Slice

# A line longer than this is no record, and only its beginning is kept beside.
LONGEST_LINE = 8 << 20
KEPT = 1 << 20
TOO_LONG = "longer than 8 MiB; only its beginning is searchable"
NOT_UTF8 = "not valid UTF-8"
TOO_MUCH = "too deep or too large to be parsed"
READ = 1 << 20
# Rows made in Python go out in pieces of this size, so that memory stays flat.
PIECE = 8 << 20
LONGEST_ROW = 16 << 20
PIPE_SIZE = 1 << 20


@contextmanager
def piped(feed: Callable[[int], None]) -> Iterator[str]:
    """A path from which DuckDB reads what `feed` writes to a descriptor.

    When the reader gives up early, the last read end is closed here and the writer ends with EPIPE: nobody
    waits.
    """
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    failed: list[OSError] = []

    def write() -> None:
        try:
            feed(writing)
        except BrokenPipeError:
            return
        except OSError as error:
            failed.append(error)
        finally:
            os.close(writing)

    writer = threading.Thread(target=write, name="feed")
    writer.start()
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
        writer.join()
    if failed:
        raise failed[0]


def file_range(source: Path, start: int, end: int) -> Callable[[int], None]:
    """Feeds bytes of a file without copying them through Python."""

    def feed(writing: int) -> None:
        with source.open("rb", buffering=0) as file:
            at = start
            while at < end:
                at += os.sendfile(writing, file.fileno(), at, end - at)

    return feed


def blocks(data: list[bytes]) -> Callable[[int], None]:
    """Feeds bytes held in memory."""

    def feed(writing: int) -> None:
        for block in data:
            view = memoryview(block)
            while view.nbytes:
                view = view[os.write(writing, view) :]

    return feed


def raw_lines(path: str, before: int, *, crlf: bool) -> str:
    """Entries from raw lines. No quote, no escape, and a delimiter that the scan has not seen: a line is a
    value.
    """
    line_end = "" if crlf else "new_line='\\n', "
    return (
        f"SELECT {before} + row_number() OVER () AS n, l, NULL::VARCHAR AS e "
        f"FROM read_csv({literal(path)}, "
        f"columns={{'l': 'VARCHAR'}}, delim='\x01', quote='', escape='', header=false, "
        f"auto_detect=false, {line_end}"
        "max_line_size=2097152, buffer_size=4194304, strict_mode=false)"
    )


def raw_csv(path: str, before: int, plan: Csv, *, header: bool) -> str:
    """Entries of a CSV slice in which each line is a row; DuckDB raises where it does not read as the plan
    says.
    """
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(1, plan.width + 1))
    return (
        f"SELECT {before + header} + row_number() OVER () AS n, NULL::VARCHAR AS l, NULL::VARCHAR AS e, * "
        f"FROM read_csv({literal(path)}, columns={{{columns}}}, delim={literal(plan.delimiter)}, "
        f"quote='\"', "
        f"escape='\"', header={str(header).lower()}, auto_detect=false, "
        "max_line_size=2097152, buffer_size=4194304)"
    )


def made_rows(path: str, plan: Csv | None, *, longest: int) -> str:
    """Entries from rows made in Python. The reader's buffers follow the longest of them, to keep memory for
    the rest.
    """
    fields = (
        "".join(f", nullif(v[{place}], '') AS c{place}" for place in range(1, plan.width + 1)) if plan else ""
    )
    values = ", 'v': 'VARCHAR[]'" if plan else ""
    return (
        f"SELECT n, l, e{fields} FROM read_json({literal(path)}, "
        f"columns={{'n': 'BIGINT', 'l': 'VARCHAR', "
        f"'e': 'VARCHAR'{values}}}, format='newline_delimited', "
        f"maximum_object_size={max(1 << 20, longest + 4096)})"
    )


def numbered_lines(source: Path, piece: Slice) -> Iterator[tuple[int, str, str | None]]:
    """The lines of a slice as (number, text, what is wrong with it), none held longer than allowed."""
    number = piece.first_line
    held = bytearray()
    cut = False
    with source.open("rb", buffering=0) as file:
        file.seek(piece.start)
        left = piece.end - piece.start
        while left and (chunk := file.read(min(READ, left))):
            left -= len(chunk)
            parts = chunk.split(b"\n")
            for part in parts[:-1]:
                held += part
                yield _judged(number, held, cut=cut)
                number += 1
                held.clear()
                cut = False
            held += parts[-1]
            if len(held) > LONGEST_LINE:
                cut = True
                del held[KEPT:]
    if held or cut:
        yield _judged(number, held, cut=cut)


def _judged(number: int, line: bytearray, *, cut: bool) -> tuple[int, str, str | None]:
    if number == 1:
        line = line.removeprefix(b"\xef\xbb\xbf")
    line = line.removesuffix(b"\r")
    if cut or len(line) > LONGEST_LINE:
        return number, line[:KEPT].decode("utf-8", "replace"), TOO_LONG
    try:
        return number, line.decode(), None
    except UnicodeDecodeError:
        return number, line.decode("utf-8", "replace"), NOT_UTF8


def line_pieces(source: Path, piece: Slice) -> Iterator[list[bytes]]:
    """A slice as made rows, in pieces."""
    rows = ((number, text, error, None) for number, text, error in numbered_lines(source, piece))
    return _pieces(rows)


def record_pieces(first: int, rows: tuple[bytes, ...]) -> Iterator[list[bytes]]:
    """Envelope records as made rows."""
    judged = (
        _judged(number, bytearray(row.removesuffix(b"\n")), cut=False)
        for number, row in enumerate(rows, first)
    )
    return _pieces((number, text, error, None) for number, text, error in judged)


def csv_pieces(source: Path, piece: Slice, plan: Csv) -> Iterator[list[bytes]]:
    """A CSV slice as made rows; the header, first entry of the first slice, is none of them."""
    wrong: dict[int, str] = {}

    def lines() -> Iterator[tuple[int, str]]:
        for number, text, error in numbered_lines(source, piece):
            if error:
                wrong[number] = error
            yield number, text

    def rows() -> Iterator[tuple[int, str, str | None, list[str] | None]]:
        header = piece.number == 0
        for number, wrong_row, text, fields in entries_of(lines(), plan):
            error = wrong_row
            if header:
                header = False
                continue
            if wrong:
                reach = range(number, number + text.count("\n") + 1) if error or len(wrong) < 50 else ()
                error = next((wrong.pop(one) for one in reach if one in wrong), error) or wrong.pop(
                    number, None
                )
            yield number, text if error else "", error, None if error else fields

    return _pieces(rows())


def _pieces(rows: Iterator[tuple[int, str, str | None, list[str] | None]]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size = 0
    for number, text, error, fields in rows:
        row = _row(number, text, error, fields)
        if len(row) > LONGEST_ROW:
            row = _row(number, text[:KEPT], TOO_LONG, None)
        piece.append(row)
        size += len(row)
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _row(number: int, text: str, error: str | None, fields: list[str] | None) -> bytes:
    row: dict[str, object] = {"n": number, "l": text, "e": error}
    if fields is not None:
        row["v"] = fields
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


def spoiled_row(row: bytes) -> bytes:
    """The same row as a reject, for when parsing it took more memory than there is; unchanged where it is
    one.
    """
    made = json.loads(row)
    if made["e"] is not None:
        return row
    text = made["l"] or ",".join(made.get("v", ()))
    return _row(made["n"], text[:KEPT], TOO_MUCH, None)
