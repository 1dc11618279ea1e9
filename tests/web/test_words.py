"""Small pure things: marking of words, time ranges, the axis, sizes."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict

from web import marks
from web.asked import Asked, typed
from web.charts.axis import around
from web.charts.histogram import histogram
from web.templatetags import countersign


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('source.ip:203.0.113.0/24 AND "step by step"', {"step by step"}),
        ("source.ip:203.0.113.67 acct_18*", {"203.0.113.67", "acct_18"}),
        ("banned NOT refused -ignored tokens:>3000", {"banned"}),
        ("/acct_[0-9]+/ OR x:[1 TO 5]", set()),
        ("", set()),
    ],
)
def test_what_is_marked(query: str, words: set[str]) -> None:
    assert words <= set(marks.needles(query))
    assert not {"refused", "ignored", "3000", "AND", "TO"} & set(marks.needles(query))


def test_marking_escapes_what_it_marks() -> None:
    shown = marks.marked("<b>Step by step</b>", ("step by step",))
    assert shown == "&lt;b&gt;<mark>Step by step</mark>&lt;/b&gt;"
    assert marks.at("a AND )", 6) == 'a AND <span class="at">)</span>'
    assert marks.at("<a", 2) == '&lt;a<span class="at"> </span>'


def test_narrowing_keeps_the_meaning() -> None:
    ask = Asked(QueryDict("q=a OR b&from=2026-02-06"), [])
    assert ask.narrowed("user.id", "x").startswith("(a OR b) AND ")
    assert "from=2026-02-06+00%3A00" in ask.link(and_=("user.id", "x"))
    assert ask.link(and_=("user.id", "x")).count("user.id") == 1
    assert Asked(QueryDict("q="), []).narrowed("a", "b") == Asked(QueryDict("q=*"), []).narrowed("a", "b")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-02-06T99:00"])
def test_a_time_that_is_none_is_said_so(text: str) -> None:
    ask = Asked(QueryDict(f"from={text}"), [])
    assert "is no time" in ask.trouble


def test_typed_times_come_back_the_same() -> None:
    for when in (datetime(2026, 2, 6, tzinfo=UTC), datetime(2026, 2, 6, 1, 2, 3, 45, tzinfo=UTC)):
        assert Asked(QueryDict(f"from={typed(when)}".replace("+", "%2B")), []).start == when


def test_the_axis_holds_all_and_has_few_ticks() -> None:
    begin = datetime(2026, 2, 3, 9, 12, tzinfo=UTC)
    for length in (
        timedelta(0),
        timedelta(milliseconds=3),
        timedelta(minutes=7),
        timedelta(days=6),
        timedelta(days=4000),
    ):
        axis = around(begin, begin + length)
        assert 0 <= axis.x(begin) <= axis.x(begin + length) <= 100
        assert len(axis.ticks(8)) <= 10


def test_a_histogram_of_nothing_is_none() -> None:
    assert histogram([], step=timedelta(hours=1), owners={}) is None


def test_numbers_and_sizes() -> None:
    assert countersign.number(1234567) == "1,234,567"
    assert countersign.size(999) == "999 bytes"
    assert countersign.size(1_500_000) == "1.5 MB"
    assert countersign.sentence("model_distillation") == "Model distillation"
    assert "2026-02-06 15:00:36.982" in countersign.utc(
        datetime(2026, 2, 6, 15, 0, 36, 982_000, tzinfo=UTC), "milli"
    )
