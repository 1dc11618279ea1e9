"""CloudTrail log files: one JSON document {"Records": [ … ]}, as delivered, on one line or pretty-printed.

Each record is a row of JSON lines; its number is its place in the array, its text its exact bytes in the
sealed file.
"""

import json
from io import BytesIO

from evidence.formats import jsonl
from evidence.formats.envelope import opening, records_from
from evidence.formats.plan import Recognised

VERSION = "1"
# Every record of CloudTrail names its schema version, time and source.
MARKS = {"eventVersion", "eventTime", "eventSource", "eventName"}


def recognise(head: bytes) -> Recognised | None:
    """An envelope by its first bytes; CloudTrail by what its records call their members."""
    start = opening(head)
    if start is None:
        return None
    lines = []
    for _, record in records_from(BytesIO(head), start):
        try:
            lines.append(json.dumps(json.loads(record)))
        except (ValueError, RecursionError):
            continue
    plan, count = jsonl.plan_of(lines)
    marked = sum(1 for line in lines if json.loads(line).keys() >= MARKS)
    known = marked * 2 >= max(count, 1)
    return Recognised(
        "cloudtrail" if known else "json-records",
        "cloudtrail",
        VERSION,
        0.99 if known else 0.7,
        plan,
        cut="records",
        assumptions=plan.clock.assumptions if plan.clock else (),
        facts={"start": start},
    )
