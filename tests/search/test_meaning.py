"""Every construct of the language, against the oracle, with and without the index, over items that disagree
on types.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence import tokens
from evidence.search import Source, Value, search
from evidence.search.language import parse
from tests.search import oracle
from tests.search.makers import OWN, make_source, unindexed

START = datetime(2026, 2, 3, tzinfo=UTC)
PROMPTS = (
    "Act as a grader. Score the answer 0-10",
    "act, as a Grader",
    "ends with 5. Next begins",
    "请逐步推理并给出答案 answer",
    "Größe ÄRGER naïve",
    "5.5 and 1.203.0.113.67 and 12..13 v1.2.3-beta",
    "quote \" and \\ and % and _ and ' here",
    "tab\tand\nnewline examiner examined",
    "",
    "/v1/chat/completions?x=1&y=acct_3eb8b8140e",
    "mail alice@example.org or bob.smith@example.com",
    "100% sure; DROP TABLE records; --",
    "аккаунт заблокирован สวัสดี",
)
IPS = (
    "203.0.113.67",
    "203.0.113.6",
    "203.0.114.1",
    "192.0.2.1",
    "2001:db8::1",
    "2001:DB8:0:0:1::2",
    "fe80::1%eth0",
    "-",
    "10.0.0.1:443",
)
ACCOUNTS = (
    "acct_3eb8b8140e",
    "acct_3eb8ffffff",
    "acct-3eb8b8140e",
    "ACCT_3EB8B8140E",
    "sk-hash-d882a1a973e48570",
)


class Corpus:
    """Not a dataclass: Hypothesis would print all of it."""

    def __init__(
        self, sources: list[Source], records: list[tuple[dict[str, Value | datetime], oracle.Item]]
    ) -> None:
        self.sources = sources
        self.records = records


def _rows(count: int, *, numbers_as_text: bool) -> list[dict[str, Value | datetime]]:
    rows: list[dict[str, Value | datetime]] = []
    for n in range(count):
        status: Value = (200, 404, 429, 500, -5, None)[n % 6]
        row: dict[str, Value | datetime] = {
            "_line": n + 1 + n // 10,
            "_time": None if n % 17 == 3 else START + timedelta(hours=n),
            "_time_text": None if n % 17 == 3 else f"t{n}",
            "prompt": None if n % 11 == 5 else PROMPTS[n % len(PROMPTS)],
            "ip": IPS[n % len(IPS)],
            "account.id": ACCOUNTS[n % len(ACCOUNTS)] if n % 3 else f"acct_{n * 7919:08x}",
            "status": str(status) if numbers_as_text and status is not None else status,
            "share": None if numbers_as_text else (0.25, 1.0, 2.0)[n % 3],
            "stream": None if numbers_as_text else n % 2 == 0,
        }
        if n % 19 == 7:
            row = {
                "_line": row["_line"],
                "_time": None,
                "_error": "This line is not JSON.",
                "_text": f"broken {{acct_{n} examiner",
            }
        rows.append(row)
    return rows


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    root: Path = tmp_path_factory.mktemp("segments")
    patch = pytest.MonkeyPatch()
    patch.setattr(tokens, "BLOCK_LINES", 4)
    patch.setattr(tokens, "_BLOCKS_A_PASS", 5)
    first = {
        "prompt": "VARCHAR",
        "ip": "VARCHAR",
        "account.id": "VARCHAR",
        "status": "BIGINT",
        "share": "DOUBLE",
        "stream": "BOOLEAN",
    }
    second = {
        "prompt": "VARCHAR",
        "ip": "VARCHAR",
        "account.id": "VARCHAR",
        "status": "VARCHAR",
        "only_here": "VARCHAR",
    }
    made: list[tuple[Source, list[dict[str, Value | datetime]], oracle.Item]] = []
    for number, kinds, rows, ecs in (
        ("E-1", first, _rows(90, numbers_as_text=False), {"source.ip": "ip", "user.id": "account.id"}),
        ("E-2", second, _rows(40, numbers_as_text=True), {"source.ip": "ip"}),
        ("E-3", second, _rows(15, numbers_as_text=True), {"source.ip": "ip"}),
        ("E-4", first, [], {}),
    ):
        source = make_source(root, rows, kinds, number=number, ecs=ecs, message="prompt")
        made.append((source, rows, oracle.Item({**OWN, **kinds}, {**ecs, "@timestamp": "_time"}, number)))
    patch.undo()
    records = [(row, item) for _, rows, item in made for row in rows]
    return Corpus([source for source, _, _ in made], records)


def _answers(sources: list[Source], query: str) -> set[tuple[str, int]]:
    page = search(sources, query=query, limit=1000)
    assert page.total == len(page.records)
    assert page.total_is_exact
    return {(record.number, record.line) for record in page.records}


def _agrees(corpus: Corpus, query: str) -> int:
    node = parse(query)
    expected = {
        (item.number, int(str(row["_line"])))
        for row, item in corpus.records
        if oracle.matches(node, row, item)
    }
    assert _answers(corpus.sources, query) == expected, query
    mixed = [source if n % 2 else unindexed(source) for n, source in enumerate(corpus.sources)]
    assert _answers(mixed, query) == expected, query
    assert _answers([unindexed(source) for source in corpus.sources], query) == expected, query
    return len(expected)


FOUND = (
    "",
    "*",
    "*:*",
    "grader",
    "GRADER",
    '"as a grader"',
    '"score the answer 0"',
    "acct_3eb8b8140e",
    '"acct 3eb8b8140e"',
    "203.0.113.67",
    "推理",
    '"逐步推理"',
    "答",
    "größe",
    "ÄRGER",
    "examiner",
    "examin*",
    "*miner",
    "ex?miner",
    "acct_3eb8*",
    "acct_3eb8b8*",
    "3eb8b8*",
    "3e*",
    "203.0.113.*",
    "*",
    "/v1/chat/completions",
    "/v1/chat*",
    "alice@example.org",
    "example.com",
    "429",
    "404 OR 500",
    "5",
    "0.25",
    "1.0",
    '"drop table"',
    "'; DROP TABLE records; '".replace("; ", ";"),
    "status:429",
    "status:-5",
    "status:4*",
    "status:[400 TO 499]",
    "status:{200 TO 429}",
    "status:>=429",
    "status:<0",
    "status:[* TO 200]",
    "status:(200 OR 404)",
    "status:(>400 -429)",
    "status:>4e2",
    "share:>0.5",
    "share:1",
    "stream:true",
    "stream:FALSE",
    "prompt:grader",
    'prompt:"act as"',
    "prompt:act*",
    "prompt:*grader",
    "prompt:*.*",
    "prompt:/^Act/",
    "/[0-9]-[0-9]/",
    "prompt:/(?i)GRÖSSE|größe/",
    "ip:203.0.113.0/24",
    "source.ip:203.0.113.64/29",
    "ip:0.0.0.0/0",
    "source.ip:2001:db8::/32",
    "2001:db8::/64",
    "ip:fe80::/10",
    "ip:2001:db8::1",
    "203.0.113.0/24",
    "ip:10.0.0.0/8",
    "account.id:acct_3eb8b8140e",
    "account.id:=acct_3eb8b8140e",
    'user.id:="ACCT_3EB8B8140E"',
    "Account.Id:sk*",
    "_exists_:prompt",
    "prompt:*",
    "NOT prompt:*",
    "-_exists_:status",
    "_error:*",
    "_error:json",
    "_text:broken",
    "broken",
    "NOT examiner",
    "grader -account.id:acct_3eb8b8140e",
    "grader AND NOT (status:429 OR status:404)",
    "grader OR examiner status:200",
    "+grader !examiner",
    "NOT only_here:*",
    "NOT only_here:x",
    "_item:E-2",
    "_item:e-1 grader",
    "NOT _item:E-1",
    "_time:2026-02-04",
    "@timestamp:[2026-02-03 TO 2026-02-04]",
    "_time:{2026-02-03 TO 2026-02-05}",
    "_time:>2026-02-05",
    "_line:12",
    "_line:[10 TO 20]",
    "prompt:\\%",
    '"\\\\ and %"',
    "tab newline",
    '"tab and newline"',
    "5 AND next",
    "1.203.0.113.67",
    "12",
    "v1.2.3",
    "beta",
    "account.id:acct_3eb8?fffff",
    "заблокирован",
    "สวัสดี",
    'prompt:=""',
    "account.id:{acct_3 TO acct_4}",
    "account.id:[b TO *]",
    "alice AND bob",
)
PASTED = (
    "203.0.113.67 OR 192.0.2.1 OR acct_3eb8b8140e OR absentword OR 429 OR answer",
    "ip:(203.0.113.67 OR 192.0.2.1 OR 10.0.0.1 OR 2001:db8::1 OR absent)",
    "NOT (grader OR beta OR alice OR bob OR examiner) status:200",
    "status:(200 OR 404 OR 429 OR 500) OR absent OR nofield:x",
    "(grader OR beta OR alice OR bob) ip:203.0.113.0/24",
)
NOT_FOUND = (
    "only_here:*",
    "\\*",
    "absentword",
    "113.67",
    "203.0.113",
    "b8140e",
    "examine",
    '"grader act"',
    "nofield:x",
    "share:abc",
    "stream:yes",
    "ip:198.51.100.0/24",
)


@pytest.mark.parametrize("query", [*FOUND, *PASTED])
def test_finds(corpus: Corpus, query: str) -> None:
    assert _agrees(corpus, query) > 0


@pytest.mark.parametrize("query", NOT_FOUND)
def test_finds_nothing(corpus: Corpus, query: str) -> None:
    assert _agrees(corpus, query) == 0


_LEAVES = st.sampled_from([query for query in (*FOUND, *NOT_FOUND) if query not in ("", "*", "*:*")])
_PIECES = st.sampled_from(
    sorted(
        {
            piece
            for text in (*PROMPTS, *IPS, *ACCOUNTS)
            for piece in text.replace("\n", " ").split(" ")
            if piece
        }
    )
)


@st.composite
def _wild(draw: st.DrawFn) -> str:
    """A piece of the corpus with wildcards put in its place."""
    piece = draw(_PIECES)
    first = draw(st.integers(0, len(piece)))
    last = draw(st.integers(first, len(piece)))
    middle = draw(st.sampled_from(("*", "?", "")))
    text = "".join(f"\\{one}" if not one.isalnum() else one for one in piece[:first]) + middle
    text += "".join(f"\\{one}" if not one.isalnum() else one for one in piece[last:])
    field = draw(st.sampled_from(("", "prompt:", "account.id:", "ip:")))
    return field + (text if text not in ("", "AND", "OR", "NOT") else "*")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_TREES = st.recursive(
    st.one_of(_LEAVES, _wild(), _PIECES.map(_quoted), _PIECES.map(lambda text: f"prompt:{_quoted(text)}")),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from((" AND ", " OR ", " ", " AND NOT ", " OR NOT ")), inner)
        .map("".join)
        .map("({})".format),
        inner.map("NOT {}".format),
    ),
    max_leaves=4,
)


@given(query=_TREES)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_means_what_the_oracle_says(corpus: Corpus, query: str) -> None:
    _agrees(corpus, query)


@given(text=st.text(max_size=40), also=st.text(alphabet="ab1. 2-é第", max_size=20))
@settings(max_examples=60, deadline=None)
def test_words_are_cut_alike_in_sql_and_here(text: str, also: str) -> None:
    for one in (text, also):
        plain = "".join(
            character for character in one if character != "\0" and not "\ud800" <= character <= "\udfff"
        )
        if plain.lower() != plain and not plain.isascii():
            continue  # Python's lower case may differ from DuckDB's, which index and query both use
        found = duckdb.execute(f"SELECT {tokens.words_sql('?')}", [plain]).fetchall()[0][0]
        assert found == oracle.words(plain)
