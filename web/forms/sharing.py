"""Forms about shares."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms

from cases.models import EvidenceItem, Party
from cases.rules.share_terms import OPERATIONS, SCOPES, Terms, checked
from cases.rules.values import ROLES, TLP, instant
from web.forms.shape import CommandForm, prose, text

_WHEN = "With its zone, such as 2026-02-08T10:44:10Z."


def _boxes(label: str, help_text: str = "", *, choices: Any = (), needed: bool = False) -> forms.Field:
    return forms.MultipleChoiceField(
        label=label,
        help_text=help_text,
        choices=choices,
        required=needed,
        widget=forms.CheckboxSelectMultiple,
    )


class TermsForm(CommandForm):
    """The terms of a share, when it is offered and when others are proposed."""

    to = forms.ChoiceField(label="To")
    scope = forms.ChoiceField(
        label="What is shared",
        choices=[("items", "The items chosen here"), ("case", SCOPES["case"])],
        initial="items",
    )
    items = _boxes("Items", "What was derived from an item goes along with it.")
    others = text("More items, by number", "Such as E-102, E-117.", most=2_000)
    roles = _boxes(
        "Only these roles", "Nothing chosen here or below: the whole party.", choices=list(ROLES.items())
    )
    members = _boxes("Only these members", "What is marked TLP:RED goes to named members alone.")
    operations = _boxes(
        "The other party may",
        "Reading brings the particulars along.",
        choices=list(OPERATIONS.items()),
        needed=True,
    )
    purpose = text(
        "Purpose",
        "What the other party may use it for; it accepts these words.",
        most=500,
        needed=True,
        full=True,
    )
    legal_basis = text("Legal basis", "Such as the law or contract that allows it.", most=500)
    agreement = text("Agreement", "The reference of the agreement between the two parties.")
    tlp = forms.ChoiceField(
        label="Marking (TLP 2.0)",
        choices=[(marking, f"{marking} – {meaning}") for marking, meaning in TLP.items()],
        initial="TLP:AMBER",
        help_text="At least as strict as the strictest item.",
    )
    not_before = text("Begins", f"Empty: on acceptance. {_WHEN}", most=64, mono=True)
    expires_at = text("Ends", f"Empty: when one of the two ends it. {_WHEN}", most=64, mono=True)
    watermark = forms.BooleanField(label="Ask for a watermark with the reader’s name", required=False)
    summary = prose(
        "What it is, in your words", "The other party reads this before it decides.", most=4_000, rows=2
    )

    WHO = ("to", "scope", "items", "others")
    REACH = ("roles", "members")
    SAID = ("purpose", "legal_basis", "agreement", "tlp", "not_before", "expires_at", "summary")

    def offer(
        self,
        *,
        parties: Iterable[Party],
        items: Iterable[EvidenceItem],
        members: Mapping[str, str],
        many: bool,
    ) -> None:
        """What there is to choose from."""
        fields: dict[str, Any] = self.fields
        fields["to"].choices = [(str(one.pk), one.name) for one in parties]
        fields["items"].choices = [(str(one.pk), f"{one.label} {one.title}") for one in items]
        fields["members"].choices = list(members.items())
        if not many:
            del fields["others"]

    @property
    def who_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.WHO if name in self.fields]

    @property
    def reach_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.REACH if self.fields[name].choices]  # type: ignore[attr-defined]

    @property
    def said_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SAID]

    def terms(self, items: Iterable[UUID], *, now: Any) -> Terms:
        """The terms as the form says them; refused where they cannot stand."""
        told = {
            name: self.cleaned_data[name] for name in self.SAID if name not in ("not_before", "expires_at")
        }
        terms = Terms(
            **told,
            scope=self.cleaned_data["scope"],
            items=() if self.cleaned_data["scope"] == "case" else tuple(items),
            roles=tuple(self.cleaned_data["roles"]),
            members=tuple(UUID(one) for one in self.cleaned_data["members"]),
            operations=tuple(self.cleaned_data["operations"]),
            not_before=instant(self.cleaned_data["not_before"], "not_before", "The beginning").utc,
            expires_at=instant(self.cleaned_data["expires_at"], "expires_at", "The end").utc,
            onward="share_on" in self.cleaned_data["operations"],
            watermark=self.cleaned_data["watermark"],
        )
        checked(terms, now=now)
        return terms


class AcceptForm(CommandForm):
    """Yes to the terms with this digest, and to no others."""

    terms = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
