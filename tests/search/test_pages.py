"""Paging, order, totals, offsets, limits, and what a search must refuse or keep out."""

import base64
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from evidence import tokens
from evidence.search import (
    QueryError,
    Record,
    SearchLimit,
    Source,
    Value,
    aggregate,
    check,
    choose_interval,
    fields,
    histogram,
    narrow,
    pages,
    records_at,
    search,
)
from evidence.search.engine import session
from tests.search.makers import Rows, make_source, unindexed

START = datetime(2026, 2, 3, tzinfo=UTC)
Row = dict[str, Value | datetime]


def _rows(count: int, *, step: int = 1, shuffled: bool = False) -> list[Row]:
    rows: list[Row] = []
    for n in range(count):
        at = (n * 7919) % count if shuffled else n
        rows.append(
            {
                "_time": None if n % 50 == 9 else START + timedelta(seconds=at // 3 * step),
                "word": "common" if n % 2 else "other",
                "id": f"id-{n:08x}",
                "n": n,
                "who": f"user{n % 7}" if n % 5 else None,
            }
        )
    return rows


KINDS = {"word": "VARCHAR", "id": "VARCHAR", "n": "BIGINT", "who": "VARCHAR"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    """Several row groups in time order, several out of it, two small ones."""
    root: Path = tmp_path_factory.mktemp("segments")
    return [
        make_source(root, _rows(7000), KINDS, number="E-1", item=UUID(int=1)),
        make_source(root, _rows(5000, shuffled=True), KINDS, number="E-2", item=UUID(int=2), indexed=False),
        make_source(root, _rows(300, step=80), KINDS, number="E-3", item=UUID(int=3)),
        make_source(root, _rows(30), KINDS, number="E-4", item=UUID(int=4), indexed=False),
    ]


def _all_pages(sources: Sequence[Source], query: str, *, limit: int, **span: datetime) -> list[Record]:
    records: list[Record] = []
    cursor, totals = None, set()
    while True:
        page = search(
            sources, query=query, start=span.get("start"), end=span.get("end"), limit=limit, cursor=cursor
        )
        records += page.records
        totals.add(page.total)
        if (cursor := page.next) is None:
            break
        assert len(page.records) == limit
    assert totals == {len(records)}
    return records


def _order(record: Record) -> tuple[bool, datetime, str, int]:
    return (record.time is None, record.time or START, str(record.item), record.line)


@pytest.mark.parametrize(
    "query", ["", "common", "NOT common", "who:user3", "n:>6900", "id-00000010", "absent"]
)
@pytest.mark.parametrize("limit", [100, 997])
def test_the_pages_together_hold_every_record_once_in_order(
    sources: list[Source], query: str, limit: int
) -> None:
    if limit == 100 and query in ("", "NOT common"):
        sources = sources[2:]
    records = _all_pages(sources, query, limit=limit)
    keys = [(record.item, record.line) for record in records]
    assert len(set(keys)) == len(keys)
    assert [_order(record) for record in records] == sorted(_order(record) for record in records)
    expected = 0
    for source in sources:
        expected += search([source], query=query, limit=0).total
    assert len(records) == expected


def test_a_time_range_takes_its_start_and_leaves_its_end(sources: list[Source]) -> None:
    start, end = START + timedelta(seconds=100), START + timedelta(seconds=200)
    records = _all_pages(sources, "", limit=500, start=start, end=end)
    assert {record.time for record in records if record.number == "E-1"} == {
        START + timedelta(seconds=second) for second in range(100, 200)
    }
    assert all(record.time is not None and start <= record.time < end for record in records)


def test_a_record_carries_its_offset_in_the_sealed_bytes(sources: list[Source]) -> None:
    for source in sources:
        sealed = source.sealed.read_bytes()
        for record in search([source], query="n:>20", limit=150).records:
            line = json.loads(sealed[record.offset : sealed.index(b"\n", record.offset)])
            assert line["_line"] == str(record.line)
            assert line["id"] == record.fields["id"]


def test_records_at_their_lines(sources: list[Source]) -> None:
    found = records_at(sources, item=sources[0].item, lines=[5000, 3, 3, 99999])
    assert [(record.line, record.fields["n"]) for record in found] == [(3, 2), (5000, 4999)]
    assert records_at(sources[1:], item=sources[0].item, lines=[3]) == []


def test_a_record_has_only_the_fields_it_has(sources: list[Source]) -> None:
    [record] = search(sources[:1], query='id:="id-00000005"').records
    assert record.fields == {"word": "common", "id": "id-00000005", "n": 5}


def test_a_total_too_dear_to_count_says_so(sources: list[Source], monkeypatch: pytest.MonkeyPatch) -> None:
    exact = search(sources[:1], query="id", limit=10)
    monkeypatch.setattr(pages, "COUNT_BYTES", 80_000)
    bounded = search(sources[:1], query="id", limit=10)
    assert exact.total_is_exact
    assert not bounded.total_is_exact
    assert 2048 <= bounded.total < exact.total == 7000
    assert bounded.records == exact.records
    assert search(sources[:1], query="", limit=10).total_is_exact


def test_a_page_marker_fits_its_query_alone(sources: list[Source]) -> None:
    marker = search(sources, query="common", limit=10).next
    assert marker is not None
    raw = bytearray(base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)))
    raw[-3] ^= 1
    tampered = base64.urlsafe_b64encode(bytes(raw)).decode()
    for query, cursor in (
        ("other", marker),
        ("common", tampered),
        ("common", "x"),
        ("common", ""),
        ("common", "é"),
        ("common", marker[:-4]),
    ):
        with pytest.raises(QueryError):
            search(sources, query=query, limit=10, cursor=cursor)
    with pytest.raises(QueryError, match="no longer in scope"):
        search(
            sources[1:], query="common", limit=10, cursor=search(sources[:1], query="common", limit=10).next
        )


