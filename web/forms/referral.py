"""Forms about referrals."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django import forms

from cases.models import EvidenceItem, Party
from cases.rules.share_terms import OPERATIONS
from cases.rules.values import CATEGORIES, SEVERITIES, TLP, instant
from web.forms.shape import CommandForm, prose, text

_WHEN = "Such as 2026-11-30T18:00:00Z."
PLAIN = ("summary", "tlp", "purpose", "legal_basis", "agreement", "onward")


class ReferralForm(CommandForm):
    """Refer a matter to a party that is not in the case."""

    to = forms.ChoiceField(label="To")
    tlp = forms.ChoiceField(
        label="Marking (TLP 2.0)",
        choices=[(marking, marking) for marking in TLP if marking != "TLP:RED"],
        initial="TLP:AMBER",
    )
    summary = prose(
        "Summary",
        "What you have seen and what you ask for. The other party decides on these words.",
        most=4_000,
        rows=5,
        needed=True,
    )
    indicators = prose("Indicators", "One on each line: addresses, accounts, hashes.", most=100_000)
    purpose = text("Purpose", "What the other party may use this for.", most=500, needed=True, full=True)
    legal_basis = text("Legal basis", most=500)
    agreement = text("Agreement", "Its reference, where there is one.", most=200)
    expires_at = text("Until", f"Empty: until you withdraw it. {_WHEN}", most=64, mono=True)
    items = forms.MultipleChoiceField(
        label="Items that come along when it accepts",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Before that the other party sees how many they are, and the names that you give below.",
    )
    labels = prose(
        "What it may know of these items", "One on each line, such as: Gateway log, one week.", most=40_000
    )
    allowed = forms.MultipleChoiceField(
        label="It may",
        required=False,
        choices=[(name, label) for name, label in OPERATIONS.items() if name not in ("exists", "share_on")],
        initial=["metadata", "search", "preview"],
        widget=forms.CheckboxSelectMultiple,
    )
    onward = forms.BooleanField(label="It may share this on", required=False)

    def choose(self, parties: Iterable[Party], items: Sequence[EvidenceItem] = ()) -> None:
        """Let the form choose among these parties and items; without items it does not speak of any."""
        self.fields["to"].choices = [(str(one.pk), one.name) for one in parties]  # type: ignore[attr-defined]
        if items:
            named = [(str(item.pk), f"{item.label} {item.title}") for item in items]
            self.fields["items"].choices = named  # type: ignore[attr-defined]
        else:
            for name in ("items", "labels", "allowed"):
                del self.fields[name]

    @property
    def has_choice(self) -> bool:
        """Whether there is a party to choose."""
        return bool(self.fields["to"].choices)  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """The words as SendReferral takes them; a time that is none is refused."""
        given = self.cleaned_data
        told = {
            name: given[name] for name in ("summary", "tlp", "purpose", "legal_basis", "agreement", "onward")
        }
        items = tuple(UUID(item) for item in given.get("items", ()))
        allowed = tuple(given.get("allowed", ())) if items else ()
        return told | {
            "to": UUID(given["to"]),
            "indicators": lines_of(given["indicators"]),
            "items": items,
            "labels": lines_of(given.get("labels", "")) if items else (),
            "allowed": (*allowed, "share_on") if items and given["onward"] else allowed,
            "expires_at": instant(given["expires_at"], "expires_at", "The time").utc,
        }


class NewMatterForm(ReferralForm):
    """The same where there is no case yet: a draft is made for it."""

    title = text(
        "Title of the draft case", "Only your party sees it before somebody joins.", needed=True, full=True
    )
    category = forms.ChoiceField(
        label="Category", choices=list(CATEGORIES.items()), initial="model_distillation"
    )
    severity = forms.ChoiceField(label="Severity", choices=list(SEVERITIES.items()), initial="medium")

    field_order = ("command", "title", "category", "severity", "to", "tlp")

    def case_said(self) -> dict[str, Any]:
        """What CreateCase takes of it."""
        return {name: self.cleaned_data[name] for name in ("title", "category", "severity", "tlp")}


class AcceptForm(CommandForm):
    """Accept just what was read."""

    terms = forms.CharField(widget=forms.HiddenInput, max_length=64)


class AskForm(CommandForm):
    """A question to the sender."""

    question = prose("Your question", most=2_000, rows=3, needed=True)


class AnswerForm(CommandForm):
    """The answer to it."""

    text = prose("Your answer", most=4_000, rows=3, needed=True)


def lines_of(said: str) -> tuple[str, ...]:
    """The lines of a text that say something."""
    return tuple(line.strip() for line in said.splitlines() if line.strip())
