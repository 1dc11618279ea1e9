"""The one door: every change to a case, or to the parties of this host, goes through perform()."""

import hmac
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from django.db import transaction

from cases import copies, erasing, events, followers, intents, knowledge, memory, opening, policy, projections
from cases.intents import Authorship
from cases.refusals import Invalid, Refused
from cases.rules.acting import Actor
from cases.rules.key_events import key_stream
from cases.rules.shape import CaseCommand, Command, to_fields
from cases.rules.table import RULES
from ledger import jcs
from ledger.entries import Receipt
from ledger.errors import (
    CommandIdReused,
    HeadMoved,
    LeafTooLarge,
    NotCanonical,
    NotErasable,
    SignerRefuses,
    StaleStream,
)
from ledger.host import command_key
from ledger.log import Opened, open_for_writing


def perform(command: Command, *, actor: Actor, authorship: Authorship | None = None) -> Receipt:
    """Do what `command` asks, or raise Refused and leave no trace.

    The same command again, by the same actor, returns the first receipt and does nothing. `authorship` is the
    member's own signature over the command, for those in policy.BINDING; it stands in the entry of the act.
    """
    with _in_plain_words():
        if authorship is not None:
            # Before any lock is taken: signatures take time, and the keys go into the case's log first.
            intents.check_signature(command, authorship, actor=actor)
            if isinstance(command, CaseCommand):
                copies.bring(command.case, actor.party, perform)
        with transaction.atomic(durable=True):
            return _perform(command, actor, authorship)


def _perform(command: Command, actor: Actor, authorship: Authorship | None) -> Receipt:
    digest = _digest(command, actor)
    look, remembered = partial(_open, command, digest), memory.of(command.log)
    own_keys = {key_stream(actor.party)} - set(command.streams) if authorship else ()
    # The row lock on the log's head: one writer a log until commit.
    opened = look((*command.streams, *own_keys), memory.since(remembered))
    if opened.receipt:
        return opened.receipt
    actor, opened, state = knowledge.gather(command, opened, actor, remembered, look)
    policy.check(command, state, actor)
    intents.admit(command, authorship, state)
    drafts = [events.draft(event) for event in RULES[type(command)](command, state, actor)]
    if authorship is not None:
        drafts[0] = intents.signed(drafts[0], command, authorship)
    if opened.log.size == 0:
        drafts = [events.draft(opening.log_opened(opened.log, actor)), *drafts]
    receipt = opened.log.append(
        drafts,
        party=actor.party,
        actor=actor.facts(),
        command_id=command.id,
        command_digest=digest,
        expect={command.subject: command.expect} if command.expect is not None else None,
    )
    # The same commit as the entries: a page never lags behind its own write, and never shows what it erased.
    erasing.carry_out(receipt.events)
    projections.apply(receipt.events)
    followers.take_up(receipt.events)
    return receipt


def _open(command: Command, digest: str, streams: Iterable[str], since: Mapping[str, int]) -> Opened:
    return open_for_writing(
        command.log,
        kind=command.kind,
        command_id=command.id,
        command_digest=digest,
        streams=list(streams),
        since=since,
    )


def _digest(command: Command, actor: Actor) -> str:
    """What makes two commands the same: all that is asked, and by whom. A signature is left out on purpose:
    who tries again may have signed again. Under a key, so that nobody who holds the database alone can test
    guesses of what was asked, erased words among it."""
    asked = to_fields(command) | {"of": type(command).__name__, "by": str(actor.member or actor.kind)}
    return hmac.digest(command_key(), jcs.encode(asked), "sha256").hex()


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """The ledger's own refusals, as the doors know them."""
    try:
        yield
    except CommandIdReused as error:
        raise Refused("command-id-reused", error.sentence) from error
    except StaleStream as error:
        raise Refused(
            "stale", "Somebody has changed this meanwhile. Look at it again, then decide."
        ) from error
    except (SignerRefuses, HeadMoved) as error:
        raise Refused("log-in-doubt", error.sentence, status=503) from error
    except NotErasable as error:
        raise Refused("not-erasable", error.sentence) from error
    except LeafTooLarge as error:
        raise Refused("signature-wrong", error.sentence, status=422, field="authorship") from error
    except NotCanonical as error:
        raise Invalid("", error.sentence) from error
