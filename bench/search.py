"""Search over one generated gateway log: the index's size, rate and memory, and the time of each kind of
query.
"""

import contextlib
import hashlib
import json
import mmap
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import UUID

from bench.gateway import write_gateway_log
from bench.lines import line
from evidence.search import Source, aggregate, histogram, search
from evidence.segments import write_segment
from evidence.tokens import index_segment

BYTES_A_RECORD = 678
SPREAD, SPREAD_WORD = 50, b"needlefifty"
ITEMS, RUNS, COMPARED = 10, 7, 200_000


def main(records: int) -> None:
    """Print the figures for a log of about that many records."""
    with tempfile.TemporaryDirectory(prefix="search-bench-") as folder:
        _measure(Path(folder), records)


def _measure(folder: Path, records: int) -> None:
    log = folder / "gateway.jsonl"
    write_gateway_log(log, max(1, records * BYTES_A_RECORD // 1_000_000))
    _spread(log)
    sha = _sha256_rate(log)
    source = Source(UUID(int=1), "E-1", folder / "segments" / "1", log, indexed=True)
    _build(log, source.segment, sha)
    needle = _record(log, log.stat().st_size // 2)
    few = list(_ten_items(folder, log))

    def timed(name: str, most: float, ask: Callable[[], object]) -> float:
        ask()
        taken = []
        for _ in range(RUNS):
            began = time.perf_counter()
            ask()
            taken.append((time.perf_counter() - began) * 1000)
        middle = statistics.median(taken)
        line(name, middle, "ms", most=most)
        return middle

    one = [source]
    absent = timed("search.absent_token", 10, lambda: search(one, query="absenttoken"))
    found = timed("search.unique_needle_with_record", 50, lambda: search(one, query=needle["id"]))
    spread = timed("search.needle_in_50_blocks", 500, lambda: search(one, query=SPREAD_WORD.decode()))
    timed("search.common_word_first_100", 100, lambda: search(one, query="examiner"))
    following = search(one, query="examiner").next
    timed("search.next_page", 120, lambda: search(one, query="examiner", cursor=following))
    timed("search.histogram", 100, lambda: histogram(one, query=""))
    timed("search.histogram_of_a_field", 100, lambda: histogram(one, query="status:429"))
    timed("search.top_20", 100, lambda: aggregate(one, query="", by="account_id"))
    timed(
        "search.top_20_by_sum",
        100,
        lambda: aggregate(one, query="status:200", by="source.ip", metric="sum:completion_tokens"),
    )
    timed("search.ten_items", 80, lambda: search(few, query=needle["account_id"]))
    timed("search.network", 500, lambda: search(one, query="source.ip:203.0.113.0/24 AND latency_ms:>20000"))
    line("search.process_rss", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MB")
    for name, word, ours in (
        ("absent", "absenttoken", absent),
        ("unique", needle["id"], found),
        ("spread", SPREAD_WORD.decode(), spread),
    ):
        _against_grep(log, name, word, ours)


def _spread(log: Path) -> None:
    """Put one word into the prompts of fifty records, far apart."""
    with log.open("r+b") as file, mmap.mmap(file.fileno(), 0) as data:
        for number in range(SPREAD):
            at = data.find(b'"prompt":"', len(data) * number // SPREAD) + 10
            data[at : at + len(SPREAD_WORD)] = SPREAD_WORD


def _sha256_rate(log: Path) -> float:
    began = time.perf_counter()
    with log.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    return log.stat().st_size / (time.perf_counter() - began)


def _build(log: Path, segment: Path, sha: float) -> None:
    """Segment and index in processes of their own, so that the memory of each is its own."""
    segment.parent.mkdir(exist_ok=True)
    size = log.stat().st_size
    made, made_memory = _apart(_write_segment, log, segment)
    indexed, memory = _apart(_index, log, segment)
    line("search.segment_size", (segment / "records.parquet").stat().st_size / size, "of-raw", most=0.13)
    line("search.index_size", (segment / "tokens.parquet").stat().st_size / size, "of-raw", most=0.06)
    line("search.index_rate", size / indexed / 1e6, "MB/s", least=100)
    line("search.end_to_end_of_sha256", size / (made + indexed) / sha * 100, "%", least=4)
    line("search.segment_rss", made_memory, "MB", most=450)
    line("search.index_rss", memory, "MB", most=450)
    _against_tantivy(log, indexed / size)


def _apart(work: Callable[[Path, Path], None], log: Path, segment: Path) -> tuple[float, float]:
    """Seconds and peak MB of `work` in a fresh process."""
    context = get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, log, segment, send))
    process.start()
    seconds, memory = receive.recv()
    process.join()
    return float(seconds), float(memory)


def _child(work: Callable[[Path, Path], None], log: Path, segment: Path, send: Connection) -> None:
    began = time.perf_counter()
    work(log, segment)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    send.send((time.perf_counter() - began, memory))


def _write_segment(log: Path, segment: Path) -> None:
    write_segment(log, segment, progress=lambda done, total: None)


def _index(log: Path, segment: Path) -> None:
    index_segment(segment, progress=lambda done, total: None)


def _record(log: Path, near: int) -> dict[str, str]:
    with log.open("rb") as file:
        file.seek(near)
        file.readline()
        found: dict[str, str] = json.loads(file.readline())
        return found


def _ten_items(folder: Path, log: Path) -> Iterator[Source]:
    with log.open("rb") as file:
        for number in range(2, 2 + ITEMS):
            part = folder / f"part-{number}.jsonl"
            part.write_bytes(b"".join(file.readlines(15_000 * BYTES_A_RECORD)))
            segment = folder / "segments" / str(number)
            _write_segment(part, segment)
            _index(part, segment)
            yield Source(UUID(int=number), f"E-{number}", segment, part, indexed=True)


def _against_grep(log: Path, name: str, word: str, ours: float) -> None:
    """A scan of the raw bytes by the fastest tool there is; a token asked of the index must not be slower."""
    tool = ["rg", "--count"] if shutil.which("rg") else ["grep", "--count", "--fixed-strings"]
    began = time.perf_counter()
    # To a pipe: grep stops at the first match when its output goes to /dev/null.
    subprocess.run(
        [*tool, word, str(log)],
        stdout=subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin:/usr/local/bin"},
        check=False,
    )
    line(f"search.{name}_of_{tool[0]}", ours / (time.perf_counter() - began) / 10, "%", most=100)


def _against_tantivy(log: Path, ours: float) -> None:
    """The same fields of the same log's first records, all in one default text field, one document a line."""
    with contextlib.suppress(ImportError):
        import tantivy

        with tempfile.TemporaryDirectory() as folder:
            schema = tantivy.SchemaBuilder().add_text_field("all", stored=False).build()
            writer = tantivy.Index(schema, path=folder).writer(200_000_000, 2)
            size = 0
            began = time.perf_counter()
            with log.open("rb") as file:
                for _, data in zip(range(COMPARED), file, strict=False):
                    size += len(data)
                    values = json.loads(data)
                    values.pop("startTime")
                    writer.add_document(tantivy.Document(all=[str(value) for value in values.values()]))
            writer.commit()
            writer.wait_merging_threads()
            theirs = (time.perf_counter() - began) / size
            stored = sum(path.stat().st_size for path in Path(folder).iterdir())
        line("search.index_rate_of_tantivy", theirs / ours, "times", least=1)
        line("search.tantivy_index_size", stored / size, "of-raw")


if __name__ == "__main__":
    main(int(sys.argv[1]))
