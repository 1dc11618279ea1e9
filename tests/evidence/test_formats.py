"""Access logs, CSV, CloudTrail and plain text, recognised by what is in them."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from evidence import slicing
from tests.evidence.conftest import Ingest, without_own

COMBINED = rb"""203.0.113.67 - - [03/Feb/2026:08:06:22 +0800] "POST /v1/messages?x=1&y=%20 HTTP/1.1" 200 1623 "-" "openai-python/1.61.0"
192.0.2.58 - frank [03/Feb/2026:00:28:29 +0000] "GET / HTTP/2" 304 - "https://contoso.example/" "a \"quoted\" agent"
2001:db8::7 - - [03/Feb/2026:00:28:30 +0000] "\x16\x03\x01" 400 157 "-" "-"
172.17.0.1 - - [08/Dec/2021:09:16:05 +0000] "GET /scripts HTTP/1.1" - - "-" "-" 500 "test@docker" "http://172.17.0.3:80" 0ms
"""

COMMON = b"""127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
host.example - - [10/Oct/2000:13:55:37 -0700] "-" 408 -
"""

RECORDS = [
    {"eventVersion": "1.10", "eventTime": f"2026-02-03T00:0{n}:00Z", "eventSource": "bedrock.amazonaws.com",
     "eventName": "InvokeModel", "awsRegion": "us-east-1", "sourceIPAddress": "203.0.113.67", "userAgent": "Boto3 é",
     "userIdentity": {"type": "IAMUser", "userName": "svc"}, "requestParameters": {"modelId": "vendor.large", "n": n},
     "resources": [{"a": 1}, {"b": {"c": "}, {"}}], "errorCode": None}
    for n in range(9)
]  # fmt: skip


def test_combined_with_mixed_zones_escapes_and_extra_fields(ingest: Ingest) -> None:
    segment = ingest(COMBINED)
    assert (segment.report.format, segment.report.rejects) == ("combined", 0)
    first, second, third, fourth = segment.rows()
    assert without_own(first) == {
        "source.ip": "203.0.113.67",
        "http.request.method": "POST",
        "url.original": "/v1/messages?x=1&y=%20",
        "url.path": "/v1/messages",
        "url.query": "x=1&y=%20",
        "http.version": "1.1",
        "http.response.status_code": 200,
        "http.response.body.bytes": 1623,
        "user_agent.original": "openai-python/1.61.0",
    }
    assert first["_time"] == datetime(2026, 2, 3, 0, 6, 22)
    assert first["_time_text"] == "03/Feb/2026:08:06:22 +0800"
    assert second["user.name"] == "frank"
    assert second["user_agent.original"] == r"a \"quoted\" agent"
    assert second["http.request.referrer"] == "https://contoso.example/"
    assert "http.response.body.bytes" not in second
    assert third["source.ip"] == "2001:db8::7"
    assert third["url.original"] == r"\x16\x03\x01"
    assert "http.request.method" not in third
    assert "http.response.status_code" not in fourth
    assert fourth["rest"] == '500 "test@docker" "http://172.17.0.3:80" 0ms'


def test_common(ingest: Ingest) -> None:
    segment = ingest(COMMON * 3 + b"garbage\n")
    assert segment.report.format == "common"
    assert segment.rejects() == {7: "not an access log line"}
    assert segment.rows()[0]["_time"] == datetime(2000, 10, 10, 20, 55, 36)
    assert segment.rows()[1]["source.ip"] == "host.example"


def test_csv_with_everything_that_csv_can_do(ingest: Ingest) -> None:
    data = (
        "\ufeffName,,Amount,Code,name,When\r\n"
        '"Doe, Jane",x,12,007,"says ""hi""",2026-02-03T01:00:00+01:00\r\n'
        '"two\r\nlines",,-3,8,,2026-02-03T00:00:01Z\r\n'
        "short,row\r\n"
        "\r\n"
        "last,,0,9,é,2026-02-03T00:00:02Z"
    ).encode()
    segment = ingest(data)
    assert segment.report.format == "csv"
    assert segment.report.fields == ["Name", "column 2", "Amount", "Code", "name (2)", "When"]
    assert segment.rejects() == {5: "2 fields where the header has 6", 6: "blank line"}
    rows = {row["_line"]: row for row in segment.rows()}
    assert without_own(rows[2]) == {
        "Name": "Doe, Jane", "column 2": "x", "Amount": 12, "Code": "007", "name (2)": 'says "hi"',
        "When": "2026-02-03T01:00:00+01:00",
    }  # fmt: skip
    assert rows[3]["Name"] == "two\nlines"
    assert rows[2]["_time"] == datetime(2026, 2, 3)
    assert rows[7]["name (2)"] == "é"
    assert segment.raw(7)[0][2] == "last,,0,9,é,2026-02-03T00:00:02Z".encode()


