"""Bytes that want to break a parser: sealed all the same, counted honestly, never a crash."""

import random
from pathlib import Path

import pytest

from evidence.lineindex import CUT, LONGEST_SHOWN
from evidence.segments import IngestError, write_segment
from tests.evidence.conftest import Ingest

GOOD = b'{"id":"a","n":1}\n'


def test_zero_bytes(ingest: Ingest) -> None:
    segment = ingest(b"")
    assert (segment.report.format, segment.report.lines) == ("text", 0)
    assert segment.raw(1) == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"\xff\xfe"}', "not valid UTF-8"),
        (b'{"id":"cut \xe2\x82"}', "not valid UTF-8"),
        (b"\x00\x00\x00", "not valid JSON"),
        (b'{"id":"x\x01y"}', "not valid JSON"),
        (b'{"id":"x"}{"id":"y"}', "not valid JSON"),
        (b'{"id":"\\ud800"}', "not valid JSON"),
        (b" \t", "blank line"),
        (b"\r", "blank line"),
    ],
)
def test_a_hostile_line_is_a_reject_among_good_ones(ingest: Ingest, line: bytes, reason: str) -> None:
    segment = ingest(GOOD * 5 + line + b"\n" + GOOD * 5)
    assert segment.report.lines == 11
    assert segment.rejects() == {6: reason}
    assert segment.raw(6)[0][2] == line


def test_values_that_are_merely_strange_are_records(ingest: Ingest) -> None:
    strange = [
        b'{"id":"nul \\u0000 inside","n":1}',
        b'{"id":"x","n":1e400}',
        b'{"id":"x","n":99999999999999999999999999999999}',
        b'{"id":"first","id":"second"}',
        b'{"id":' + b"[" * 500 + b"]" * 500 + b"}",
        '{"id":"\u2028\u202e <script>alert(1)</script> \x1b[31m =cmd()"}'.replace("\x1b", "\\u001b").encode(),
    ]
    segment = ingest(b"\n".join(strange))
    assert (segment.report.records, segment.report.rejects) == (len(strange), 0)
    rows = segment.rows()
    assert rows[0]["id"] == "nul \x00 inside"
    assert rows[2]["n"] == "99999999999999999999999999999999"
    assert "second" in rows[3]["_more"]


def test_json_a_hundred_thousand_deep(ingest: Ingest) -> None:
    arrays = b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    objects = b'{"id":' * 100_000 + b"1" + b"}" * 100_000 + b"\n"
    segment = ingest(GOOD * 50 + arrays + objects + GOOD)
    assert segment.report.lines == 53
    assert segment.report.records >= 51


def test_a_deep_cloudtrail_record(ingest: Ingest) -> None:
    segment = ingest(
        b'{"Records": [{"eventName":"a"}, {"x":' + b"[" * 100_000 + b"]" * 100_000 + b'}, {"eventName":"b"}]}'
    )
    assert segment.report.lines == 3
    assert segment.report.records >= 2


def test_a_line_of_a_hundred_megabytes(ingest: Ingest) -> None:
    giant = b'{"id":"' + b"x" * 100_000_000 + b'"}'
    segment = ingest(GOOD + giant + b"\n" + GOOD)
    assert segment.rejects() == {2: "longer than 8 MiB; only its beginning is searchable"}
    shown = segment.raw(2)[0]
    assert shown[1] == len(GOOD)
    assert shown[2] == giant[:LONGEST_SHOWN] + CUT
    assert segment.raw(3)[0][2] + b"\n" == GOOD


def test_long_lines_that_are_still_records(ingest: Ingest) -> None:
    long = b'{"id":"' + b"\\n\xc3\xa9" * 700_000 + b'","n":2}\n'
    segment = ingest(GOOD + long + GOOD)
    assert segment.report.rejects == 0
    assert segment.rows()[1]["id"] == "\né" * 700_000


@pytest.mark.parametrize("seed", range(6))
def test_line_numbers_are_those_of_the_bytes_whatever_the_bytes(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Random bytes full of line ends, quotes and delimiters: each row is the line that the index says it is."""
    monkeypatch.setattr("evidence.slicing.CHUNK", 509)
    monkeypatch.setattr("evidence.slicing.SLICE_BYTES", 4000)
    draw = random.Random(seed)
    pieces = [
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b'"',
        b"'",
        b",",
        b"\x01",
        b"\x00",
        b"\\",
        b"\xef\xbb\xbf",
        b"\xff",
        b" ",
        b"a",
        b"1",
    ]
    data = b"".join(draw.choices(pieces, k=6000))
    if seed % 2:
        data = b"\n".join(draw.choice([b'{"a":1}', b'{"a":"b"}\r', line]) for line in data.split(b"\n"))
    segment = ingest(data)
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    assert segment.report.lines == len(lines)
    assert [row["_line"] for row in segment.rows()] == list(range(1, len(lines) + 1))
    found = segment.raw(1, len(lines) + 5)
    assert [raw for _, _, raw in found] == lines
    assert all(data.startswith(raw, offset) for _, offset, raw in found)
    for row, line in zip(segment.rows(), lines, strict=True):
        if "_text" in row and row["_line"] > 1:
            assert row["_text"] == line.removesuffix(b"\r").decode("utf-8", "replace")


def test_the_line_index_finds_a_line_in_a_large_file(ingest: Ingest) -> None:
    segment = ingest(b"".join(b'{"n":%d}\n' % n for n in range(1, 20_001)))
    for line in (1, 2, 1023, 1024, 1025, 1026, 2049, 19_999, 20_000):
        (found,) = segment.raw(line)
        assert found[2] == b'{"n":%d}' % line
    assert [number for number, _, _ in segment.raw(19_995, 50)] == list(range(19_995, 20_001))
    assert segment.raw(20_001) == []
    assert (segment.folder / "lines.idx").stat().st_size == 8 * 20


def test_packed_bytes_are_not_parsed_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(b"\x1f\x8b\x08\x00rest")
    with pytest.raises(IngestError, match="compressed"):
        write_segment(tmp_path / "log.gz", tmp_path / "segment", progress=lambda done, total: None)
    assert not (tmp_path / "segment").exists()


def test_a_second_run_replaces_the_first_and_what_a_crash_left(ingest: Ingest, tmp_path: Path) -> None:
    (tmp_path / "segment.tmp").mkdir()
    (tmp_path / "segment.tmp" / "half").write_bytes(b"half a segment")
    assert ingest(GOOD * 3).report.records == 3
    assert ingest(GOOD * 4).report.records == 4
