"""JSON lines: every field under its own name, nothing lost, nothing taken for something else."""

import json
from datetime import datetime

import pytest

from evidence import segments, slicing
from tests.evidence.conftest import Ingest, without_own

GATEWAY = (
    b'{"id":"req_01","startTime":"2026-02-03T00:00:00.075Z","requester_ip_address":"203.0.113.67","endpoint":"/v1/chat",'
    b'"stream":false,"temperature":1.0,"prompt":"Grade it.\\nThen \\"explain\\".","usage":{"prompt_tokens":404},"status":200}\n'
    b'{"id":"req_02","startTime":"2026-02-03T08:00:01+08:00","requester_ip_address":"203.0.113.68","endpoint":"/v1/chat",'
    b'"stream":true,"temperature":0,"prompt":null,"usage":{"prompt_tokens":12},"status":429}\n'
)


def test_a_gateway_log(ingest: Ingest) -> None:
    segment = ingest(GATEWAY)
    report = segment.report
    assert (report.format, report.lines, report.rejects, report.confidence) == ("jsonl", 2, 0, 1.0)
    first, second = segment.rows()
    assert without_own(first) == {
        "id": "req_01",
        "startTime": "2026-02-03T00:00:00.075Z",
        "requester_ip_address": "203.0.113.67",
        "endpoint": "/v1/chat",
        "stream": False,
        "temperature": 1.0,
        "prompt": 'Grade it.\nThen "explain".',
        "usage.prompt_tokens": 404,
        "status": 200,
    }
    assert first["_time"] == datetime(2026, 2, 3, 0, 0, 0, 75000)
    assert second["_time"] == datetime(2026, 2, 3, 0, 0, 1)
    assert second["_time_text"] == "2026-02-03T08:00:01+08:00"
    assert "_more" not in first
    assert "_more" not in second
    assert report.first_time == first["_time"]
    assert report.assumptions == []
    facts = json.loads((segment.folder / "segment.json").read_text())
    assert facts["ecs"]["source.ip"] == "requester_ip_address"
    assert facts["ecs"]["gen_ai.usage.input_tokens"] == "usage.prompt_tokens"
    assert facts["ecs"]["http.response.status_code"] == "status"
    assert facts["message"] == "prompt"
    assert facts["sealed_sha256"] == report.sha256


def test_lines_that_do_not_parse_are_kept_with_number_and_reason(ingest: Ingest) -> None:
    good = b'{"a":1}\n'
    segment = ingest(good * 9 + b"\nnot json\n[1,2]\n5\n{}\n" + good)
    assert segment.report.records == 11
    assert segment.rejects() == {
        10: "blank line",
        11: "not valid JSON",
        12: "not a JSON object",
        13: "not a JSON object",
    }
    texts = {row["_line"]: row["_text"] for row in segment.rows() if "_error" in row}
    assert texts == {10: "", 11: "not json", 12: "[1,2]", 13: "5"}


def test_a_field_that_the_sample_missed_gets_its_column(ingest: Ingest) -> None:
    """The sample reads 256 KiB at the beginning and a few pieces: a field in a single line elsewhere is not
    seen.
    """
    lines = [b'{"id":"%032x","n":%d}\n' % (n, n) for n in range(60_000)]
    lines[31_234] = b'{"id":"x","n":1,"secret":{"tool":"netcat"}}\n'
    lines[32_234] = b'{"id":"x","n":"many"}\n'
    segment = ingest(b"".join(lines))
    assert segment.report.fields == ["id", "n", "secret.tool"]
    rows = segment.rows()
    assert without_own(rows[31_234]) == {"id": "x", "n": "1", "secret.tool": "netcat"}
    assert rows[32_234]["n"] == "many"
    assert rows[59_999]["n"] == "59999"
    assert not any("_more" in row for row in rows)


@pytest.mark.parametrize(
    "smuggled",
    [
        b'{"a":0,"b":0,"c":0,"z":0}',
        b'{"a":1e3,"b":1e3,"c":1e3,"z":0}',
        b'{"a":1e5,"z":12}',
        b'{"a":"x","b":true,"c":true,"zz":"hidden"}',
        b'{"a": "x", "b": "x", "zz":1}',
        b'{"a":"x","a":"hidden"}',
        b'{"A":"x","a":"y"}',
    ],
)
def test_no_value_hides_behind_values_of_another_kind(
    ingest: Ingest, monkeypatch: pytest.MonkeyPatch, smuggled: bytes
) -> None:
    """A line that was never sampled and does not fit is found by its length, whatever stands in it."""
    monkeypatch.setattr(segments, "MOST_PASSES", 1)
    monkeypatch.setattr(segments, "sample_of", lambda source: slicing.sample_of(source, pieces=0, head=2000))
    segment = ingest(b'{"a":"x","b":"y","c":"z"}\n' * 500 + smuggled + b"\n")
    kept = segment.rows()[500]["_more"]
    assert json.loads(kept) == json.loads(smuggled)
    assert ("hidden" in kept) == (b"hidden" in smuggled)


