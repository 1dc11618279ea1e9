"""How fast sealed bytes become searchable, as a share of what hashlib.sha256 alone needs for the same file.

"Searchable" is the whole step: the vault's re-hash of the item, then recognising, hashing with the line
index, parsing and writing the Parquet. "Indexed" adds the token index. Each runs in a process of its own,
which also tells its peak.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.gateway import write_gateway_log
from bench.lines import line

REPOSITORY = Path(__file__).resolve().parent.parent
SEARCHABLE_SHARE, INDEXED_SHARE = 0.12, 0.04
MOST_RSS_MB, MOST_RATIO = 450, 0.13

STEP = """
import json, resource, sys, time
from pathlib import Path
from uuid import UUID
from django.conf import settings
from evidence.hashing import sha256_of
from evidence.segments import write_segment
source, into, indexed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "indexed"
quiet = lambda done, total: None
begun = time.perf_counter()
sha256_of(source, quiet)
rehashed = time.perf_counter()
report = write_segment(source, into, progress=quiet)
searchable = time.perf_counter()
if indexed:
    from evidence.tokens import index_segment
    index_segment(into, progress=quiet)
done = time.perf_counter()
print(json.dumps({
    "rehash": rehashed - begun, "segment": searchable - rehashed, "index": done - searchable,
    "records": report.records, "rejects": report.rejects,
    "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""


def sha256_rate(path: Path) -> float:
    """Megabytes a second of hashlib.sha256 alone, best of three: the yardstick."""
    best = 0.0
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    for _ in range(3):
        digest = hashlib.sha256()
        begun = time.perf_counter()
        with path.open("rb", buffering=0) as file:
            while size := file.readinto(buffer):
                digest.update(view[:size])
        best = max(best, path.stat().st_size / 1e6 / (time.perf_counter() - begun))
    return best


def step(source: Path, into: Path, *, indexed: bool) -> dict[str, float]:
    """Run the step in a fresh process and return its times and peak."""
    done = subprocess.run(
        [sys.executable, "-c", STEP, str(source), str(into), "indexed" if indexed else "searchable"],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


@contextmanager
def gateway_log(size_mb: int) -> Iterator[Path]:
    """A generated gateway log that is in the page cache and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as folder:
        path = Path(folder) / "gateway.jsonl"
        write_gateway_log(path, size_mb)
        yield path


def main(size_mb: int) -> None:
    """Measure ingest of a gateway log of this size and print the figures."""
    with gateway_log(size_mb) as source:
        size = source.stat().st_size / 1e6
        sha256 = sha256_rate(source)
        into = source.with_name("segment")
        figures = step(source, into, indexed=True)
        searchable = size / (figures["rehash"] + figures["segment"])
        indexed = size / (figures["rehash"] + figures["segment"] + figures["index"])
        parquet = (into / "records.parquet").stat().st_size / 1e6
        tokens = (into / "tokens.parquet").stat().st_size / 1e6
        line("ingest.sha256", sha256, "MB/s")
        line("ingest.searchable", searchable, "MB/s")
        line("ingest.searchable_share", searchable / sha256, "of-sha256", least=SEARCHABLE_SHARE)
        line("ingest.indexed_share", indexed / sha256, "of-sha256", least=INDEXED_SHARE)
        line("ingest.peak_rss", figures["rss"], "MB", most=MOST_RSS_MB)
        line("ingest.segment_ratio", parquet / size, "of-raw", most=MOST_RATIO)
        line("ingest.token_index_ratio", tokens / size, "of-raw", most=0.06)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
