"""What the parties of a case have proposed to each other, and whose answer is still awaited."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Prefetch

from cases import reads
from cases.models import Case, Participation, Party, Proposal, ProposalAnswer
from cases.refusals import Unseen
from cases.rules.acting import Actor

MOST = 100


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


def questions(actor: Actor, case: Case, *, parts: Sequence[Participation] | None = None) -> list[Question]:
    """The proposals of a visible case, the newest first. Two queries where `parts`, from `reads.parties_of`,
    are at hand, else three."""
    parts = list(reads.parties_of(actor, case)) if parts is None else parts
    if not any(part.party_id == actor.party for part in parts):
        raise Unseen
    answers = ProposalAnswer.objects.select_related("party").order_by("entry", "id")
    found = (
        Proposal.objects.filter(case=case)
        .select_related("by", "party")
        .prefetch_related(Prefetch("answers", queryset=answers, to_attr="given"))
        .order_by("-entry", "id")[:MOST]
    )
    return [_question(each, parts) for each in found]


def question(actor: Actor, case: Case, proposal: UUID | str, *, kind: str | None = None) -> Question:
    """One of them, of one kind where it is named, or Unseen."""
    for each in questions(actor, case):
        if str(each.proposal.pk) == str(proposal) and kind in (None, each.proposal.kind):
            return each
    raise Unseen


def _question(proposal: Proposal, parts: Sequence[Participation]) -> Question:
    given: list[ProposalAnswer] = proposal.given  # type: ignore[attr-defined]
    waits: list[Party] = []
    if proposal.status == "open":
        answered = {proposal.by_id, *(answer.party_id for answer in given)}
        deciding = [part for part in parts if part.role != "observer" and part.party_id not in answered]
        waits = [
            part.party for part in deciding if proposal.kind != "lead" or part.party_id == proposal.party_id
        ]
    return Question(proposal=proposal, answers=tuple(given), waits_for=tuple(waits))
