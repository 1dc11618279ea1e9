"""All that a rule may know: folds of the streams that its command names, and a few answers about the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from cases.rules.case import CaseState
from cases.rules.custody import ItemState
from cases.rules.erasure import Recorded
from cases.rules.keys import KeyRing
from cases.rules.parties import MemberState, PartyState, TokenState
from cases.rules.shape import Event


@dataclass(frozen=True, kw_only=True)
class Around:
    """Answers from outside the command's own streams, read under the same lock."""

    next_number: int = 1
    free_reference: str = ""
    reference_taken: bool = False
    party_name: str | None = None
    name_taken: bool = False
    user_exists: bool = False
    user_taken: bool = False
    readable: Mapping[UUID, UUID] = field(default_factory=dict)
    """Of the items that an examination names: those whose content this actor's party may read, with their
    owner."""
    witnesses: tuple[str, ...] = ()
    """The witness keys, as lines to pin, of the party that joins a case."""
    host: str = ""
    rp_id: str | None = None
    origins: tuple[str, ...] | None = None
    """This host's name, and the site for which passkeys sign here."""
    key_taken: bool = False
    signers: bool = False
    """Whether a member that may act has a key in use."""
    act: tuple[Recorded, ...] = ()
    """The entries of the act that an erasure is about."""
    copied: tuple[Event, ...] = ()
    """Key events of the host log that a case's log is to be told."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a command is decided on."""

    case: CaseState = field(default_factory=CaseState)
    items: Mapping[UUID, ItemState] = field(default_factory=dict)
    party: PartyState = field(default_factory=PartyState)
    member: MemberState = field(default_factory=MemberState)
    token: TokenState = field(default_factory=TokenState)
    keyring: KeyRing = field(default_factory=KeyRing)
    must_sign: bool = False
    """Whether the actor's party wants its members to sign what binds it."""
    around: Around = field(default_factory=Around)
