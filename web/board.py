"""What the front page of a case offers to do now: its next steps, and the answers to what is proposed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import QueryDict

from cases import policy, reads, together
from cases.models import Case, Party
from cases.rules import case as steps
from cases.rules import proposals
from cases.rules.shape import Command
from cases.sentences import LAPSED
from cases.together import Question
from web.forms.case import AddPartyForm, HandOverForm, MaybeReasonForm, ReasonForm
from web.forms.shape import CommandForm
from web.signing import Signing, signing
from web.views.frame import CasePage

COMMANDS: dict[str, Callable[..., Command]] = {
    kind.__name__: kind for kind in (*steps.RULES, *proposals.RULES)
}

STEPS: dict[str, tuple[str, str, type[CommandForm]]] = {
    "OpenCase": ("Open the case", "Takes it out of draft.", CommandForm),
    "ContainCase": ("Mark as contained", "The abuse is stopped; the work goes on.", ReasonForm),
    "CloseCase": ("Close the case", "Nothing is added to a closed case; it can be reopened.", ReasonForm),
    "ReopenCase": ("Reopen the case", "Takes up the work again.", ReasonForm),
    "PlaceLegalHold": (
        "Place a legal hold",
        "Nothing of the case may be disposed of while your party’s hold stands.",
        ReasonForm,
    ),
    "LiftLegalHold": ("Lift your party’s legal hold", "Other parties’ holds stay.", ReasonForm),
    "AddParty": (
        "Add a party",
        "It sees the case and its history, and no evidence until its owner shares it.",
        AddPartyForm,
    ),
    "OfferLead": (
        "Hand over the lead",
        "The partner you choose is asked. Once it accepts, it leads the case and your party is a partner.",
        HandOverForm,
    ),
    "LeaveCase": (
        "Leave the case",
        (
            "Your party sees nothing of the case from that moment on, this page included. Its items stay"
            " recorded; what it has shared in the case is shared no longer. To come back, it has to be added"
            " again."
        ),
        ReasonForm,
    ),
}
OF_PARTIES = ("AddParty", "OfferLead", "LeaveCase")
"""Steps that stand with the parties."""

ANSWERS: dict[str, tuple[str, str, str, type[CommandForm]]] = {
    "ConsentToParty": ("party", "Consent", "Your party agrees that it joins.", CommandForm),
    "ObjectToParty": ("party", "Object", "Ends the proposal; it can be made again.", ReasonForm),
    "AgreeToClose": ("closing", "Agree to close", "Your party countersigns the closing.", CommandForm),
    "DissentFromClosing": (
        "closing",
        "Dissent",
        "Recorded with your reason, for good. The case is still closed once every party has answered.",
        ReasonForm,
    ),
    "AcceptLead": (
        "lead",
        "Take the lead",
        "Your party leads the case from then on; what else is proposed lapses.",
        CommandForm,
    ),
    "RefuseLead": ("lead", "Refuse", "The lead stays where it is.", ReasonForm),
    "WithdrawProposal": ("", "Withdraw", "Takes back what your party has proposed.", MaybeReasonForm),
}
"""Name of the command → kind of proposal, label, what it means, form."""


@dataclass
class Step:
    """A thing that may be done with the case now: its form and its words."""

    name: str
    label: str
    means: str
    form: CommandForm
    signing: Signing | None


@dataclass
class Asked:
    """A proposal with the answers that the actor may give it now."""

    question: Question
    steps: list[Step]


@dataclass(frozen=True)
class Ended:
    """A proposal that is decided, in words."""

    question: Question

    @property
    def what(self) -> str:
        """What was proposed."""
        proposal = self.question.proposal
        if proposal.kind == "closing":
            return f"Close the case: {proposal.reason}"
        name = proposal.party.name if proposal.party else "a party"
        return f"Hand the lead to {name}" if proposal.kind == "lead" else f"Add {name} as {proposal.role}"

    @property
    def how(self) -> str:
        """What became of it."""
        proposal = self.question.proposal
        if proposal.status == "lapsed":
            return f"lapsed, as {LAPSED[proposal.end_reason]}"
        why = f": {proposal.end_reason}" if proposal.end_reason else ""
        return f"{HOW[proposal.kind] if proposal.status == 'carried' else proposal.status}{why}"


HOW = {"party": "consented to", "closing": "answered by all", "lead": "accepted"}


@dataclass(frozen=True, kw_only=True)
class Pressed:
    """A step or an answer that somebody has just asked for."""

    name: str
    label: str
    form: CommandForm
    proposal: UUID | None = None

    def command(self, id_: UUID, case: Case) -> Command:
        """The command that the filled form asks for."""
        said = {name: value for name, value in self.form.cleaned_data.items() if name != "command"}
        said |= {name: UUID(said[name]) for name in ("party", "to") if name in said}
        if self.proposal is not None:
            said["proposal"] = self.proposal
        return COMMANDS[self.name](id=id_, case=case.pk, **said)

    def back(self, case: Case) -> tuple[str, ...]:
        """Whose page comes next; who has left sees none of this case."""
        return () if self.name == "LeaveCase" else (case.reference,)


class Board:
    """All of it, for one member; `pressed` is drawn as it came, with its errors."""

    def __init__(self, page: CasePage, *, pressed: Pressed | None = None) -> None:
        self._page, self._pressed = page, pressed
        self._questions = together.questions(page.actor, page.case, everyone=(*page.parts, *page.past))
        self.asked = [Asked(each, self._answers(each)) for each in self._questions if each.open]
        drawn = [step for name in STEPS if (step := self._step(name)) is not None]
        self.steps = [step for step in drawn if step.name not in OF_PARTIES]
        self.of_parties = [step for step in drawn if step.name in OF_PARTIES]

    @property
    def shows_pressed(self) -> bool:
        """Whether what was pressed is still on the page, with what is wrong about it."""
        if self._pressed is None:
            return True
        answers = [step for asked in self.asked for step in asked.steps]
        return any(step.form is self._pressed.form for step in (*self.steps, *self.of_parties, *answers))

    @property
    def signs(self) -> bool:
        """Whether anything on the page may be signed."""
        answers = [step for asked in self.asked for step in asked.steps]
        return any(step.signing for step in (*self.steps, *self.of_parties, *answers))

    @property
    def closing(self) -> Asked | None:
        """The closing that waits for answers."""
        return next((each for each in self.asked if each.question.proposal.kind == "closing"), None)

    @property
    def closed(self) -> Question | None:
        """How the case was closed by its parties, if it is closed now and they were asked."""
        if self._page.case.status != "closed":
            return None
        last = next((each for each in self._questions if each.proposal.kind == "closing"), None)
        return last if last and last.proposal.status == "carried" else None

    @property
    def joining(self) -> list[Asked]:
        """What is proposed about parties and the lead."""
        return [each for each in self.asked if each.question.proposal.kind != "closing"]

    @property
    def ended(self) -> list[Ended]:
        """The last few proposals that are decided, but for the closing of the case as it stands now."""
        closed = self.closed
        over = [each for each in self._questions if not each.open and each is not closed]
        return [Ended(each) for each in over[:5]]

    @cached_property
    def _signing(self) -> Signing:
        page = self._page
        return signing(page.parties[page.actor.party], page.own_keys)

    @property
    def _others(self) -> list[Party]:
        """Who has to agree to what the actor's party proposes."""
        return [
            part.party
            for part in self._page.parts
            if part.role != "observer" and part.party_id != self._page.actor.party
        ]

    def _step(self, name: str) -> Step | None:
        page = self._page
        if name not in page.offers or self._moot(name):
            return None
        form = self._pressed.form if self._was_pressed(name, None) and self._pressed else blank(page, name)
        if any(not choices for choices in _choices(form)):
            return None
        label, means, _ = STEPS[name]
        return Step(name, label, f"{means}{self._asks(name)}", form, self._hand(name))

    def _asks(self, name: str) -> str:
        names = _and([party.short_name for party in self._others])
        if not names:
            return ""
        if name == "AddParty":
            return f" It joins once {names} {_has(self._others)} consented; until then it sees nothing."
        if name == "CloseCase":
            return f" It is closed once {names} {_has(self._others)} agreed, or dissented with a reason."
        return ""

    def _moot(self, name: str) -> bool:
        page = self._page
        if self._was_pressed(name, None):
            return False
        held = any(part.hold_reason for part in page.parts if part.party_id == page.actor.party)
        kinds = {each.question.proposal.kind for each in self.asked}
        return {
            "PlaceLegalHold": held,
            "LiftLegalHold": not held,
            "CloseCase": "closing" in kinds,
            "OfferLead": "lead" in kinds,
            "LeaveCase": held or page.case.my_part == "lead",
        }.get(name, False)

    def _answers(self, question: Question) -> list[Step]:
        page, proposal = self._page, question.proposal
        mine = page.actor.party == proposal.by_id
        waits = any(party.pk == page.actor.party for party in question.waits_for)
        found = []
        for name, (kind, label, means, of) in ANSWERS.items():
            fits = mine if name == "WithdrawProposal" else (waits and kind == proposal.kind)
            if not fits or name not in page.offers:
                continue
            form = of(auto_id=f"id_{name}_{proposal.pk}_%s")
            if self._was_pressed(name, proposal.pk) and self._pressed:
                form = self._pressed.form
            found.append(Step(name, label, means, form, self._hand(name)))
        return found

    def _was_pressed(self, name: str, proposal: UUID | None) -> bool:
        pressed = self._pressed
        return pressed is not None and (pressed.name, pressed.proposal) == (name, proposal)

    def _hand(self, name: str) -> Signing | None:
        return self._signing if name in policy.BINDING else None


