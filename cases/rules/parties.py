"""Parties, members and tokens: who exists on this host."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Invalid, Refused, Unseen
from cases.rules import values
from cases.rules.shape import LOG_STREAM, Event, HostCommand, Rules

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known


def party_stream(party: UUID) -> str:
    return f"party/{party}"


def member_stream(member: UUID) -> str:
    return f"member/{member}"


def token_stream(token: UUID) -> str:
    return f"token/{token}"


# Commands


@dataclass(frozen=True, kw_only=True)
class RegisterParty(HostCommand):
    """Add an organisation to this host."""

    party: UUID
    name: str
    short_name: str
    kind_of_party: str = "company"

    @property
    def streams(self) -> tuple[str, ...]:
        return (LOG_STREAM, party_stream(self.party))


@dataclass(frozen=True, kw_only=True)
class AdmitMember(HostCommand):
    """Let a user act for a party, in one role."""

    member: UUID
    party: UUID
    user_id: int
    name: str
    email: str = ""
    role: str
    title: str = ""

    @property
    def streams(self) -> tuple[str, ...]:
        return (party_stream(self.party), member_stream(self.member))


@dataclass(frozen=True, kw_only=True)
class _AboutMember(HostCommand):
    member: UUID

    @property
    def streams(self) -> tuple[str, ...]:
        return (member_stream(self.member),)


@dataclass(frozen=True, kw_only=True)
class DisableMember(_AboutMember):
    """Stop a member from acting, from this commit on."""


@dataclass(frozen=True, kw_only=True)
class EnableMember(_AboutMember):
    """Let a disabled member act again."""


@dataclass(frozen=True, kw_only=True)
class IssueToken(_AboutMember):
    """Give a member an API token; only the hash of its secret is ever stored."""

    token: UUID
    label: str = ""
    secret_sha256: str
    expires_at: datetime

    @property
    def streams(self) -> tuple[str, ...]:
        return (member_stream(self.member), token_stream(self.token))


@dataclass(frozen=True, kw_only=True)
class RevokeToken(HostCommand):
    """End an API token at once."""

    token: UUID

    @property
    def streams(self) -> tuple[str, ...]:
        return (token_stream(self.token),)


# Events


@dataclass(frozen=True, kw_only=True)
class PartyRegistered(Event):
    party: UUID
    name: str
    short_name: str
    kind: str

    @property
    def stream(self) -> str:
        return party_stream(self.party)


@dataclass(frozen=True, kw_only=True)
class MemberAdmitted(Event):
    member: UUID
    party: UUID
    user_id: int
    name: str
    email: str
    role: str
    title: str

    @property
    def stream(self) -> str:
        return member_stream(self.member)


@dataclass(frozen=True, kw_only=True)
class _MemberEvent(Event):
    member: UUID

    @property
    def stream(self) -> str:
        return member_stream(self.member)


@dataclass(frozen=True, kw_only=True)
class MemberDisabled(_MemberEvent):
    pass


@dataclass(frozen=True, kw_only=True)
class MemberEnabled(_MemberEvent):
    pass


@dataclass(frozen=True, kw_only=True)
class TokenIssued(Event):
    token: UUID
    member: UUID
    label: str
    secret_sha256: str
    expires_at: datetime

    @property
    def stream(self) -> str:
        return token_stream(self.token)


@dataclass(frozen=True, kw_only=True)
class TokenRevoked(Event):
    token: UUID
    member: UUID

    @property
    def stream(self) -> str:
        return token_stream(self.token)


# State


@dataclass(frozen=True, kw_only=True)
class PartyState:
    """One party, as its stream tells."""

    exists: bool = False
    name: str = ""

    def after(self, event: Event) -> "PartyState":
        return PartyState(exists=True, name=event.name) if isinstance(event, PartyRegistered) else self


@dataclass(frozen=True, kw_only=True)
class MemberState:
    """One member, as its stream tells."""

    exists: bool = False
    active: bool = False
    party: UUID | None = None

    def after(self, event: Event) -> "MemberState":
        match event:
            case MemberAdmitted():
                return MemberState(exists=True, active=True, party=event.party)
            case MemberDisabled():
                return replace(self, active=False)
            case MemberEnabled():
                return replace(self, active=True)
        return self


@dataclass(frozen=True, kw_only=True)
class TokenState:
    """One token, as its stream tells."""

    exists: bool = False
    revoked: bool = False
    member: UUID | None = None

    def after(self, event: Event) -> "TokenState":
        match event:
            case TokenIssued():
                return TokenState(exists=True, member=event.member)
            case TokenRevoked():
                return replace(self, revoked=True)
        return self


# Rules


def register_party(command: RegisterParty, state: "Known", actor: "Actor") -> Sequence[Event]:
    if state.party.exists:
        raise Refused("party-exists", "This party is registered already.")
    name = values.text(command.name, "name", "The party's name", most=120, needed=True)
    short = values.text(command.short_name, "short_name", "The short name", most=24, needed=True)
    kind = values.choice(command.kind_of_party, "kind", "The kind of party", values.PARTY_KINDS)
    if state.around.name_taken:
        raise Refused("name-taken", "Another party has this name or short name.", field="name")
    return [PartyRegistered(party=command.party, name=name, short_name=short, kind=kind)]


def admit_member(command: AdmitMember, state: "Known", actor: "Actor") -> Sequence[Event]:
    if not state.party.exists:
        raise Unseen
    if state.member.exists or state.around.user_taken:
        raise Refused("member-exists", "This user is a member already; a user acts for one party only.")
    if not state.around.user_exists:
        raise Invalid("user_id", "There is no such user on this host.")
    return [
        MemberAdmitted(
            member=command.member,
            party=command.party,
            user_id=command.user_id,
            name=values.text(command.name, "name", "The member's name", most=120, needed=True),
            email=values.text(command.email, "email", "The e-mail address", most=254),
            role=values.choice(command.role, "role", "The role", values.ROLES),
            title=values.text(command.title, "title", "The title", most=120),
        )
    ]


def disable_member(command: DisableMember, state: "Known", actor: "Actor") -> Sequence[Event]:
    if not state.member.exists:
        raise Unseen
    if not state.member.active:
        raise Refused("already-disabled", "This member is disabled already.")
    return [MemberDisabled(member=command.member)]


def enable_member(command: EnableMember, state: "Known", actor: "Actor") -> Sequence[Event]:
    if not state.member.exists:
        raise Unseen
    if state.member.active:
        raise Refused("already-active", "This member is active already.")
    return [MemberEnabled(member=command.member)]


def issue_token(command: IssueToken, state: "Known", actor: "Actor") -> Sequence[Event]:
    if not state.member.exists:
        raise Unseen
    if not state.member.active:
        raise Refused("member-disabled", "A disabled member gets no token.")
    if state.token.exists:
        raise Refused("token-exists", "This token was issued already.")
    return [
        TokenIssued(
            token=command.token,
            member=command.member,
            label=values.text(command.label, "label", "The label", most=80),
            secret_sha256=values.digest(command.secret_sha256, "secret_sha256", "The secret's hash", size=32),
            expires_at=command.expires_at,
        )
    ]


def revoke_token(command: RevokeToken, state: "Known", actor: "Actor") -> Sequence[Event]:
    if not state.token.exists or state.token.member is None:
        raise Unseen
    if state.token.revoked:
        raise Refused("already-revoked", "This token is revoked already.")
    return [TokenRevoked(token=command.token, member=state.token.member)]


RULES: Rules = {
    RegisterParty: register_party,
    AdmitMember: admit_member,
    DisableMember: disable_member,
    EnableMember: enable_member,
    IssueToken: issue_token,
    RevokeToken: revoke_token,
}
EVENTS = (PartyRegistered, MemberAdmitted, MemberDisabled, MemberEnabled, TokenIssued, TokenRevoked)