def test_the_histogram_counts_every_match_once(sources: list[Source]) -> None:
    for query in ("", "common", "who:user3"):
        drawn = histogram(sources, query=query, interval="10m")
        split = histogram(sources, query=query, interval="10m", by_item=True)
        exact = sum(search([source], query=query, limit=0).total for source in sources)
        assert drawn.total == split.total == exact
        records = _all_pages(sources[2:], query, limit=500)
        few = histogram(sources[2:], query=query, interval="10m")
        for bucket in few.buckets:
            inside = [
                record
                for record in records
                if (record.time is None) == (bucket.start is None)
                and (
                    bucket.start is None
                    or record.time is None
                    or bucket.start <= record.time < bucket.start + drawn.interval
                )
            ]
            assert bucket.count == len(inside)
    assert histogram([], query="").buckets == ()


def test_the_histogram_floors_times_before_1970(tmp_path: Path) -> None:
    early = datetime(1969, 12, 31, 23, 59, 30, tzinfo=UTC)
    rows: list[Row] = [{"_time": early}, {"_time": early + timedelta(seconds=60)}]
    drawn = histogram([make_source(tmp_path, rows, {})], query="", interval="1m")
    assert [bucket.start for bucket in drawn.buckets] == [
        datetime(1969, 12, 31, 23, 59, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
    ]


def test_intervals() -> None:
    assert choose_interval(START, START + timedelta(hours=2)) == "1m"
    assert choose_interval(START, START + timedelta(days=7)) == "2h"
    assert choose_interval(START, START + timedelta(days=365_000)).endswith("d")
    assert choose_interval(None, None) == "1h"


def test_bad_parameters_are_named(sources: list[Source]) -> None:
    for interval in ("", "1", "0h", "1w", "-1h", "1h; DROP TABLE x"):
        with pytest.raises(QueryError, match="interval"):
            histogram(sources, query="", interval=interval)
    with pytest.raises(QueryError, match="bars"):
        histogram(sources, query="", interval="1s")
    for metric in ("", "sum", "count:n", "median:n", "sum:"):
        with pytest.raises(QueryError, match="metric"):
            aggregate(sources, query="", by="who", metric=metric)
    with pytest.raises(QueryError, match="page holds"):
        search(sources, query="", limit=100_000)
    with pytest.raises(QueryError, match="ends before"):
        search(sources, query="", start=START, end=START - timedelta(days=1))


_METRICS: dict[str, Callable[[list[int]], float]] = {
    "count": len,
    "sum": sum,
    "distinct": lambda values: len(set(values)),
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
}


def test_top_values_and_their_metrics(sources: list[Source]) -> None:
    rows = [row for count, step in ((7000, 1), (300, 80)) for row in _rows(count, step=step)]
    chosen = [sources[0], sources[2]]
    for metric in ("count", "sum:n", "distinct:n", "avg:n", "min:n", "max:n"):
        table = aggregate(chosen, query="common", by="who", metric=metric, limit=5)
        kept = [row for row in rows if row["word"] == "common"]
        groups: dict[str, list[int]] = {}
        for row in kept:
            if row["who"] is not None:
                groups.setdefault(str(row["who"]), []).append(int(str(row["n"])))
        work: Callable[[list[int]], float] = _METRICS[metric.partition(":")[0]]
        expected = sorted(
            ((work(values), who) for who, values in groups.items()), key=lambda one: (-one[0], one[1])
        )[:5]
        assert [row.value for row in table.rows] == [who for _, who in expected]
        assert [row.metric for row in table.rows] == pytest.approx([value for value, _ in expected])
        assert table.total == pytest.approx(work([int(str(row["n"])) for row in kept]))
        assert table.distinct == 7
        assert table.missing == sum(row["who"] is None for row in kept)
        assert [row.count for row in table.rows] == [len(groups[row.value]) for row in table.rows]
    by_item = aggregate(chosen, query="", by="_item")
    assert [(row.value, row.metric) for row in by_item.rows] == [("E-1", 7000), ("E-3", 300)]
    assert isinstance(aggregate(chosen, query="", by="who", metric="sum:n").total, int)


def test_items_that_disagree_on_a_type(tmp_path: Path) -> None:
    numbers = make_source(
        tmp_path,
        [{"code": 200, "size": 5}, {"code": 404, "size": 7}],
        {"code": "BIGINT", "size": "BIGINT"},
        number="E-1",
    )
    texts = make_source(
        tmp_path,
        [{"code": "200", "size": 1.5}, {"code": "n/a", "size": None}],
        {"code": "VARCHAR", "size": "DOUBLE"},
        number="E-2",
    )
    both = [numbers, texts]
    assert search(both, query="code:200").total == 2
    assert search(both, query="code:>=200").total == 3
    table = aggregate(both, query="", by="code", metric="sum:size")
    assert [(row.value, row.metric) for row in table.rows] == [("404", 7), ("200", 6.5), ("n/a", None)]
    [code, size] = fields(both)
    assert (code.name, code.type, code.types, code.items) == ("code", "mixed", ("BIGINT", "VARCHAR"), 2)
    assert size.type == "mixed"


def test_fields_name_their_ecs_aliases(tmp_path: Path) -> None:
    source = make_source(
        tmp_path, [{"ip": "192.0.2.1"}], {"ip": "VARCHAR"}, ecs={"source.ip": "ip"}, more=("rare.one",)
    )
    assert [(field.name, field.aliases) for field in fields([source])] == [
        ("ip", ("source.ip",)),
        ("rare.one", ()),
    ]


def test_fields_beyond_the_columns(tmp_path: Path) -> None:
    more = json.dumps({"rare.one": "needle here", "odd/na~me": 5})
    source = make_source(
        tmp_path, [{"a": "x", "_more": more}, {"a": "y"}], {"a": "VARCHAR"}, more=("rare.one", "odd/na~me")
    )
    assert [record.line for record in search([source], query="rare.one:needle").records] == [1]
    assert [record.line for record in search([source], query="odd/na~me:5").records] == [1]
    [record] = search([source], query="needle").records
    assert record.fields == {"a": "x", "rare.one": "needle here", "odd/na~me": 5}


def test_an_unknown_field_matches_nothing_and_says_so(sources: list[Source], tmp_path: Path) -> None:
    page = search(sources, query="whoo:user3 OR NOT wrod:x")
    assert page.warnings[0].startswith("No item in scope has a field whoo; did you mean who")
    assert "word" in page.warnings[1]
    assert aggregate(sources, query="", by="nosuch").warnings
    assert aggregate(sources, query="", by="nosuch").rows == ()
    other = make_source(tmp_path, [{"secret_name": "x"}], {"secret_name": "VARCHAR"})
    assert "secret_name" in str(search([other], query="secret_nam:x").warnings)
    assert "secret_name" not in str(search(sources, query="secret_nam:x").warnings)


def test_no_items_no_records() -> None:
    page = search([], query="anything AND field:x")
    assert (page.total, page.records, page.next, page.warnings) == (0, (), None, ())
    assert aggregate([], query="", by="x").rows == ()
    assert fields([]) == []


def test_a_pasted_time_finds_the_record_by_its_value(tmp_path: Path) -> None:
    at = datetime(2026, 2, 3, 0, 6, 22, 75_000, tzinfo=UTC)
    rows: list[Row] = [
        {"_time": at, "when": "2026-02-03T00:06:22.075Z", "a": "x"},
        {"_time": None, "when": "yesterday noon", "a": "y"},
    ]
    for indexed in (True, False):
        source = make_source(
            tmp_path, rows, {"when": "VARCHAR", "a": "VARCHAR"}, time_column="when", indexed=indexed
        )
        for query in (
            "2026-02-03T00:06:22.075Z",
            '"2026-02-03 00:06:22"',
            "2026-02-03T08:06:22+0800",
            "03/Feb/2026:00:06:22",
            "_time:2026-02-03T00:06",
            "when:22.075z",
        ):
            assert [record.line for record in search([source], query=query).records] == [1], query
        assert [record.line for record in search([source], query="yesterday").records] == [2]
        assert search([source], query="2026-02-03T00:06:23").total == 0


HOSTILE = (
    "'; DROP TABLE t; '",
    "' OR 1=1 OR '",
    "'; ATTACH '/etc/passwd' AS x; '",
    "') UNION SELECT * FROM read_text('/etc/passwd')",
    '"',
    '""',
    "\\",
    "a\\",
    "%",
    "_",
    "$1",
    "?1",
    ":x",
    "{",
    "}",
    "[",
    "]",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "=cmd()",
    "<script>",
    "\u202e",
    "\x1b[31m",
    "a\u0000b",
    "\U0001f600",
    "\ud800",
    "x:y:z:",
    "((((",
    "))))",
    "a AND",
    "/(/",
    "/[/",
    "/a{1000}{1000}/",
    "f:/(?P<x/",
    "*:*:*",
    "-- x",
    "/* x */",
    "f:>'",
    "[a TO b]",
    "f:[a TO",
    "f:[' TO ']",
    "_exists_:'",
    "'a'.'b':c",
    '"a""b":c',
    "_item:'",
    "_time:'",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_or_an_error_with_a_sentence(sources: list[Source], text: str) -> None:
    few = sources[3:]
    for query in (text, f"word:{text}", f"{text}:x", f'word:"{text}"', f"word:={text}", f"NOT {text}"):
        error = None
        try:
            search(few, query=query, limit=5)
        except QueryError as raised:
            error = raised
        assert error is None or (error.sentence.endswith((".", "…")) and "Error" not in error.sentence)
    assert aggregate(few, query="", by=text).rows == ()
    assert aggregate(few, query="", by="word", metric=f"sum:{text}").total is None


def _parses_or_says_why_not(text: str) -> None:
    error = None
    try:
        check(text)
    except QueryError as raised:
        error = raised
    assert error is None or error.sentence
    assert error is None or error.position is None or 0 <= error.position <= len(text)


@given(st.text(max_size=60))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_text_parses_or_says_why_not(text: str) -> None:
    _parses_or_says_why_not(text)


@given(st.text(alphabet="ab \"':()[]{}/\\+-!&|*?<>=~^ANDORTO_.", max_size=30))
@hypothesis_settings(max_examples=300, deadline=None)
def test_any_punctuation_parses_or_says_why_not(text: str) -> None:
    _parses_or_says_why_not(text)


@pytest.mark.parametrize(
    ("query", "says", "position"),
    [
        ("a AND", "nothing to the right of AND", 2),
        ("OR b", "nothing to the left of OR", 0),
        ("a (b", "never closed", 2),
        ("a b)", "never opened", 3),
        ('a "b', "never closed", 2),
        ("a ()", "nothing between", 3),
        ("a status: b", "no value", 2),
        ("word:x~2", "Fuzzy", 0),
        ("a word^2", "Boosts", 2),
        ("f:(g:h)", "another field", 3),
        ("f:[1 TO 2", "never closed", 0),
        ("f:[1 2]", "[a TO b]", 0),
        ("a >5", "belongs to a field", 2),
        (":x", "name is missing", 0),
        ("x f:300.1.1.1/24", "not a network", 2),
        ("x _time:soon", "not a time", 2),
        ("x /(/", "regular expression", 2),
        ("(" * 40 + "a" + ")" * 40, "deep", 25),
        ("a " * 500, "more than", 800),
        ("a" * 30_000, "longer than", 20_000),
    ],
)
def test_a_bad_query_says_what_is_wrong_and_where(
    sources: list[Source], query: str, says: str, position: int
) -> None:
    with pytest.raises(QueryError) as caught:
        search(sources[3:], query=query)
    assert says in caught.value.sentence
    assert caught.value.position == position


@given(field=st.text(min_size=1, max_size=12), value=st.text(max_size=20))
@hypothesis_settings(max_examples=60, deadline=None)
def test_narrowing_to_a_value_finds_exactly_that_value(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: str
) -> None:
    clean = {ord(one): None for one in "\0" + "".join(map(chr, range(0xD800, 0xE000)))}
    field, value = field.translate(clean), value.translate(clean)
    if not field.strip() or field.lower() in (
        "_line",
        "_time",
        "_error",
        "_text",
        "_more",
        "_time_text",
        "_item",
        "_exists_",
        "filename",
        "file_row_number",
    ):
        return
    root = tmp_path_factory.mktemp("narrow")
    source = make_source(root, [{field: value}, {field: value + "x"}, {field: None}], {field: "VARCHAR"})
    assert [record.line for record in search([source], query=narrow(field, value)).records] == [1]
    assert [record.line for record in search([source], query=narrow(field, None)).records] == [3]
    assert [row.value for row in aggregate([source], query=narrow(field, value), by=field).rows] == [value]


def test_a_search_reads_nothing_but_its_segments(sources: list[Source], tmp_path: Path) -> None:
    outside = tmp_path / "outside.parquet"
    duckdb.execute(f"COPY (SELECT 1) TO '{outside}'")
    with session(sources[0].segment.parent) as opened:
        for statement in (
            f"SELECT * FROM read_parquet('{outside}')",
            "SELECT * FROM read_text('/etc/passwd')",
            f"COPY (SELECT 1) TO '{outside}'",
            "SET enable_external_access = true",
            "SET allowed_directories = ['/']",
            "INSTALL httpfs",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error):
                opened.rows(statement)


def test_a_search_that_takes_too_long_is_stopped(sources: list[Source]) -> None:
    with (
        session(sources[0].segment.parent, seconds=0.2) as opened,
        pytest.raises(SearchLimit, match=r"longer than 0\.2 seconds"),
    ):
        opened.rows(
            "SELECT count(*) FROM range(10000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11"
        )


def test_a_search_that_needs_too_much_memory_is_stopped(sources: list[Source]) -> None:
    with session(sources[0].segment.parent) as opened, pytest.raises(SearchLimit, match="memory"):
        opened.rows("SELECT list(repeat('x', 1000) || range) FROM range(5000000)")


def test_an_index_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "VERSION", 0)
    source = make_source(tmp_path, [{"a": "needle"}], {"a": "VARCHAR"})
    monkeypatch.undo()
    assert search([source], query="needle").total == 1


def test_an_index_is_complete_or_absent(tmp_path: Path) -> None:
    source = make_source(tmp_path, [{"a": "needle"}], {"a": "VARCHAR"}, indexed=False)
    (source.segment / "tokens.tmp").mkdir()
    (source.segment / "tokens.parquet.tmp").write_bytes(b"half")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokens.index_segment(source.segment, progress=stop)
    assert sorted(path.name for path in source.segment.iterdir()) == [
        "lines.idx",
        "records.parquet",
        "segment.json",
    ]
    seen: list[tuple[int, int]] = []
    tokens.index_segment(source.segment, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1, 1)
    assert (
        search(
            [Source(source.item, "E-1", source.segment, source.sealed, indexed=True)], query="needle"
        ).total
        == 1
    )


def test_threads_search_at_once(sources: list[Source]) -> None:
    queries = ["common", "who:user3", "n:>6900", "id-00000010", "absent"] * 4
    alone = [search(sources, query=query, limit=20).records for query in queries]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda query: search(sources, query=query, limit=20).records, queries))
    assert together == alone


