"""All that a rule may know: folds of the streams that its command names, and a few answers about the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from cases.rules.case import CaseState
from cases.rules.custody import ItemState
from cases.rules.erasure import Recorded
from cases.rules.keys import KeyRing
from cases.rules.parties import MemberState, PartyState, TokenState
from cases.rules.referral_events import ReferralState
from cases.rules.shape import Event
from cases.rules.share_events import ShareState
from cases.rules.sharing import Held

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A share that ends as one of its sides leaves the case."""

    share: UUID
    giver: UUID
    receiver: UUID
    accepted: bool


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
    visible: frozenset[UUID] = frozenset()
    """Of the items that a command names: those that the actor may see now, by the wall."""
    readable: Mapping[tuple[UUID, str], UUID] = field(default_factory=dict)
    """Of the items that an examination names, each with its way of reading: those that the actor may read in
    this way now, with their owner."""
    held: Mapping[UUID, Held] = field(default_factory=dict)
    """Of the items that a share names: those that the actor sees."""
    markings: frozenset[str] = frozenset()
    """The markings of all items that a share is about, derived ones among them."""
    people: Mapping[UUID, UUID] = field(default_factory=dict)
    """Of the members that a share names: those that are active, with their party."""
    now: datetime = LONG_AGO
    """The time of the decision, where a rule asks for it."""
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
    awaited: bool = False
    """Whether the case waits for this party's answer to a referral."""
    seen_by: frozenset[UUID] = frozenset()
    """The parties of which somebody sees the item whose custody a command is about."""
    witness_party: UUID | None = None
    """The party of the active member that is to witness a disposal."""
    copies: tuple[UUID, ...] = ()
    """What was made from an item that is disposed of, and is there."""
    entry_by: UUID | None = None
    """The party that made the custody entry that is to be corrected; None where there is no such entry."""
    copied: tuple[Event, ...] = ()
    """Key events of the host log that a case's log is to be told."""
    ending: tuple[Ending, ...] = ()
    """The shares, offered or accepted, in which a party that leaves is a side."""
    holds_others: bool = False
    """Whether it holds an item that another party owns."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a command is decided on."""

    case: CaseState = field(default_factory=CaseState)
    items: Mapping[UUID, ItemState] = field(default_factory=dict)
    share: ShareState = field(default_factory=ShareState)
    referral: ReferralState = field(default_factory=ReferralState)
    party: PartyState = field(default_factory=PartyState)
    member: MemberState = field(default_factory=MemberState)
    token: TokenState = field(default_factory=TokenState)
    keyring: KeyRing = field(default_factory=KeyRing)
    must_sign: bool = False
    """Whether the actor's party wants its members to sign what binds it."""
    around: Around = field(default_factory=Around)
