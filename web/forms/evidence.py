"""Forms about evidence."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django import forms

from cases.rules.share_terms import OPERATIONS
from cases.rules.values import ITEM_KINDS, TLP, instant
from web.forms.shape import CommandForm, prose, text

_WHEN = "With its zone, such as 2026-02-08T10:44:10Z or 2026-02-08T11:44:10+01:00."


class AcquireForm(CommandForm):
    """A file with the facts of how it was come by. Only the file and a title are asked for."""

    title = text("Title", "What this is, such as “API gateway log, 3–9 February”.", needed=True, full=True)
    kind = forms.ChoiceField(label="Kind", choices=list(ITEM_KINDS.items()), initial="log")
    marking = forms.ChoiceField(
        label="Marking (TLP 2.0)", choices=[(marking, marking) for marking in TLP], initial="TLP:AMBER"
    )
    declared_sha256 = text(
        "SHA-256 at the source",
        "If you give it, bytes with any other hash are refused and nothing is kept.",
        most=64,
        full=True,
        mono=True,
    )

    source_system = text("Source system", "The system that wrote it, such as “API gateway” or “CloudTrail”.")
    account = text("Account", "The account or project that it was taken from.")
    tenant = text("Tenant", "The customer or organisation that it is about, if it is only one.")
    host = text("Host", "The machine or service name.")
    covers_from = text("Covers from", f"The first moment that the source covers. {_WHEN}", most=64, mono=True)
    covers_until = text("Covers until", "The last moment, in the same way.", most=64, mono=True)

    acquired_by = text("Acquired by", "The person who took it, if that was not you.")
    acquired_at = text("Acquired at", _WHEN, most=64, mono=True)
    method = text("Method", "Such as console export, API call, disk copy.")
    tool = text("Tool", "Such as aws-cli or jq.")
    tool_version = text("Tool version")
    query = prose(
        "Command or query",
        "Exactly as it was run, so that another person can repeat it.",
        most=10_000,
        rows=2,
    )

    legal_basis = text(
        "Legal basis",
        "What allows you to have and use it, such as an agreement’s number.",
        most=500,
        full=True,
    )
    note = prose("Note", "Anything that a later reader has to know.", most=4_000, rows=2)

    GROUPS = (
        (
            "Where it comes from",
            "what the bytes can tell about",
            ("source_system", "account", "tenant", "host", "covers_from", "covers_until"),
        ),
        (
            "How it was acquired",
            "so that another person can repeat it",
            ("acquired_by", "acquired_at", "method", "tool", "tool_version", "query"),
        ),
        ("Basis and note", "", ("legal_basis", "note")),
    )

    @property
    def first_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("title", "kind", "marking", "declared_sha256")]

    @property
    def groups(self) -> list[tuple[str, str, list[forms.BoundField], bool]]:
        """Heading, what it is for, the fields, and whether there is something in it to see at once."""
        return [
            (
                heading,
                what_for,
                [self[name] for name in names],
                any(self.data.get(n) or n in self.errors for n in names),
            )
            for heading, what_for, names in self.GROUPS
        ]


class ShareForm(CommandForm):
    """Offer an item to another party of the case, under terms that it has to accept first."""

    to = forms.ChoiceField(label="To")
    operations = forms.MultipleChoiceField(
        label="It may",
        choices=[(name, label) for name, label in OPERATIONS.items() if name != "share_on"],
        initial=["metadata", "search", "preview"],
        widget=forms.CheckboxSelectMultiple,
    )
    purpose = text("Purpose", "What the other party may use it for; it reads this.", most=500, needed=True)
    legal_basis = text("Legal basis", "Such as the agreement that allows it.", most=500)
    tlp = forms.ChoiceField(
        label="Marking (TLP 2.0)", choices=[(marking, marking) for marking in TLP if marking != "TLP:RED"]
    )
    expires_at = text("Until", f"Empty: until you revoke it. {_WHEN}", most=64, mono=True)

    def offer_to(self, parties: Iterable[Any], *, but: Collection[UUID] = ()) -> None:
        """Let the form choose among these parties."""
        choices = [(str(party.pk), party.name) for party in parties if party.pk not in but]
        self.fields["to"].choices = choices  # type: ignore[attr-defined]

    @property
    def has_choice(self) -> bool:
        """Whether there is a party to choose."""
        return bool(self.fields["to"].choices)  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """The terms as OfferShare takes them; a time that is none is refused."""
        told = {name: self.cleaned_data[name] for name in ("purpose", "legal_basis", "tlp")}
        until = instant(self.cleaned_data["expires_at"], "expires_at", "The time").utc
        operations = tuple(self.cleaned_data["operations"])
        return told | {"to": UUID(self.cleaned_data["to"]), "expires_at": until, "operations": operations}