def test_the_same_with_and_without_index(sources: list[Source]) -> None:
    plain = [unindexed(source) for source in sources]
    for query in ("id-000003e8", "common who:user2 n:<500", "id-0000*", "00000010 OR 00000011"):
        with_index, without = search(sources, query=query, limit=500), search(plain, query=query, limit=500)
        assert with_index.records == without.records
        assert with_index.total == without.total


def test_bars_fit_what_matches_not_the_whole_scope(tmp_path: Path) -> None:
    day, year = datetime(2026, 2, 3, tzinfo=UTC), datetime(2025, 2, 3, tzinfo=UTC)
    rows: Rows = [{"_time": day + timedelta(hours=n), "word": "near shared"} for n in range(24)]
    far: Rows = [{"_time": year, "word": "shared"}, {"_time": year + timedelta(days=1), "word": "other"}]
    sources = [
        make_source(tmp_path, rows, {"word": "VARCHAR"}),
        make_source(tmp_path, far, {"word": "VARCHAR"}, number="E-2"),
    ]
    assert histogram(sources, query="shared").interval == timedelta(days=7)
    close = histogram(sources, query="near OR other", start=day)
    assert close.interval <= timedelta(minutes=15)
    assert histogram(sources, query="*").total == 26
    unindexed_near = histogram([sources[0], unindexed(sources[1])], query="near")
    assert unindexed_near.interval <= timedelta(minutes=15)
    assert (len(unindexed_near.buckets), unindexed_near.total) == (24, 24)
