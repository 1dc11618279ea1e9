"""Field types that the whole API shares: instants with their zone, choices in plain words, strict bodies."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from rest_framework import serializers
from rest_framework.utils import encoders

from cases.models.case import STATUSES
from cases.models.evidence import CUSTODY_KINDS, STATES
from cases.models.proposals import ANSWERS, ENDS, KINDS
from cases.rules import referral_events, share_events, share_terms, values

# Named, so that OpenAPI can name them too (SPECTACULAR_SETTINGS).
MARKINGS = list(values.TLP)
ITEM_STATES = list(STATES)
ITEM_KINDS = list(values.ITEM_KINDS)
EVERY_KIND = list(values.EVERY_KIND)
CASE_STATUSES = list(STATUSES)
STATUS_GOALS = ["open", "contained", "closed"]
CATEGORIES = list(values.CATEGORIES)
SEVERITIES = list(values.SEVERITIES)
PARTY_KINDS = list(values.PARTY_KINDS)
PARTS = list(values.PARTS)
NEW_PARTS = [part for part in PARTS if part != "lead"]
STEP_KINDS = list(CUSTODY_KINDS)
SHARE_STATUSES = list(share_events.STATUSES)
SHARE_SCOPES = list(share_terms.SCOPES)
OPERATIONS = list(share_terms.OPERATIONS)
ROLES = list(values.ROLES)
SIDES = ["given", "received"]
READINGS = [*values.HOW, "broken_off"]
REFERRAL_STATUSES = list(referral_events.STATUSES)
REFERRAL_SIDES = ["sent", "received"]
PROOF_STATES = ["recorded", "countersigned", "time-stamped"]
KEY_PURPOSES = list(values.KEY_PURPOSES)
KEY_KINDS = list(values.KEY_KINDS)
SHARE_ACTS = ["OfferShare", "ChangeShare", "AcceptShare", "RevokeShare"]
SIGNED_ACTS = [
    "CloseCase",
    "AgreeToClose",
    "DissentFromClosing",
    "ReopenCase",
    "PlaceLegalHold",
    "LiftLegalHold",
    "AddParty",
    "ConsentToParty",
    "ObjectToParty",
    "OfferLead",
    "AcceptLead",
    "RefuseLead",
    "WithdrawProposal",
    "LeaveCase",
    *SHARE_ACTS,
]
PROPOSAL_KINDS = list(KINDS)
PROPOSAL_STATES = list(ENDS)
ANSWERS_GIVEN = list(ANSWERS)
SIGNED_KEY_ACTS = ["RevokeKey", "RequireSignatures"]


class Instant(serializers.DateTimeField):
    """An instant. In: RFC 3339 with its zone stated. Out: UTC, microseconds, Z."""

    default_error_messages = {
        "invalid": "A time as in RFC 3339, please: 2026-02-08T10:44:10Z.",
        "naive": "State the zone of this time, as in 2026-02-08T10:44:10Z or 2026-02-08T11:44:10+01:00.",
        "overflow": "This time is out of range.",
    }

    def enforce_timezone(self, value: datetime) -> datetime:
        """A time without its zone is refused; it is never guessed."""
        if value.tzinfo is None:
            self.fail("naive")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fail("overflow")

    def to_representation(self, value: Any) -> Any:
        """UTC with microseconds and Z."""
        if value is None or isinstance(value, str):
            return value
        return instant_text(value)


def instant_text(value: datetime) -> str:
    """The one way in which this API writes an instant."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class PlainChoice(serializers.ChoiceField):
    """A choice that is also understood with spaces, hyphens or other case:
    "Model distillation" is model_distillation."""

    def to_internal_value(self, data: Any) -> Any:
        """The stored spelling of the choice."""
        if isinstance(data, str) and data not in self.choices:
            data = data.strip().lower().replace("-", "_").replace(" ", "_")
        return super().to_internal_value(data)


class Marking(serializers.ChoiceField):
    """A TLP 2.0 label, with or without its prefix."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=MARKINGS, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        """The label with its prefix, in capitals."""
        if isinstance(data, str):
            data = data.strip().upper()
            data = data if data.startswith("TLP:") else f"TLP:{data}"
        return super().to_internal_value(data)


class StrictSerializer(serializers.Serializer[Any]):
    """A body in which a name that nobody reads is an error:
    a misspelt `sha256` must not pass for one that was checked."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated fields; raises where the body names something unknown."""
        if isinstance(data, Mapping):
            writable = [name for name, one in self.fields.items() if not one.read_only]
            unknown = sorted(str(name) for name in set(data) - set(writable))
            if unknown:
                known = ", ".join(writable)
                raise serializers.ValidationError(
                    {name: [f"Nothing here reads this field. Known are: {known}."] for name in unknown}
                )
        return super().to_internal_value(data)


class JsonEncoder(encoders.JSONEncoder):
    """JSON with instants as this API writes them."""

    def default(self, obj: Any) -> Any:
        """Instants in UTC with microseconds; the rest as REST framework has it."""
        if isinstance(obj, datetime):
            return instant_text(obj) if obj.tzinfo else instant_text(obj.replace(tzinfo=UTC))
        if isinstance(obj, date):
            return obj.isoformat()
        return super().default(obj)
