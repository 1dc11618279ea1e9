"""A referral from nothing: the draft case that it needs, and the referral, by one wish of its sender."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from cases import knowledge, policy
from cases.intents import Authorship
from cases.models import Case, Party
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.acting import Actor
from cases.rules.case import CaseState, CreateCase
from cases.rules.known import Around, Known
from cases.rules.referral import SendReferral, send_referral
from ledger.entries import Receipt


def case_made_by(command: UUID) -> UUID:
    """The case that a referral from nothing makes: the same wish makes the same case."""
    return uuid5(command, "case")


def refer(
    command: SendReferral, *, actor: Actor, said: Mapping[str, Any], authorship: Authorship | None = None
) -> Receipt:
    """Make the draft that `command` names, of which `said` are the words, and send the referral from it.

    Two commands: a crash between them leaves a draft, and the same again goes on from there. What would be
    refused is so before there is a draft.
    """
    if not Case.objects.filter(pk=command.case).exists():
        _would_stand(command, actor, signed=authorship is not None)
    perform(CreateCase(id=uuid5(command.id, "create"), case=command.case, **said), actor=actor)
    return perform(command, actor=actor, authorship=authorship)


def _would_stand(command: SendReferral, actor: Actor, *, signed: bool) -> None:
    name, _ = knowledge.party_named(command.to) or (None, ())
    draft = Known(
        case=CaseState(status="draft", parts={actor.party: "lead"}),
        must_sign=Party.objects.get(pk=actor.party).signatures_required,
        around=Around(party_name=name, now=datetime.now(UTC)),
    )
    policy.check(command, draft, actor)
    send_referral(command, draft, actor)
    if draft.must_sign and not signed:
        raise Refused("signature-needed", "Your party wants this act signed with your own key.")
