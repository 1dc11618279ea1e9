"""What a party finds out about its own evidence: who has read it, who sees it and why, who knew what when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases import examination, ingest, reads
from cases.insight import asof, exposure, subject, viewas, why
from cases.models import Case, EvidenceItem, Party
from cases.perform import perform
from cases.refusals import Forbidden, Invalid, Unseen
from cases.rules.acting import Actor
from cases.rules.sharing import GiveUpShare, RefuseShare, RevokeShare
from ledger.reading import head
from tests import cast as story
from tests.cast import Cast, Person, accepted, offer


@dataclass(frozen=True)
class Scene:
    """Two items of Northwind and one of Contoso, searchable, in one case."""

    cast: Cast
    case: Case
    first: EvidenceItem
    second: EvidenceItem
    theirs: EvidenceItem

    @property
    def alice(self) -> Actor:
        return self.cast.alice.actor

    @property
    def carol(self) -> Actor:
        return self.cast.carol.actor

    @property
    def entry(self) -> int:
        """The newest entry of the case's log."""
        found = head(self.case.pk)
        assert found is not None
        return found.size - 1

    def seen(self, person: Person, item: EvidenceItem) -> EvidenceItem:
        return reads.item(person.actor, reads.case(person.actor, self.case.pk), item.pk)

    def contoso(self) -> Party:
        return Party.objects.get(pk=self.cast.contoso)

    def of(self, person: Person) -> subject.Subject:
        return subject.subject(self.alice, self.case, member=person.member)


@pytest.fixture
def scene(db: None) -> Scene:
    cast = story.the_cast()
    case = story.joint_case(cast)
    made = [
        story.sealed_item(cast, case, title="Gateway log"),
        story.sealed_item(cast, case, title="Second log", content=story.LINES[:-1]),
        story.sealed_item(cast, case, by=cast.carol, title="Their trail", content=b'{"theirs":1}\n'),
    ]
    for item in made:
        ingest.run(item.pk)
    persons = (cast.alice, cast.alice, cast.carol)
    found = [
        reads.item(who.actor, reads.case(who.actor, case.pk), item.pk)
        for who, item in zip(persons, made, strict=True)
    ]
    return Scene(cast, reads.case(cast.alice.actor, case.pk), *found)


def sentences(answer: why.Answer) -> str:
    return " ".join(step.sentence for step in answer.steps)


# Exposure


def test_the_report_names_every_reading_with_its_query_and_records(scene: Scene) -> None:
    share = accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    carols = reads.case(scene.carol, scene.case.pk)
    found = examination.search(scene.carol, carols, query="203.0.113.3", limit=10, items=[scene.first.pk])
    examination.search(scene.carol, carols, query="nowhere-to-be-found", items=[scene.first.pk])
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first), records=5)
    with examination.open_content(scene.carol, scene.seen(scene.cast.carol, scene.first)).file:
        pass
    perform(RevokeShare(case=scene.case.pk, share=share, reason="Over"), actor=scene.alice)

    row = reads.share(scene.alice, scene.case, share)
    report = exposure.exposure(scene.alice, scene.case, share=row)
    assert [(one.how, one.query, sum(one.shown.values())) for one in reversed(report.readings)] == [
        ("search", "203.0.113.3", len(found.page.records)),
        ("search", "nowhere-to-be-found", 0),
        ("preview", "first records", 5),
        ("download", "", 0),
    ]
    assert {one.who for one in report.readings} == {"Carol"}
    (line,) = report.lines
    assert (line.searched, line.previewed, line.downloaded) == (2, 1, 1)
    assert line.records == len(found.page.records) + 5


def test_a_share_answers_for_its_own_time_and_items_alone(scene: Scene) -> None:
    first = accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first))
    perform(RevokeShare(case=scene.case.pk, share=first, reason="Over"), actor=scene.alice)
    second = accepted(
        scene.case, offer(scene.case, scene.first, scene.second, to=scene.cast.contoso, by=scene.cast.alice)
    )
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.second))
    rows = [reads.share(scene.alice, scene.case, share) for share in (first, second)]
    reports = [exposure.exposure(scene.alice, scene.case, share=row) for row in rows]
    assert [[line.item.pk for line in report.lines] for report in reports] == [
        [scene.first.pk],
        [scene.second.pk],
    ]
    both = exposure.exposure(scene.alice, scene.case, party=scene.cast.contoso)
    assert both.times == 2
    assert exposure.exposure(scene.alice, scene.case, item=scene.second).times == 1


def test_an_offer_that_was_never_accepted_exposed_nothing(scene: Scene) -> None:
    share = offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice)
    accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first))
    report = exposure.exposure(scene.alice, scene.case, share=reads.share(scene.alice, scene.case, share))
    assert report.never and not report.readings and not report.lines


