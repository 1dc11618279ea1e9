"""Reading evidence: who is about to read what, and a download that had to stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

from cases.refusals import Refused
from cases.rules import values
from cases.rules.custody import OneItem
from cases.rules.custody_events import DownloadBrokenOff, EvidenceExamined, Shown
from cases.rules.shape import CASE_STREAM, CaseCommand, Event, Rules, item_stream

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

MOST_ITEMS: Final = 5_000
"""Items that one event names. The opening of a larger one would not fit a line of a bundle, which is at most
1 MiB."""


@dataclass(frozen=True, kw_only=True)
class Examination:
    """One item read: how (search, preview, download, aggregate), by which query, and how many records were
    shown."""

    item: UUID
    how: str
    query: str = ""
    shown: int = 0


@dataclass(frozen=True, kw_only=True)
class ExamineEvidence(CaseCommand):
    """Record that content of items is about to be read."""

    examinations: tuple[Examination, ...]
    purpose: str = ""

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, f"examination/{self.id}")


@dataclass(frozen=True, kw_only=True)
class BreakOffDownload(OneItem):
    """Record that a download that had begun was stopped: its reader may no longer have the bytes."""

    examination: UUID
    reader: UUID
    sent: int

    @property
    def streams(self) -> tuple[str, ...]:
        return (CASE_STREAM, item_stream(self.item), f"examination/{self.examination}")


def examine_evidence(command: ExamineEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    """One event for each owner and way of reading, so that each owner can be shown all that concerns it and
    no more; several where there are very many items."""
    purpose = values.text(command.purpose, "purpose", "The purpose", most=500)
    told: dict[tuple[UUID, str, str], list[Shown]] = {}
    for each in command.examinations:
        how = values.choice(each.how, "how", "The way of reading", values.HOW)
        query = values.text(each.query, "query", "The query", most=10_000)
        owner = state.around.readable[each.item, how]
        told.setdefault((owner, how, query), []).append(Shown(item=each.item, records=each.shown))
    if not told:
        raise Refused("nothing-examined", "No item was named.")
    return [
        EvidenceExamined(
            examination=command.id,
            owner=owner,
            how=how,
            query=query,
            purpose=purpose,
            items=tuple(items[at : at + MOST_ITEMS]),
        )
        for (owner, how, query), items in told.items()
        for at in range(0, len(items), MOST_ITEMS)
    ]


def break_off_download(command: BreakOffDownload, state: "Known", actor: "Actor") -> Sequence[Event]:
    return [
        DownloadBrokenOff(
            examination=command.examination,
            owner=actor.party,
            reader=command.reader,
            item=command.item,
            sent=command.sent,
        )
    ]


RULES: Rules = {ExamineEvidence: examine_evidence, BreakOffDownload: break_off_download}
