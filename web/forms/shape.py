"""What all forms share: the command id, sensible attributes, and a refusal set beside its field."""

from typing import Any

from django import forms
from django.http import QueryDict

from cases.refusals import Refused
from web.door import new_command


class CommandForm(forms.Form):
    """A form that asks for one command. Its hidden id gives a second press no second effect."""

    command = forms.UUIDField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["command"].initial = new_command
        for field in self.fields.values():
            field.error_messages["required"] = f"{field.label} is missing."

    def refused(self, refused: Refused) -> None:
        """Put a refusal where it belongs. The next press is a new wish, so the form gets a new command id."""
        field = refused.field if refused.field in self.fields else None
        self.add_error(field, refused.sentence)
        if isinstance(self.data, QueryDict):
            again = self.data.copy()
            again[self.add_prefix("command")] = str(new_command())
            self.data = again


class Prose(forms.CharField):
    """Text of several lines, each ended by a newline alone: a browser's script and its form differ there."""

    def to_python(self, value: Any) -> Any:
        said = super().to_python(value)
        return said.replace("\r\n", "\n") if isinstance(said, str) else said


def text(
    label: str,
    help_text: str = "",
    *,
    most: int = 200,
    needed: bool = False,
    full: bool = False,
    mono: bool = False,
) -> forms.CharField:
    """One line of text."""
    attrs: dict[str, Any] = {"autocomplete": "off"}
    if full:
        attrs["full"] = "full"
    if mono:
        attrs.update({"class": "mono", "spellcheck": "false"})
    return forms.CharField(
        label=label,
        help_text=help_text,
        max_length=most,
        required=needed,
        widget=forms.TextInput(attrs=attrs),
    )


def prose(
    label: str, help_text: str = "", *, most: int, rows: int = 3, needed: bool = False
) -> forms.CharField:
    """Several lines of text."""
    return Prose(
        label=label,
        help_text=help_text,
        max_length=most,
        required=needed,
        widget=forms.Textarea(attrs={"rows": rows}),
    )