def test_a_number_that_would_change_keeps_its_column_text(ingest: Ingest) -> None:
    rows = [f"{n},{n}.5\n" for n in range(60_000)]
    rows[30_000] = "007,1e3\n"
    segment = ingest(("id,ratio\n" + "".join(rows)).encode())
    assert segment.rows()[30_000]["id"] == "007"
    assert segment.rows()[30_000]["ratio"] == "1e3"
    assert segment.rows()[1]["ratio"] == "1.5"


def test_one_stray_quote_does_not_swallow_its_neighbours(ingest: Ingest) -> None:
    lines = [b"name,size\n"] + [b'item %d,"%d"\n' % (n, n) for n in range(5000)]
    lines[2500] = b'"broken,7\n'
    segment = ingest(b"".join(lines))
    assert segment.report.lines == 5000
    assert segment.report.rejects == 1
    assert list(segment.rejects()) == [2501]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(ingest: Ingest, delimiter: str) -> None:
    rows = [
        ["timestamp", "user", "action"],
        ["2026-02-03T00:00:00Z", "alice", "a,b"],
        ["2026-02-03T00:00:01Z", "bob", "c"],
    ]
    segment = ingest("\n".join(delimiter.join(row) for row in rows).encode())
    assert segment.report.format == "csv"
    assert segment.rows()[0]["action"] == "a,b"
    assert segment.rows()[1]["_time"] == datetime(2026, 2, 3, 0, 0, 1)


@pytest.mark.parametrize("indent", [None, 2])
def test_cloudtrail_on_one_line_or_many(ingest: Ingest, indent: int | None) -> None:
    data = json.dumps({"Records": RECORDS}, indent=indent, ensure_ascii=False).encode() + b"\n"
    segment = ingest(data)
    assert (segment.report.format, segment.report.lines, segment.report.rejects) == ("cloudtrail", 9, 0)
    row = segment.rows()[4]
    assert row["_line"] == 5
    assert row["_time"] == datetime(2026, 2, 3, 0, 4)
    assert row["requestParameters.n"] == 4
    assert row["userAgent"] == "Boto3 é"
    assert json.loads(row["resources"]) == RECORDS[4]["resources"]
    ((number, offset, raw),) = segment.raw(5)
    assert number == 5
    assert data[offset : offset + len(raw)] == raw
    assert json.loads(raw) == RECORDS[4]
    facts = json.loads((segment.folder / "segment.json").read_text())
    assert facts["ecs"]["event.action"] == "eventName"
    assert facts["index"] == {"unit": "record", "every": 64}


def test_a_large_cloudtrail_file_goes_through_in_batches(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence.formats.envelope.CHUNK", 700)
    monkeypatch.setattr("evidence.segments.BATCH_RECORDS", 50)
    records = [{**RECORDS[0], "eventID": f"e-{n}"} for n in range(333)]
    data = json.dumps({"Records": records}).encode()
    segment = ingest(data)
    assert [row["eventID"] for row in segment.rows()] == [f"e-{n}" for n in range(333)]
    for number, offset, raw in segment.raw(60, 80):
        assert json.loads(raw)["eventID"] == f"e-{number - 1}"
        assert data[offset : offset + len(raw)] == raw


def test_cloudtrail_that_is_cut_off_or_broken_inside(ingest: Ingest) -> None:
    whole = json.dumps({"Records": RECORDS})
    cut = ingest(whole[: whole.rindex('"requestParameters"')].encode())
    assert (cut.report.records, cut.rejects()) == (8, {9: "not valid JSON"})
    assert cut.report.assumptions == ["The file ends before its list of records does."]
    broken = ingest(whole.replace('"awsRegion": "us-east-1"', '"awsRegion": us-east-1', 1).encode())
    assert (broken.report.records, broken.rejects()) == (8, {1: "not valid JSON"})


def test_plain_text_with_dates_at_the_beginning(ingest: Ingest) -> None:
    segment = ingest(
        b"2025-12-31T17:37:40.493035218+01:00 stdout F started\n2026-01-01 00:00:00,250 WARN late\n  no date\n\n"
    )
    assert segment.report.format == "text"
    rows = segment.rows()
    assert rows[0]["_time"] == datetime(2025, 12, 31, 16, 37, 40, 493035)
    assert rows[1]["_time"] == datetime(2026, 1, 1, 0, 0, 0, 250000)
    assert rows[2]["_text"] == "  no date"
    assert "_time" not in rows[2]
    assert segment.rejects() == {4: "blank line"}
    assert segment.report.assumptions == ["Times in the lines that name no zone are taken as UTC."]


def test_the_name_of_a_file_says_nothing(ingest: Ingest, tmp_path: Path) -> None:
    assert ingest(b"just words, and more words\nsome, others\n").report.format == "text"
    assert ingest(COMMON).report.format == "common"


def test_lines_of_a_slice_keep_their_numbers(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slicing, "CHUNK", 4096)
    monkeypatch.setattr(slicing, "SLICE_LINES", 100)
    segment = ingest(b"".join(b'{"n":%d}\r\n' % n if n % 7 else b'{"n":%d}\n' % n for n in range(1, 3000)))
    assert [(row["_line"], row["n"]) for row in segment.rows()] == [(n, n) for n in range(1, 3000)]
