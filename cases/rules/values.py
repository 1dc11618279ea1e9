"""Values that commands carry: what is accepted, and the sentence for what is not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from cases.refusals import Invalid

TLP = {
    "TLP:RED": "Named recipients only",
    "TLP:AMBER+STRICT": "The receiving party only",
    "TLP:AMBER": "The receiving party and its clients",
    "TLP:GREEN": "The community",
    "TLP:CLEAR": "No limit",
}
CATEGORIES = {
    "model_distillation": "Model distillation",
    "credential_abuse": "Credential abuse",
    "data_exfiltration": "Data exfiltration",
    "terms_of_service": "Terms-of-service breach",
    "other": "Other",
}
SEVERITIES = {"low": "Low", "medium": "Medium", "high": "High", "critical": "Critical"}
PARTS = {"lead": "Lead", "partner": "Partner", "observer": "Observer"}
ROLES = {
    "lead_investigator": "Lead investigator",
    "investigator": "Investigator",
    "custodian": "Custodian",
    "counsel": "Counsel",
    "viewer": "Viewer",
}
PARTY_KINDS = {
    "company": "Company",
    "regulator": "Regulator",
    "law_enforcement": "Law enforcement",
    "other": "Other",
}
ITEM_KINDS = {
    "log": "Log",
    "export": "Export",
    "capture": "Capture",
    "document": "Document",
    "image": "Image",
    "other": "Other",
}
EVERY_KIND = {**ITEM_KINDS, "physical": "Object"}
"""Also what is no file: it is recorded, never uploaded."""
KEY_PURPOSES = {"witness": "Witness", "member": "Member"}
KEY_KINDS = {"ed25519": "Ed25519", "webauthn": "Passkey"}
OPERATION_FOR = {"search": "search", "preview": "preview", "download": "download", "aggregate": "search"}
"""What a share must allow for each way of reading."""
HOW = {"search": "searched", "preview": "previewed", "download": "downloaded", "aggregate": "counted"}


@dataclass(frozen=True, kw_only=True)
class Instant:
    """A time as somebody wrote it, and the UTC instant that it names."""

    text: str = ""
    utc: datetime | None = None


def text(value: str, field: str, label: str, *, most: int, needed: bool = False) -> str:
    """`value` without outer blanks; refused when too long, missing though needed, or not storable."""
    value = value.strip()
    if needed and not value:
        raise Invalid(field, f"{label} is missing.")
    if len(value) > most:
        raise Invalid(field, f"{label} may have at most {most:,} characters; this one has {len(value):,}.")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Invalid(field, f"{label} holds a character that cannot be stored.")
    return value


def choice(value: str, field: str, label: str, among: Mapping[str, str]) -> str:
    """`value` when it is one of `among`."""
    if value not in among:
        raise Invalid(field, f"{label} must be one of {', '.join(among)}.")
    return value


def digest(value: str, field: str, label: str, *, size: int, needed: bool = True) -> str:
    """A hash in lower-case hex of exactly `size` bytes."""
    value = value.strip().lower()
    if not value and not needed:
        return ""
    if not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value):
        raise Invalid(field, f"{label} must be {2 * size} hexadecimal digits.")
    return value


def instant(value: str, field: str, label: str, *, needed: bool = False) -> Instant:
    """The raw text with its UTC instant; a time without its zone is refused, never guessed."""
    value = text(value, field, label, most=64, needed=needed)
    if not value:
        return Instant()
    try:
        read = datetime.fromisoformat(value)
        if read.tzinfo is None:
            raise Invalid(
                field, f"{label} needs its zone, such as 2026-02-08T10:44:10Z or 2026-02-08T11:44:10+01:00."
            )
        return Instant(text=value, utc=read.astimezone(UTC))
    except (ValueError, OverflowError):
        raise Invalid(field, f"{label} is not a time such as 2026-02-08T10:44:10Z.") from None
