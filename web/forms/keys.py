"""Forms about keys."""

import re

from django import forms

from web.forms.shape import CommandForm, prose, text


class NewKeyForm(CommandForm):
    """The public half of an Ed25519 key that a member made on its own machine."""

    name = text("Name", "For yourself, such as “Laptop” or “Safe, 3rd floor”.", most=80)
    public = forms.CharField(
        label="Public key",
        help_text="The line “public” that the command printed, 64 hexadecimal digits.",
        max_length=1_000,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}),
    )

    def clean_public(self) -> str:
        """The hexadecimal digits, also out of all that `keygen` prints."""
        given = str(self.cleaned_data["public"]).strip().lower()
        named = re.search(r"\bpublic\s+([0-9a-f]{64})\b", given)
        found = named or re.fullmatch(r"([0-9a-f]{64})", given)
        if found is None:
            raise forms.ValidationError("This is no Ed25519 public key: it has 64 hexadecimal digits.")
        return found[1]


class NewWitnessForm(NewKeyForm):
    """The public half of a witness's key."""

    name = text(
        "Name of the witness",
        "Without blanks, such as “example.org/witness”: it stands in each countersignature.",
        most=120,
        needed=True,
    )


class RevokeForm(CommandForm):
    """The end of a key."""

    reason = prose("Reason", most=2_000, rows=2, needed=True)
