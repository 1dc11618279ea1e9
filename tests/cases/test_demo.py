"""The demo is the case that it claims to be: what search finds in it is the truth that it was made from."""

import pytest
from django.contrib.auth.models import User

from cases import examination, ingest, reads, referring
from cases.actors import actor_for_user
from cases.demo import joint_case, scenario
from cases.models import Case, EvidenceItem
from cases.rules.acting import Actor
from ledger.verify import verify_log

PASSWORDS = {person.username: "not used here" for person in joint_case.PEOPLE}


@pytest.fixture
def demo(whole_db: None) -> Case:
    """The demo, built and indexed."""
    case = joint_case.build(PASSWORDS, lambda line: None)
    waiting = (
        EvidenceItem.objects.filter(case=case)
        .exclude(state__in=("indexed", "quarantined"))
        .order_by("-number")
    )
    while item := waiting.first():  # what is unpacked on the way comes last and is done first
        ingest.run(item.pk)
    return case


def acting(username: str) -> Actor:
    actor = actor_for_user(User.objects.get(username=username), via="web")
    assert actor is not None
    return actor


def test_what_search_finds_is_what_the_generator_knows(demo: Case) -> None:
    truth = scenario.build().truth
    alice, carol = acting("alice"), acting("carol")
    case = reads.case(alice, demo.pk)
    by_address = examination.aggregate(alice, case, query="_item:E-1", by="source.ip", limit=1000)
    assert {row.value: row.count for row in by_address.rows} == truth.requests_by_ip
    tokens = examination.aggregate(
        alice, case, query="_item:E-1", by="user.id", metric="sum:gen_ai.usage.output_tokens", limit=1000
    )
    assert {row.value: row.metric for row in tokens.rows} == truth.output_tokens_by_account
    calls = examination.aggregate(alice, case, query="_item:E-2", by="source.ip", limit=1000)
    assert {row.value: row.count for row in calls.rows} == truth.cloudtrail_by_ip
    heavy = {ip for ip, count in truth.requests_by_ip.items() if count > 100}
    assert heavy & {ip for ip, count in truth.cloudtrail_by_ip.items() if count > 20} == set(truth.shared_ips)
    for number, words in enumerate(("lay out every step", "play the examiner", "reason aloud inside")):
        page = examination.search(alice, case, query=f'"{words}"', limit=1).page
        assert (page.total, page.total_is_exact) == (truth.template_counts[number], True)
    # The edge log, half of it in +0800, is Contoso's alone: unpacked from gzip, and its times are the same.
    theirs = reads.case(carol, demo.pk)
    edge = reads.item(carol, theirs, "E-4")
    status = examination.aggregate(carol, theirs, query="_item:E-4", by="http.response.status_code")
    assert {int(row.value): row.count for row in status.rows} == truth.edge_status
    trail = reads.item(carol, theirs, "E-2")
    assert (edge.first_time, edge.last_time) == (trail.first_time, trail.last_time)
    assert edge.parent == reads.item(carol, theirs, "E-3")


def test_each_side_sees_its_part_and_an_outsider_nothing(demo: Case) -> None:
    seen = {
        name: [item.label for item in reads.items(acting(name), reads.case(acting(name), demo.pk))]
        for name in ("alice", "carol", "rhea")
    }
    assert seen == {"alice": ["E-1", "E-2"], "carol": ["E-1", "E-2", "E-3", "E-4"], "rhea": ["E-2"]}
    assert list(reads.my_cases(acting("mallory"))) == []
    titles = {case.title for case in reads.my_cases(acting("alice"))}
    assert titles == {demo.title, "Resold research access"}
    assert [one.purpose for one in referring.referrals(acting("ines"), side="received")] == [
        "Decide whether the office takes part"
    ]
    assert reads.my_cases(acting("ines")).count() == 1
    assert reads.my_cases(acting("carol")).count() == 2
    assert verify_log(demo.pk) == []


def test_a_demo_cut_off_half_way_is_finished_by_the_next_build(demo: Case) -> None:
    before = reads.ledger_head(acting("alice"), demo).size
    again = joint_case.build(PASSWORDS, lambda line: None)
    assert (again.pk, reads.ledger_head(acting("alice"), again).size) == (demo.pk, before)
