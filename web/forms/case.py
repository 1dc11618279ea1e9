"""Forms about a case."""

from django import forms

from cases.rules.values import CATEGORIES, PARTS, SEVERITIES, TLP
from web.forms.shape import CommandForm, prose, text


class CaseForm(CommandForm):
    """What is said about a case, when it is created and when it is revised."""

    title = text(
        "Title", "What happened, in a few words; every party of the case reads it.", needed=True, full=True
    )
    summary = prose(
        "Summary", "What is known, from whom, and what is asked of the other parties.", most=10_000, rows=6
    )
    category = forms.ChoiceField(
        label="Category", choices=list(CATEGORIES.items()), initial="model_distillation"
    )
    severity = forms.ChoiceField(label="Severity", choices=list(SEVERITIES.items()), initial="medium")
    tlp = forms.ChoiceField(
        label="Marking (TLP 2.0)",
        choices=[(marking, marking) for marking in TLP],
        help_text="Who may read the case: "
        + "; ".join(
            f"{marking.removeprefix('TLP:')}, {meaning[:1].lower()}{meaning[1:]}"
            for marking, meaning in TLP.items()
        )
        + ".",
        initial="TLP:AMBER",
    )


class ReasonForm(CommandForm):
    """A step that needs its reason."""

    reason = prose("Reason", most=2_000, rows=2, needed=True)


class MaybeReasonForm(CommandForm):
    """A step whose reason may be given."""

    reason = prose("Reason", most=2_000, rows=2)


class HandOverForm(CommandForm):
    """The partner that shall lead."""

    to = forms.ChoiceField(label="New lead")


class AddPartyForm(CommandForm):
    """Another party of this host, as partner or observer."""

    party = forms.ChoiceField(label="Party")
    role = forms.ChoiceField(
        label="Takes part as", choices=[(name, label) for name, label in PARTS.items() if name != "lead"]
    )
