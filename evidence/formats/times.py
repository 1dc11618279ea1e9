"""Which field is the time of a record, and how its text becomes an instant in UTC.

Nothing is guessed from one line: a way of reading is chosen because it reads the sample as a whole, and epoch
numbers get their unit from the size of the column's values.
"""

import re
from collections.abc import Mapping, Sequence

import duckdb

from evidence.formats.plan import Clock

UTC_ASSUMED = "Times in {0} that name no zone are taken as UTC."
DAY_FIRST = "Dates in {0} are read with the day before the month."
MONTH_FIRST = "Dates in {0} are read with the month before the day."

# Names in order of trust, in lower case and without _ - . @ and spaces.
NAMES = (
    "timestamp", "eventtime", "eventtimestamp", "datetime", "time", "ts", "starttime", "startutc", "timegenerated",
    "creationtime", "createddatetime", "createdat", "requesttime", "received", "receivetimestamp", "created",
    "date", "startlocal", "endtime", "submissiontimestamp", "lastmodified",
)  # fmt: skip
PLAIN = re.compile(r"[\s_\-.@]+")
ZONED = re.compile(r"(?:[zZ]|[+-]\d\d:?\d\d|[+-]\d\d|\b[A-Z]{3,4})\s*\)?$")
DATED = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
SLASHED = re.compile(r"^(\d{1,2})/(\d{1,2})/\d{4}")

ISO = "CASE WHEN {0} >= '1' AND {0} < ':' THEN try_cast({0} AS TIMESTAMPTZ) END"
# Comma before the fraction, a space before the offset, a lower-case z, words like UTC: seen in the sample
# only.
LOOSE = "try_cast(regexp_replace(replace(replace({0}, ',', '.'), 'z', 'Z'), '\\s+([+-]\\d|Z)', '\\1') AS TIMESTAMPTZ)"
FORMATS = (
    "%d/%b/%Y:%H:%M:%S %z",
    "%a, %d %b %Y %H:%M:%S %Z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%Y%m%dT%H%M%S%Z",
    "%Y/%m/%d %H:%M:%S",
    "%b %d %Y %H:%M:%S",
    "%d %b %Y %H:%M:%S",
)
MONTHS_FIRST = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M")
DAYS_FIRST = tuple(one.replace("%m/%d", "%d/%m") for one in MONTHS_FIRST)

UNITS = {"s": 1_000_000.0, "ms": 1000.0, "us": 1.0, "ns": 0.001}
# A date between 1973 and 2286 has this many seconds; the same instant in ms, µs and ns lies in bands that
# never meet.
EPOCH_FROM, EPOCH_TO = 1e8, 1e10


def epoch_unit(low: float, high: float) -> str | None:
    """The unit in which all values from `low` to `high` are plausible dates; None where there is none."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if low >= EPOCH_FROM * factor and high < EPOCH_TO * factor:
            return unit
    return None


def epoch_sql(unit: str) -> str:
    """SQL from the text of a number to UTC; whole numbers stay exact to the microsecond."""
    whole = {"s": "* 1000000", "ms": "* 1000", "us": "* 1", "ns": "// 1000"}[unit]
    return (
        f"coalesce(make_timestamptz(CASE WHEN NOT contains({{0}}, '.') THEN try_cast({{0}} AS BIGINT) {whole} END), "
        f"make_timestamptz(try_cast(round(try_cast({{0}} AS DOUBLE) * {UNITS[unit]}) AS BIGINT)))"
    )


def _trust(name: str) -> float:
    leaf = PLAIN.sub("", name.rsplit(".", 1)[-1].lower())
    depth = name.count(".")
    if leaf in NAMES:
        return 2.0 - NAMES.index(leaf) / 50 - depth / 4
    if leaf.endswith(("time", "timestamp", "date", "at")):
        return 0.9 - depth / 4
    return 0.0


def find_clock(values: Mapping[str, Sequence[str]], numeric: frozenset[str], rows: int) -> Clock | None:
    """Choose the time among columns, given the sampled texts of each; `rows` is the number of sampled
    records.
    """
    best: tuple[float, Clock] | None = None
    with duckdb.connect(config={"threads": 1, "memory_limit": "64MB"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, texts in values.items():
            # A name that says nothing is still heard where its values begin like written-out instants.
            trust = _trust(name) or (0.1 if texts and all(map(DATED.match, texts[:20])) else 0.0)
            if trust <= 0 or len(texts) * 2 < rows:
                continue
            clock = _reading(connection, name, list(texts[:500]), numeric=name in numeric)
            if clock is None:
                continue
            # A written-out date says more than a number does.
            score = trust - (0.5 if clock.kind.startswith("epoch") else 0.0)
            if best is None or score > best[0]:
                best = (score, clock)
    return best[1] if best else None


def _reading(
    connection: duckdb.DuckDBPyConnection, name: str, texts: list[str], *, numeric: bool
) -> Clock | None:
    if numeric or all(re.fullmatch(r"\d{9,20}(?:\.\d+)?", text) for text in texts):
        numbers = [abs(float(text)) for text in texts]
        unit = epoch_unit(min(numbers), max(numbers)) if numbers else None
        return Clock(name, f"epoch_{unit}", epoch_sql(unit)) if unit else None
    tries = [("iso", ISO), ("iso_loose", LOOSE)]
    tries += [(one, f"try_strptime({{0}}, '{one}')::TIMESTAMPTZ") for one in FORMATS]
    slashed = [(int(found[1]), int(found[2])) for text in texts if (found := SLASHED.match(text))]
    day_first = bool(slashed) and any(first > 12 for first, _ in slashed)
    ways = DAYS_FIRST if day_first else MONTHS_FIRST
    tries += [(one, f"try_strptime({{0}}, '{one}')::TIMESTAMPTZ") for one in ways]
    best: tuple[int, str, str] | None = None
    for kind, sql in tries:
        row = connection.execute(
            f"SELECT count({sql.format('v')}) FROM unnest(?::VARCHAR[]) t(v)", [texts]
        ).fetchone()
        read = row[0] if row else 0
        if read * 2 > len(texts) and (best is None or read > best[0]):
            best = (read, kind, sql)
    if best is None:
        return None
    assumptions = []
    if not all(ZONED.search(text) for text in texts):
        assumptions.append(UTC_ASSUMED.format(name))
    if slashed and best[1] in ways and not any(second > 12 for _, second in slashed):
        assumptions.append((DAY_FIRST if day_first else MONTH_FIRST).format(name))
    return Clock(name, best[1], best[2], tuple(assumptions))
