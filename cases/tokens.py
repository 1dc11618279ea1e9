"""API tokens: the secret is made here, shown once, and kept nowhere; the ledger holds its hash."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from cases.perform import perform
from cases.rules.acting import Actor
from cases.rules.parties import IssueToken

PREFIX = "cst_"  # lets scanners of leaked secrets recognise ours


def issue(*, member: UUID, label: str, lasting: timedelta, actor: Actor) -> str:
    """Issue a token to a member and return its secret, 256 random bits; nobody can ask for it again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    command = IssueToken(
        token=uuid4(),
        member=member,
        label=label,
        secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
        expires_at=datetime.now(UTC) + lasting,
    )
    perform(command, actor=actor)
    return secret
