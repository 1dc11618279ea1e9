"""What the parties of a case have proposed to each other, and whose answer is still awaited."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.models import F

from cases import reads
from cases.models import Case, Participation, Party, Proposal, ProposalAnswer
from cases.refusals import Unseen
from cases.rules.acting import Actor

MOST = 300
GIVEN = ("id", "party", "who", "answer", "reason", "answered_at", "entry")


@dataclass(frozen=True, kw_only=True)
class Question:
    """A proposal with its answers; `waits_for` are the parties that are still to answer, none once it has
    ended."""

    proposal: Proposal
    answers: tuple[ProposalAnswer, ...]
    waits_for: tuple[Party, ...]

    @property
    def open(self) -> bool:
        """Whether it can still be answered or withdrawn."""
        return self.proposal.status == "open"


def questions(actor: Actor, case: Case, *, everyone: Sequence[Participation] | None = None) -> list[Question]:
    """The proposals of a visible case, the newest first. One query where `everyone`, from
    `reads.everyone_in`, is at hand, else two."""
    everyone = list(reads.everyone_in(actor, case)) if everyone is None else everyone
    present = [part for part in everyone if part.left_at is None]
    if not any(part.party_id == actor.party for part in present):
        raise Unseen
    # One row an answer, and one of a proposal that has none.
    rows = (
        Proposal.objects.filter(case=case)
        .select_related("by", "party")
        .annotate(**{f"given_{name}": F(f"answers__{name}") for name in GIVEN})
        .order_by("-entry", "id", "answers__entry")[:MOST]
    )
    return [_question(list(of), everyone, present) for _, of in groupby(rows, key=lambda row: row.pk)]


def question(actor: Actor, case: Case, proposal: UUID | str, *, kind: str | None = None) -> Question:
    """One of them, of one kind where it is named, or Unseen."""
    for each in questions(actor, case):
        if str(each.proposal.pk) == str(proposal) and kind in (None, each.proposal.kind):
            return each
    raise Unseen


def _question(
    rows: Sequence[Proposal], everyone: Sequence[Participation], present: Sequence[Participation]
) -> Question:
    proposal, parties = rows[0], {part.party_id: part.party for part in everyone}
    answers = []
    for row in rows:
        said: dict[str, Any] = {name: getattr(row, f"given_{name}") for name in GIVEN}
        if (given_by := said.pop("party")) is not None:
            answers.append(ProposalAnswer(party=parties[given_by], proposal_id=proposal.pk, **said))
    waits: list[Party] = []
    if proposal.status == "open":
        answered = {proposal.by_id, *(answer.party_id for answer in answers)}
        deciding = [part for part in present if part.role != "observer" and part.party_id not in answered]
        waits = [
            part.party for part in deciding if proposal.kind != "lead" or part.party_id == proposal.party_id
        ]
    return Question(proposal=proposal, answers=tuple(answers), waits_for=tuple(waits))
