"""What a share allows, to whom, for how long and under which marking."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from cases.refusals import Invalid, Refused
from cases.rules import values
from cases.rules.shape import to_fields
from ledger import jcs

OPERATIONS: Mapping[str, str] = {
    "exists": "See that it exists",
    "metadata": "See its particulars and custody",
    "search": "Search and count its records",
    "preview": "Look at records and raw lines",
    "download": "Download its bytes",
    "export": "Export results from it",
    "share_on": "Share it on",
}
"""What may be done with an item, from the least to the most."""

SCOPES: Mapping[str, str] = {
    "items": "The items named",
    "case": "All items of the giver in this case, also those to come",
}
CODENAMES: Mapping[str, str] = {
    name: f"{'view' if name == 'metadata' else name}_evidenceitem" for name in OPERATIONS
}
"""The permission by which guardian knows each operation."""

MOST_ITEMS = 1_000
"""Items that one share names."""

MOST_NAMED = 200
"""Members that one share names."""

STRICTNESS: Mapping[str, int] = {marking: -place for place, marking in enumerate(values.TLP)}
"""TLP 2.0 from the strictest to the freest: a larger figure is stricter."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a share says. An empty `roles` and `members` means the whole receiving party."""

    scope: str = "items"
    items: tuple[UUID, ...] = ()
    roles: tuple[str, ...] = ()
    members: tuple[UUID, ...] = ()
    operations: tuple[str, ...] = ()
    purpose: str = ""
    legal_basis: str = ""
    agreement: str = ""
    tlp: str = "TLP:AMBER"
    not_before: datetime | None = None
    expires_at: datetime | None = None
    onward: bool = False
    watermark: bool = False
    summary: str = ""

    @classmethod
    def alone(cls, thing: "Terms") -> "Terms":
        """The terms alone of a command or event that carries them."""
        return Terms(**{name: getattr(thing, name) for name in NAMES})

    def plain(self) -> dict[str, Any]:
        """The terms alone, as plain JSON."""
        told = to_fields(self)
        return {name: told[name] for name in NAMES}

    @property
    def digest(self) -> str:
        """By which the receiver says which terms it accepts: SHA-256 of their canonical JSON."""
        return sha256(jcs.canonical(self.plain())).hexdigest()

    @property
    def allowed(self) -> frozenset[str]:
        """The operations with those that they need."""
        return closed(self.operations)


NAMES = tuple(field.name for field in fields(Terms))
CONTENT = frozenset({"search", "preview", "download", "export"})


def closed(operations: Iterable[str]) -> frozenset[str]:
    """Whoever may look into an item sees its particulars, and whoever sees them knows that it exists."""
    given = set(operations)
    if given & (CONTENT | {"share_on"}):
        given.add("metadata")
    if "metadata" in given:
        given.add("exists")
    return frozenset(given)


def checked(terms: Terms, *, now: datetime) -> None:
    """Refuse terms that cannot stand, whatever they are about. They are recorded word for word as they were
    signed, so a text with blanks around it is no other text."""
    values.choice(terms.scope, "scope", "The scope", SCOPES)
    _listed(terms)
    for name in terms.operations:
        values.choice(name, "operations", "An operation", OPERATIONS)
    if not terms.operations:
        raise Invalid("operations", "Say what the other party may do: at least one operation.")
    if ("share_on" in terms.operations) is not terms.onward:
        raise Invalid("onward", "Sharing on is an operation and a term: name both, or neither.")
    for name in terms.roles:
        values.choice(name, "roles", "A role", values.ROLES)
    values.text(terms.purpose, "purpose", "The purpose", most=500, needed=True)
    values.text(terms.legal_basis, "legal_basis", "The legal basis", most=500)
    values.text(terms.agreement, "agreement", "The agreement", most=200)
    values.text(terms.summary, "summary", "The summary", most=4_000)
    values.choice(terms.tlp, "tlp", "The marking", values.TLP)
    if terms.expires_at is not None and terms.expires_at <= now:
        raise Invalid("expires_at", "The expiry lies in the past.")
    if terms.not_before and terms.expires_at and terms.not_before >= terms.expires_at:
        raise Invalid("not_before", "The share would end before it begins.")
    if terms.tlp == "TLP:RED" and not (terms.members and not terms.roles):
        raise Refused("marked-red", "What is marked TLP:RED goes to named members only.", field="members")
    if terms.onward and STRICTNESS[terms.tlp] >= STRICTNESS["TLP:AMBER+STRICT"]:
        raise Refused("marked-strict", f"What is marked {terms.tlp} is not shared on.", field="onward")


def _listed(terms: Terms) -> None:
    if terms.scope == "items" and not terms.items:
        raise Invalid("items", "Name at least one item.")
    if terms.scope == "case" and terms.items:
        raise Invalid("items", "A share of the whole case names no items.")
    if len(terms.items) > MOST_ITEMS:
        raise Invalid("items", f"A share names at most {MOST_ITEMS:,} items.")
    if len(terms.members) > MOST_NAMED:
        raise Invalid("members", f"A share names at most {MOST_NAMED} members.")
    for name in ("items", "roles", "members", "operations"):
        told = getattr(terms, name)
        if len(set(told)) != len(told):
            raise Invalid(name, f"Something stands twice among the {name}.")
