"""The one door: every change to a case, or to the parties of this host, goes through perform()."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from django.db import transaction

from cases import events, followers, knowledge, memory, opening, policy, projections
from cases.refusals import Invalid, Refused
from cases.rules import case, custody, parties, sharing
from cases.rules.acting import Actor
from cases.rules.shape import Command, Rules, to_fields
from ledger import jcs
from ledger.entries import Receipt
from ledger.errors import CommandIdReused, HeadMoved, NotCanonical, SignerRefuses, StaleStream
from ledger.log import Opened, open_for_writing

RULES: Rules = {**case.RULES, **custody.RULES, **parties.RULES, **sharing.RULES}


def perform(command: Command, *, actor: Actor) -> Receipt:
    """Do what `command` asks, or raise Refused and leave no trace.

    The same command again, by the same actor, returns the first receipt and does nothing.
    """
    with _in_plain_words(), transaction.atomic(durable=True):
        digest = _digest(command, actor)
        look, remembered = partial(_open, command, digest), memory.of(command.log)
        # The row lock on the log's head: one writer a log until commit.
        opened = look(command.streams, memory.since(remembered))
        if opened.receipt:
            return opened.receipt
        actor, opened, state = knowledge.gather(command, opened, actor, remembered, look)
        policy.check(command, state, actor)
        decided = RULES[type(command)](command, state, actor)
        if opened.log.size == 0:
            decided = [opening.log_opened(opened.log, actor), *decided]
        receipt = opened.log.append(
            [events.draft(event) for event in decided],
            party=actor.party,
            actor=actor.facts(),
            command_id=command.id,
            command_digest=digest,
            expect={command.subject: command.expect} if command.expect is not None else None,
        )
        # The same commit as the entries: a page never lags behind its own write.
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
    """What makes two commands the same: all that is asked, and by whom."""
    asked = to_fields(command) | {"of": type(command).__name__, "by": str(actor.member or actor.kind)}
    return hashlib.sha256(jcs.encode(asked)).hexdigest()


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
    except NotCanonical as error:
        raise Invalid("", error.sentence) from error