def test_types_are_only_what_every_value_is(ingest: Ingest) -> None:
    segment = ingest(
        b'{"n":1,"id":"007","big":123456789012345678901234,"mix":1,"list":[1,{"a":null}],"open":{},"b":true}\n'
        b'{"n":-2,"id":"8","big":1,"mix":"one","list":[],"open":{"k":"v"},"b":false}\n'
    )
    first, second = segment.rows()
    assert without_own(first) == {
        "n": 1, "id": "007", "big": "123456789012345678901234", "mix": "1", "list": '[1,{"a":null}]', "b": True,
    }  # fmt: skip
    assert without_own(second) == {
        "n": -2, "id": "8", "big": "1", "mix": "one", "list": "[]", "open.k": "v", "b": False,
    }  # fmt: skip


def test_names_that_cannot_be_columns_stay_in_more(ingest: Ingest) -> None:
    segment = ingest(b'{"id":1,"ID":2,"":3,"_time":"x"}\n' * 3)
    assert segment.report.fields == ["id"]
    assert json.loads(segment.rows()[0]["_more"]) == {"id": 1, "ID": 2, "": 3, "_time": "x"}


def test_more_than_a_thousand_fields(ingest: Ingest) -> None:
    wide = {f"f{n}": n for n in range(1500)}
    segment = ingest(json.dumps(wide).encode() + b"\n" + b'{"f0":1}\n')
    assert len(segment.report.fields) <= 1000
    row = segment.rows()[0]
    assert json.loads(row["_more"]) == wide


@pytest.mark.parametrize(
    ("unit", "value"),
    [("s", "1770076800"), ("ms", "1770076800123"), ("us", "1770076800123456"), ("ns", "1770076800123456789")],
)
def test_epoch_numbers_get_their_unit_from_the_whole_column(ingest: Ingest, unit: str, value: str) -> None:
    segment = ingest(b"".join(b'{"ts":%d,"n":%d}\n' % (int(value) + n, n) for n in range(50)))
    row = segment.rows()[0]
    assert row["_time"].replace(microsecond=0) == datetime(2026, 2, 3)
    assert row["_time"].microsecond == {"s": 0, "ms": 123000}.get(unit, 123456)
    assert row["_time_text"] == value


def test_a_time_without_zone_is_utc_and_that_is_stated(ingest: Ingest) -> None:
    segment = ingest(b'{"CreationTime":"2022-05-07T12:55:53","Operation":"Set"}\n' * 3)
    assert segment.rows()[0]["_time"] == datetime(2022, 5, 7, 12, 55, 53)
    assert segment.report.assumptions == ["Times in CreationTime that name no zone are taken as UTC."]


def test_a_time_that_does_not_parse_is_no_reject(ingest: Ingest) -> None:
    segment = ingest(b'{"time":"2026-02-03T00:00:00Z"}\n' * 5 + b'{"time":"yesterday"}\n{"other":1}\n')
    assert segment.report.rejects == 0
    late = segment.rows()[5]
    assert "_time" not in late
    assert late["_time_text"] == "yesterday"


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-03 00:06:22,500 +0000", "03/Feb/2026:08:06:22.5 +0800", "2026-02-03T00:06:22.500z",
        "2026-02-03T00:06:22.500000001Z", "2026-02-03T03:36:22.5+03:30", "02/13/2026 12:06:22 AM",
    ],
)  # fmt: skip
def test_ways_to_write_a_time(ingest: Ingest, text: str) -> None:
    segment = ingest(b"".join(b'{"timestamp":"%s","n":%d}\n' % (text.encode(), n) for n in range(3)))
    time = segment.rows()[0].get("_time")
    if text.startswith("03/Feb"):
        assert time is None
    elif text.startswith("02/13"):
        assert time == datetime(2026, 2, 13, 0, 6, 22)
    else:
        assert time == datetime(2026, 2, 3, 0, 6, 22, 500000)
