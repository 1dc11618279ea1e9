"""How fast a party checks its bundle: the verifier as a program, against what nobody can do without.

The yardstick reads the same lines, brings each value into canonical JSON and hashes it, and does no more: no
tree, no commitments, no form of a leaf. The bundle is the real one, as a party downloads it. Shares are of
processor time, the program's start included, so that a busy machine does not shift them.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rfc8785

from bench.lines import line
from bench.perform import case_with_item, grow, member
from cases import reads
from cases.bundle import export
from cases.pinning import policy_text
from ledger import jcs

REPOSITORY = Path(__file__).resolve().parent.parent
RUNS = 3


def main(*, entries: int = 50_000) -> None:
    """Print the figures for a bundle of so many entries, all of them opened."""
    actor, _ = member()
    case_id, item = case_with_item(actor)
    grow(case_id, item, actor, entries)
    case = reads.case(actor, case_id)
    with tempfile.TemporaryDirectory(prefix="bench-verify-") as folder:
        bundle, policy = Path(folder) / "bundle.zip", Path(folder) / "policy"
        policy.write_text(policy_text(actor, case), encoding="utf-8")
        began = time.perf_counter()
        with bundle.open("wb") as file:
            for piece in export(actor, case).parts:
                file.write(piece)
        made = time.perf_counter() - began
        with zipfile.ZipFile(bundle) as archive:
            lines = [
                one for name in ("leaves.jsonl", "openings.jsonl") for one in archive.read(name).splitlines()
            ]
        taken, busy, peak = min(_verified(bundle, policy) for _ in range(RUNS))
        plain = min(_plain(lines, jcs.encode) for _ in range(RUNS))
        published = min(_plain(lines, rfc8785.dumps) for _ in range(RUNS))
        megabytes = sum(map(len, lines)) / 1e6
        at = f"at {entries:,} entries"
        line(f"bundle made {at}", entries / made, "entries a second")
        line(f"bundle size {at}", bundle.stat().st_size / 1e6, "MB")
        line(f"verifier {at}", entries / taken, "entries a second")
        line(f"verifier, bytes {at}", megabytes / taken, "MB a second")
        line(f"verifier of SHA-256 and JCS by rfc8785 {at}", published / busy, "of its rate")
        line(f"verifier of SHA-256 and JCS by our own {at}", plain / busy, "of its rate")
        line(f"verifier peak RSS {at}", peak, "MB")


def _verified(bundle: Path, policy: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak MB of one whole run of the program."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        program = subprocess.Popen(
            [sys.executable, "-m", "verifier", str(bundle), "--policy", str(policy)],
            cwd=REPOSITORY,
            stdout=said,
            stderr=said,
        )
        # The peak of this process alone, not of every child that was ever waited for.
        _, status, used = os.wait4(program.pid, 0)
        taken = time.perf_counter() - began
        program.returncode = os.waitstatus_to_exitcode(status)
        if program.returncode != 0:
            said.seek(0)
            raise RuntimeError(f"The bundle made for the benchmark does not verify: {said.read().decode()}")
    return taken, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _plain(lines: list[bytes], encode: Callable[[Any], bytes]) -> float:
    """Processor seconds to read each line, write it canonically and hash that."""
    began = time.process_time()
    for one in lines:
        hashlib.sha256(encode(json.loads(one))).digest()
    return time.process_time() - began
