"""Forms about the custody of an item: each says one act of one side."""

from collections.abc import Iterable
from typing import Any

from django import forms

from cases.rules.values import TLP
from web.forms.shape import CommandForm, prose, text

_WHY = "Both parties read it, and it stays."


def _condition() -> forms.CharField:
    return text("Condition", "Such as “whole, as sealed”.", most=500)


def _seal() -> forms.CharField:
    return text("Seal", "The number of the seal, where there is one.", most=100, mono=True)


def _place() -> forms.CharField:
    return text("Place", "Where it is or will be kept.")


class _AboutOffer(CommandForm):
    """An answer to one offer: the form keeps which."""

    offer = forms.UUIDField(widget=forms.HiddenInput)


class OfferForm(CommandForm):
    """Offer the item to a party that sees it."""

    to = forms.ChoiceField(label="To")
    purpose = text("Purpose", "What the custody is handed over for.", most=500, needed=True)
    condition = _condition()
    seal = _seal()
    place = _place()

    def choose(self, field: str, choices: Iterable[tuple[str, str]]) -> None:
        """Who can be chosen."""
        self.fields[field].choices = list(choices)  # type: ignore[attr-defined]


class ReturnForm(CommandForm):
    """Offer the item back to whom it came from."""

    purpose = text("Purpose", "Why it goes back.", most=500, needed=True)
    condition = _condition()
    seal = _seal()
    place = _place()


class AcceptForm(_AboutOffer):
    """Take the item over."""

    condition = _condition()
    seal = _seal()
    place = _place()


class RefuseForm(_AboutOffer):
    """Leave the item where it is."""

    reason = prose("Reason", _WHY, most=2_000, rows=2, needed=True)


class WithdrawForm(_AboutOffer):
    """Take the offer back."""

    reason = prose("Reason", _WHY, most=2_000, rows=2, needed=True)


class ReleaseForm(CommandForm):
    """Give the item to somebody outside."""

    recipient = text("Recipient", "A court, an authority, the person whose it is.", needed=True)
    reason = prose("Reason", "On which ground.", most=2_000, rows=2, needed=True)
    condition = _condition()
    seal = _seal()
    place = _place()


class DisposalForm(OfferForm):
    """Authorise that the item is destroyed."""

    to = None  # type: ignore[assignment]
    purpose = None  # type: ignore[assignment]
    condition = None  # type: ignore[assignment]
    seal = None  # type: ignore[assignment]
    place = None  # type: ignore[assignment]
    witness = forms.ChoiceField(label="Witness")
    method = text("Method", "How it is destroyed.", needed=True)
    reason = prose("Reason", "Why, and by which right.", most=2_000, rows=2, needed=True)
    remaining = prose(
        "Copies that remain", "Where else it is; say so where there is none.", most=2_000, rows=2, needed=True
    )


class DisposeForm(CommandForm):
    """The witness confirms."""

    disposal = forms.UUIDField(widget=forms.HiddenInput)


class CallOffForm(CommandForm):
    """Call a disposal off."""

    disposal = forms.UUIDField(widget=forms.HiddenInput)
    reason = prose("Reason", _WHY, most=2_000, rows=2, needed=True)


class CorrectForm(CommandForm):
    """Say what is wrong about an entry of one's own party."""

    entry = forms.IntegerField(label="Entry", min_value=0, max_value=2**53 - 1)
    text = prose("What is right", "The entry stays as it is; this stands beside it.", most=2_000, needed=True)


class MoveForm(CommandForm):
    """Where an object is kept from now on."""

    place = text("New place", needed=True)
    seal = _seal()
    reason = prose("Reason", "Why it was moved.", most=2_000, rows=2, needed=True)


class ExtractForm(CommandForm):
    """Selected records of an item as an item of its own."""

    title = text("Title", "What the extract is called.", needed=True)
    query = text("Query", "As in the search; empty means all records.", most=10_000, mono=True)
    columns = text("Columns to keep", "By name, with commas between; empty means all.", most=4_000, mono=True)
    masked = text(
        "Columns to mask", "Their values become [masked]; not together with the above.", most=4_000, mono=True
    )
    marking = forms.ChoiceField(label="Marking (TLP 2.0)", choices=[(one, one) for one in TLP])
    note = prose("Note", most=4_000, rows=2)

    def clean_columns(self) -> tuple[str, ...]:
        """The names, one by one."""
        return _names(self.cleaned_data["columns"])

    def clean_masked(self) -> tuple[str, ...]:
        """The names, one by one."""
        return _names(self.cleaned_data["masked"])


def _names(told: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in told.split(",") if name.strip()))


class ObjectForm(CommandForm):
    """An object that has no bytes."""

    title = text("What it is", "Such as “Laptop of the account’s owner”.", needed=True, full=True)
    barcode = text("Barcode", most=100, mono=True)
    seal = _seal()
    place = text("Storage place", "Where it is kept.")
    marking = forms.ChoiceField(
        label="Marking (TLP 2.0)", choices=[(one, one) for one in TLP], initial="TLP:AMBER"
    )
    acquired_by = text("Acquired by", "The person who took it, if that was not you.")
    acquired_at = text("Acquired at", "With its zone, such as 2026-02-08T10:44:10Z.", most=64, mono=True)
    method = text("Method", "Such as seized, handed in.")
    source_system = text("Where it comes from")
    legal_basis = text("Legal basis", most=500, full=True)
    note = prose("Note", most=4_000, rows=2)


def said_by(form: CommandForm) -> dict[str, Any]:
    """What a valid form says, without the command's id."""
    return {name: value for name, value in form.cleaned_data.items() if name != "command"}
