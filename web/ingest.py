"""How far the worker is with an item, as the steps that a person follows."""

from typing import Any

from cases.models import EvidenceItem
from evidence.models import Ingest

SETTLED = ("indexed", "quarantined", "stored", "released", "disposed")
"""States in which a worker has nothing left to do with an item."""
STEPS = ("received", "sealed", "verified", "searchable", "indexed")
DOING = {
    "verify": "Hashing the sealed bytes again",
    "unpack": "Unpacking into an item of its own",
    "parse": "Recognising the format and reading the records",
    "segment": "Recognising the format and reading the records",
    "index": "Indexing every word",
}


def _reached(item: EvidenceItem) -> int:
    """How many of the steps are done."""
    if item.state == "quarantined":
        return 3 if item.verified_at else 2
    done = {"received": 1, "sealed": 2, "searchable": 4, "indexed": 5}.get(item.state)
    if done is None:  # out of custody, or an object: as far as it had come
        return 5 if item.records is not None else 3 if item.verified_at else 0
    return 3 if done == 2 and item.verified_at else done


def told(item: EvidenceItem, ingest: Ingest | None) -> dict[str, Any]:
    """The context of the state card: steps, progress of the one at hand, whether anything still changes."""
    reached = _reached(item)
    terminal = item.state in SETTLED
    steps = []
    for i, name in enumerate(STEPS):
        how = "done" if i < reached else "now" if i == reached and not terminal else ""
        if item.state == "quarantined" and i == reached:
            how = "failed"
        steps.append({"name": name, "how": how})
    at_work = ingest is not None and ingest.pending and not terminal
    return {
        "steps": steps,
        "terminal": terminal,
        "doing": DOING.get(ingest.step, ingest.step)
        if ingest is not None and at_work
        else "Waiting for a worker",
        "progress_done": ingest.done_bytes if ingest is not None else 0,
        "progress_total": ingest.total_bytes if ingest is not None and ingest.done_bytes else 0,
        "attempts": ingest.attempts if ingest is not None else 0,
        "failure": ingest.error if ingest is not None and at_work else "",
    }