def test_only_the_owner_is_told_what_was_read(scene: Scene) -> None:
    share = accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first))
    examination.preview(scene.alice, scene.first)
    with pytest.raises(Forbidden):
        exposure.exposure(scene.carol, scene.case, item=scene.seen(scene.cast.carol, scene.first))
    with pytest.raises(Forbidden):
        exposure.exposure(scene.carol, scene.case, share=reads.share(scene.carol, scene.case, share))
    assert not exposure.exposure(scene.carol, scene.case).readings
    # What the owner reads of its own is no exposure.
    assert exposure.exposure(scene.alice, scene.case).times == 1
    with pytest.raises(Unseen):
        exposure.exposure(scene.alice, scene.case, party=scene.cast.outsiders)


def test_the_report_goes_on_below_an_entry(scene: Scene) -> None:
    accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    for _ in range(3):
        examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first))
    newest = exposure.exposure(scene.alice, scene.case, limit=2)
    rest = exposure.exposure(scene.alice, scene.case, limit=2, before=newest.older)
    entries = [one.entry for one in [*newest.readings, *rest.readings]]
    assert len(entries) == len(set(entries)) == 3 and rest.older is None


# Why


def test_the_chain_tells_each_turn_of_a_share(scene: Scene) -> None:
    dan = scene.of(scene.cast.dan)
    nothing = why.why_item(scene.alice, scene.case, "E-1", dan)
    assert not nothing.allowed and "Nobody has offered E-1" in sentences(nothing)

    share = offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice)
    waiting = why.why_item(scene.alice, scene.case, "E-1", dan)
    assert not waiting.allowed and "has not accepted this offer" in sentences(waiting)

    accepted(scene.case, share)
    allowed = why.why_item(scene.alice, scene.case, "E-1", dan)
    assert allowed.allowed and "in force" in sentences(allowed)
    assert "Dan can see E-1" in allowed.verdict
    told = [step.entry for step in allowed.steps if step.entry is not None]
    assert told == sorted(told)

    perform(RevokeShare(case=scene.case.pk, share=share, reason="No longer needed"), actor=scene.alice)
    ended = why.why_item(scene.alice, scene.case, "E-1", dan)
    assert not ended.allowed
    assert "No longer needed" in sentences(ended) and "It is revoked" in sentences(ended)


@pytest.mark.parametrize("end", [RefuseShare, GiveUpShare])
def test_what_the_receiver_ended_is_in_the_chain(scene: Scene, end: Any) -> None:
    share = offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice)
    if end is GiveUpShare:
        accepted(scene.case, share)
    perform(end(case=scene.case.pk, share=share, reason="Not ours to hold"), actor=scene.carol)
    answer = why.why_item(scene.alice, scene.case, "E-1", scene.of(scene.cast.carol))
    assert not answer.allowed and "Not ours to hold" in sentences(answer)


def test_windows_roles_and_names_are_told(scene: Scene) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    terms: dict[str, Any] = {"to": scene.cast.contoso, "by": scene.cast.alice}
    accepted(scene.case, offer(scene.case, scene.first, **terms, not_before=soon))
    early = why.why_item(scene.alice, scene.case, "E-1", scene.of(scene.cast.dan))
    assert not early.allowed and "begins only on" in sentences(early)
    accepted(scene.case, offer(scene.case, scene.second, **terms, roles=("custodian",)))
    assert why.why_item(scene.alice, scene.case, "E-2", scene.of(scene.cast.dan)).allowed
    other = why.why_item(scene.alice, scene.case, "E-2", scene.of(scene.cast.carol))
    assert not other.allowed and "for the role custodian" in sentences(other)


def test_the_verdict_is_the_walls_and_asks_as_nobody(scene: Scene) -> None:
    accepted(
        scene.case,
        offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice, operations=("exists",)),
    )
    before = scene.entry
    answer = why.why_item(scene.alice, scene.case, "E-1", scene.of(scene.cast.carol))
    assert not answer.allowed and "exists, and no more" in sentences(answer)
    assert scene.entry == before  # nothing was done in anybody's name


def test_why_is_for_lead_and_counsel_of_the_owner(scene: Scene) -> None:
    accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    rhea = subject.subject(scene.carol, scene.case, party=scene.cast.regulator)
    with pytest.raises(Forbidden):
        why.why_item(scene.carol, scene.case, "E-1", rhea)
    with pytest.raises(Forbidden):
        why.why_item(scene.cast.bob.actor, scene.case, "E-1", rhea)
    own = why.why_item(
        scene.carol, scene.case, "E-1", subject.subject(scene.carol, scene.case, member=scene.cast.dan.member)
    )
    assert own.allowed and "accepted the terms" in sentences(own)