def blank(page: CasePage, name: str) -> CommandForm:
    """The form of a step, empty."""
    return _with_choices(page, STEPS[name][2](auto_id=f"id_{name}_%s"))


def tried(page: CasePage, name: str, data: QueryDict) -> CommandForm:
    """The form of a step as it was sent. A party that is in already can be named too: its refusal says so."""
    form = _with_choices(page, STEPS[name][2](data, auto_id=f"id_{name}_%s"))
    if isinstance(form, AddPartyForm):
        form.fields["party"].choices += [(str(p.pk), p.name) for p in page.parties.values()]  # type: ignore[attr-defined]
    return form


def _with_choices(page: CasePage, form: CommandForm) -> CommandForm:
    choices: Sequence[Any] = ()
    match form:
        case AddPartyForm():
            choices = [(str(party.pk), party.name) for party in reads.candidates(page.actor, page.case)]
            form.fields["party"].choices = choices  # type: ignore[attr-defined]
        case HandOverForm():
            partners = [part.party for part in page.parts if part.role == "partner"]
            form.fields["to"].choices = [(str(party.pk), party.name) for party in partners]  # type: ignore[attr-defined]
    return form


def _choices(form: CommandForm) -> list[Any]:
    return [list(form.fields[name].choices) for name in ("party", "to") if name in form.fields]  # type: ignore[attr-defined]


def _and(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _has(parties: Sequence[Party]) -> str:
    return "has" if len(parties) == 1 else "have"
