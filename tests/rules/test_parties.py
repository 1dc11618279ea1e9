"""Who exists on the host."""

from datetime import UTC, datetime

from cases.rules.known import Around
from cases.rules.parties import (
    AdmitMember,
    DisableMember,
    EnableMember,
    IssueToken,
    MemberAdmitted,
    MemberDisabled,
    MemberEnabled,
    PartyRegistered,
    RegisterParty,
    RevokeToken,
    TokenIssued,
    TokenRevoked,
)
from tests.rules.given import ALICE, BOB, NORTHWIND, OLGA, SHA, decide, name, refused

REGISTERED = PartyRegistered(party=NORTHWIND, name="Northwind AI", short_name="Northwind", kind="company")
ADMITTED = MemberAdmitted(
    member=name("alice"),
    party=NORTHWIND,
    user_id=1,
    name="Alice",
    email="",
    role="lead_investigator",
    title="",
)
LATER = datetime(2027, 1, 1, tzinfo=UTC)
TOKEN = name("token")
ISSUED = TokenIssued(token=TOKEN, member=name("alice"), label="", secret_sha256=SHA, expires_at=LATER)
THERE = Around(user_exists=True)


def test_register_party() -> None:
    command = RegisterParty(party=NORTHWIND, name="Northwind AI", short_name="Northwind")
    assert decide([], command, OLGA) == [REGISTERED]
    refused("party-exists", [REGISTERED], command, OLGA)
    refused("name-taken", [], command, OLGA, Around(name_taken=True))
    refused("role", [], command, ALICE)
    refused("invalid", [], RegisterParty(party=NORTHWIND, name="", short_name="N"), OLGA)
    refused(
        "invalid", [], RegisterParty(party=NORTHWIND, name="N", short_name="N", kind_of_party="gang"), OLGA
    )


def test_admit_member() -> None:
    command = AdmitMember(
        member=name("alice"), party=NORTHWIND, user_id=1, name="Alice", role="lead_investigator"
    )
    assert decide([REGISTERED], command, OLGA, THERE) == [ADMITTED]
    refused("not-found", [], command, OLGA, THERE)
    refused("member-exists", [REGISTERED, ADMITTED], command, OLGA, THERE)
    refused("member-exists", [REGISTERED], command, OLGA, Around(user_exists=True, user_taken=True))
    assert refused("invalid", [REGISTERED], command, OLGA).field == "user_id"
    king = AdmitMember(member=name("alice"), party=NORTHWIND, user_id=1, name="Alice", role="king")
    assert refused("invalid", [REGISTERED], king, OLGA, THERE).field == "role"


def test_disable_member() -> None:
    command = DisableMember(member=name("alice"))
    assert decide([ADMITTED], command, OLGA) == [MemberDisabled(member=name("alice"))]
    refused("already-disabled", [ADMITTED, MemberDisabled(member=name("alice"))], command, OLGA)
    refused("not-found", [], command, OLGA)


def test_enable_member() -> None:
    command = EnableMember(member=name("alice"))
    disabled = [ADMITTED, MemberDisabled(member=name("alice"))]
    assert decide(disabled, command, OLGA) == [MemberEnabled(member=name("alice"))]
    refused("already-active", [ADMITTED], command, OLGA)
    refused("not-found", [], command, OLGA)


def test_issue_token() -> None:
    command = IssueToken(token=TOKEN, member=name("alice"), secret_sha256=SHA, expires_at=LATER)
    assert decide([ADMITTED], command, OLGA) == [ISSUED]
    assert decide([ADMITTED], command, ALICE) == [ISSUED]
    refused("not-found", [ADMITTED], command, BOB)
    refused("not-found", [], command, OLGA)
    refused("token-exists", [ADMITTED, ISSUED], command, OLGA)
    refused("member-disabled", [ADMITTED, MemberDisabled(member=name("alice"))], command, OLGA)
    short = IssueToken(token=TOKEN, member=name("alice"), secret_sha256="abc", expires_at=LATER)
    refused("invalid", [ADMITTED], short, OLGA)


def test_revoke_token() -> None:
    command = RevokeToken(token=TOKEN)
    assert decide([ISSUED], command, ALICE) == [TokenRevoked(token=TOKEN, member=name("alice"))]
    refused("not-found", [ISSUED], command, BOB)
    refused("not-found", [], command, OLGA)
    refused("already-revoked", [ISSUED, TokenRevoked(token=TOKEN, member=name("alice"))], command, OLGA)
