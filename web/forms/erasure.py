"""The form that erases values of an entry."""

from django import forms

from cases.rules.erasure import ERASABLE
from web.forms.shape import CommandForm, prose

NAMES = dict.fromkeys(name for names in ERASABLE.values() for name in names)


class EraseForm(CommandForm):
    """Which values, and why. The values themselves are drawn by the page, which has them."""

    names = forms.MultipleChoiceField(label="What to erase", choices=[(name, name) for name in NAMES])
    reason = prose(
        "Reason",
        "It stays in the ledger for everybody who may read this entry, so do not repeat the value here.",
        most=2_000,
        rows=2,
        needed=True,
    )
