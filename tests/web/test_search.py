"""Search over real segments: what is found, shown, recorded and refused."""

from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cases import ingest, reads
from cases.models import Case, EvidenceItem
from tests import cast as story
from tests.cast import Cast, Person

SignedIn = Callable[[Person], Client]

LINE = (
    b'{"ts":"2026-02-08T1%d:%02d:00Z","requester_ip_address":"203.0.113.%d","completion_tokens":%d,'
    b'"prompt":"hello <b>step by step</b> %d"}\n'
)
LINES = b"".join(LINE % (n // 60, n % 60, n % 7, n, n) for n in range(150)) + b"not parsed at all {\n"


@dataclass(frozen=True)
class Searched:
    """A case in which Northwind has one searchable item."""

    cast: Cast
    case: Case
    item: EvidenceItem

    def url(self, query: str = "") -> str:
        return f"/cases/{self.case.reference}/search{query}"


@pytest.fixture
def searched(db: None) -> Searched:
    cast = story.the_cast()
    case = story.joint_case(cast)
    item = story.sealed_item(cast, case, content=LINES, title="Gateway log")
    ingest.run(item.pk)
    return Searched(cast, case, reads.item(cast.alice.actor, case, item.pk))


def test_nothing_is_run_or_recorded_before_a_question(searched: Searched, signed_in: SignedIn) -> None:
    page = signed_in(searched.cast.alice).get(searched.url())
    assert "151 lines to search" in page.text
    assert not reads.custody(searched.cast.alice.actor, searched.item).filter(kind="examined").exists()


def test_what_is_found_is_counted_marked_and_escaped(searched: Searched, signed_in: SignedIn) -> None:
    page = signed_in(searched.cast.alice).get(searched.url("?q=%22step+by+step%22")).text
    assert "<b>150</b> of 151 lines" in page
    assert "<mark>step by step</mark>" in page
    assert "<b>step by step" not in page
    assert "This search is recorded as E-1 examined" in page
    last = reads.custody(searched.cast.alice.actor, searched.item).last()
    assert last is not None and last.particulars["query"] == '"step by step"'


def test_columns_facets_and_histogram(searched: Searched, signed_in: SignedIn) -> None:
    page = signed_in(searched.cast.alice).get(searched.url("?q=")).text
    for heading in ("source.ip", "tokens out", "Message"):
        assert f">{heading}</th>" in page
    assert page.count('class="bar p') >= 3
    assert "not parsed" in signed_in(searched.cast.alice).get(searched.url("?q=parsed")).text
    assert "q=source.ip%3A" in page or "q=source.ip%3A%22" in unescape(page)


def test_pages_go_on_where_they_ended(searched: Searched, signed_in: SignedIn) -> None:
    alice = signed_in(searched.cast.alice)
    first = alice.get(searched.url("?q=")).text
    start = first.index('hx-get="', first.index('class="more"')) + len('hx-get="')
    more = unescape(first[start : first.index('"', start)])
    part = alice.get(more, headers={"HX-Request": "true"}).text
    assert part.count('<tr class="go') == 51
    assert "<table" not in part
    assert alice.get(more).status_code == 200


def test_a_time_range_and_an_item_narrow(searched: Searched, signed_in: SignedIn) -> None:
    alice = signed_in(searched.cast.alice)
    page = alice.get(searched.url("?q=&from=2026-02-08+10:00&to=2026-02-08+10:10&item=E-1")).text
    assert "<b>10</b>" in page
    assert alice.get(searched.url("?q=&item=E-9")).status_code == 422


@pytest.mark.parametrize("query", ["a AND )", '"open', "source.ip:"])
def test_a_bad_query_says_what_is_wrong_and_where(
    searched: Searched, signed_in: SignedIn, query: str
) -> None:
    answer = signed_in(searched.cast.alice).get(searched.url(), {"q": query})
    assert answer.status_code == 422
    assert 'class="at"' in answer.text


def test_a_sum_by_a_field(searched: Searched, signed_in: SignedIn) -> None:
    asked = {"q": "", "by": "source.ip", "how": "sum", "of": "completion_tokens"}
    page = signed_in(searched.cast.alice).get(searched.url(), asked).text
    assert "11,175" in page  # 0 + 1 + … + 149


def test_a_record_with_its_raw_line(searched: Searched, signed_in: SignedIn) -> None:
    alice = signed_in(searched.cast.alice)
    url = f"/cases/{searched.case.reference}/evidence/E-1/records/3"
    for headers in ({}, {"HX-Request": "true"}):
        page = alice.get(url, headers=headers).text
        assert "&lt;b&gt;step by step&lt;/b&gt; 2" in page
        assert "requester_ip_address" in page and "source.ip" in page
    assert alice.get(url.replace("/3", "/9999")).status_code == 404
    for stranger in (searched.cast.carol, searched.cast.mallory):
        assert signed_in(stranger).get(url).status_code == 404


def test_others_find_nothing_in_it(searched: Searched, signed_in: SignedIn) -> None:
    for person in (searched.cast.carol, searched.cast.rhea):
        page = signed_in(person).get(searched.url("?q=")).text
        assert "Nothing to search yet" in page
        assert signed_in(person).get(searched.url("?q=&item=E-1")).status_code == 422


def test_another_site_cannot_make_a_member_search(searched: Searched, signed_in: SignedIn) -> None:
    alice = signed_in(searched.cast.alice)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert "press Search" in alice.get(searched.url("?q=secret"), headers=elsewhere).text
    alice.get(f"/cases/{searched.case.reference}/evidence/E-1/records/1", headers=elsewhere)
    alice.get(f"/cases/{searched.case.reference}/evidence/E-1?show=records", headers=elsewhere)
    assert not reads.custody(searched.cast.alice.actor, searched.item).filter(kind="examined").exists()


def test_the_item_page_shows_first_records_and_rejects_when_asked(
    searched: Searched, signed_in: SignedIn
) -> None:
    alice = signed_in(searched.cast.alice)
    url = f"/cases/{searched.case.reference}/evidence/E-1"
    assert "not parsed at all" not in alice.get(url).text
    page = alice.get(f"{url}?show=records").text
    assert "not parsed at all {" in page and "Rejects: 1 line" in page
    state = alice.get(f"{url}/state", headers={"HX-Request": "true"}).text
    assert "hx-trigger" not in state and "150 records" in state


def test_a_search_takes_few_queries(
    searched: Searched, signed_in: SignedIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice = signed_in(searched.cast.alice)
    alice.get(searched.url("?q=hello"))
    # A dozen to read, and what recording the examination takes: its own transaction with the ledger's calls.
    with django_assert_max_num_queries(26):
        alice.get(searched.url("?q=hello"))