def test_a_party_is_told_nothing_of_other_parties_shares(scene: Scene) -> None:
    share: dict[str, Any] = {"by": scene.cast.alice, "purpose": "Only between us two"}
    accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.regulator, **share))
    accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    dan = subject.subject(scene.carol, scene.case, member=scene.cast.dan.member)
    assert "Only between us two" not in sentences(why.why_item(scene.carol, scene.case, "E-1", dan))
    answer = why.why_item(scene.alice, scene.case, "E-1", scene.of(scene.cast.carol))
    assert "Only between us two" not in sentences(answer)


def test_who_has_no_part_in_the_case_is_not_to_be_asked_about(scene: Scene) -> None:
    for party, member in ((scene.cast.outsiders, None), (None, scene.cast.mallory.member)):
        with pytest.raises(Unseen):
            subject.subject(scene.alice, scene.case, party=party, member=member)
    joined = why.why_case(scene.alice, scene.case, scene.of(scene.cast.carol))
    assert joined.allowed and "as partner" in sentences(joined)


# View as


def test_a_preview_counts_what_the_wall_lets_through_of_ones_own(scene: Scene) -> None:
    terms: dict[str, Any] = {"to": scene.cast.contoso, "by": scene.cast.alice}
    accepted(scene.case, offer(scene.case, scene.first, **terms))
    accepted(scene.case, offer(scene.case, scene.second, **terms, operations=("exists",)))
    view = viewas.view_as(scene.alice, scene.case, scene.of(scene.cast.carol))
    assert [one.item.pk for one in view.items] == [scene.first.pk]
    assert (view.own, view.only_exist, view.records) == (2, 1, view.items[0].item.records)
    assert view.counts["exists"] == 2 and view.counts["share_on"] == 0
    theirs = {one.pk for one in reads.items(scene.carol, scene.case)} - {scene.theirs.pk}
    assert theirs == {one.item.pk for one in view.items}


# As of


def test_what_was_known_at_an_entry_and_at_a_time(scene: Scene) -> None:
    before = scene.entry
    share = accepted(
        scene.case,
        offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice, purpose="Trace"),
    )
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first), records=4)
    during, moment = scene.entry, datetime.now(UTC)
    perform(RevokeShare(case=scene.case.pk, share=share, reason="Over"), actor=scene.alice)
    contoso = scene.contoso()

    assert not asof.as_of(scene.alice, scene.case, contoso, before).known
    for asked in (during, moment):
        then = asof.as_of(scene.alice, scene.case, contoso, asked)
        (known,) = then.known
        assert known.item.pk == scene.first.pk
        assert known.terms is not None and known.terms.purpose == "Trace"
        assert (known.times, known.records, then.part) == (1, 4, "partner")
        assert len(then.readings) == 1
    after = asof.as_of(scene.alice, scene.case, contoso, scene.entry)
    assert not after.known and after.times == 1  # it sees nothing any more, and has read what it has read


def test_terms_count_as_they_were_then(scene: Scene) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    accepted(
        scene.case,
        offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice, not_before=soon),
    )
    assert not asof.as_of(scene.alice, scene.case, scene.contoso(), scene.entry).known
    offer(scene.case, scene.second, to=scene.cast.contoso, by=scene.cast.alice)
    waiting = asof.as_of(scene.alice, scene.case, scene.contoso(), scene.entry)
    assert not waiting.known and waiting.offered == 1


def test_others_learn_of_their_own_only(scene: Scene) -> None:
    accepted(scene.case, offer(scene.case, scene.first, to=scene.cast.contoso, by=scene.cast.alice))
    examination.preview(scene.carol, scene.seen(scene.cast.carol, scene.first))
    examination.preview(scene.alice, scene.second)
    northwind = Party.objects.get(pk=scene.cast.northwind)
    told = asof.as_of(scene.carol, scene.case, northwind, scene.entry)
    assert not told.known and not told.readings
    own = asof.as_of(scene.carol, scene.case, scene.contoso(), scene.entry)
    assert {one.item.pk for one in own.known} == {scene.first.pk, scene.theirs.pk}
    with pytest.raises(Unseen):
        asof.as_of(scene.carol, scene.case, northwind, scene.entry, item="E-1")


def test_a_time_before_the_case_or_an_entry_past_its_end_is_none(scene: Scene) -> None:
    for asked in (datetime(2020, 1, 1, tzinfo=UTC), scene.entry + 1):
        with pytest.raises(Invalid):
            asof.as_of(scene.alice, scene.case, scene.contoso(), asked)
