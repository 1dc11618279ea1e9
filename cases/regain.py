"""A case that comes back after its database was put back to an older state: the leaves from a party's mirror,
then what they mean, then the pages. Until the last step is done the log is held and nothing is recorded.

Nobody's word is taken for anything here: leaves must lead to a root that this host has signed, an opening
must be the one that was sealed. So every party of the case may give back, and none can bring in.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import ObjectDoesNotExist

from cases import erasing, followers, reads
from cases.givenback import Stage
from cases.models import Case
from cases.rebuilding import Progress, rebuild
from cases.refusals import Invalid, Refused
from cases.rules.acting import Actor
from cases.rules.erasure import ValuesErased
from ledger import holding, reading, refeeding
from ledger.entries import Opening
from ledger.errors import SignerRefuses, VerificationError
from ledger.jcs import Json
from ledger.models import Opening as OpeningRow
from ledger.signing import parse_checkpoint

PAGE = 256
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Regained:
    """Where a log that is coming back stands: its size, the entries whose opening is still missing, and why
    nothing is written to it yet; None where all is well."""

    size: int
    missing: int
    first_missing: int | None
    doubt: str | None


def show(actor: Actor, case: Case, note: str) -> Regained:
    """A party's witness shows the newest checkpoint that it has seen. Where the log does not show it, writing
    stops until that is resolved."""
    holding.recall(case.pk, note)
    return standing(case.pk)


def put(actor: Actor, case: Case, body: bytes, *, start: int) -> int:
    """Leaves from a mirror, kept until their checkpoint comes; the index that comes next."""
    lines = body.split(b"\n")
    if lines.pop() or not lines or len(lines) > PAGE:
        raise Invalid("", f"1 to {PAGE} lines, please, each a leaf with a newline at its end.")
    head = reads.ledger_head(actor, case)
    if holding.doubt_of(case.pk) is None:
        raise Refused(
            "nothing-missing",
            "As far as this host knows the log lacks nothing. Show the newest checkpoint you have first.",
        )
    origin = parse_checkpoint(head.checkpoint_text).origin
    return Stage(case.pk, actor.party).put(lines, origin=origin, start=start, size=head.size)


def take_back(actor: Actor, case: Case, note: str) -> Regained:
    """What the actor's party has given back is written, up to the checkpoint that this host once signed."""
    stage = Stage(case.pk, actor.party)
    start, leaves = stage.leaves()
    refeeding.refeed(case.pk, leaves, note, start=start)
    stage.clear()
    finish(case.pk)
    return standing(case.pk)


def open_again(actor: Actor, case: Case, body: bytes) -> Regained:
    """Openings as a bundle has them, one a line; those that are here already are passed over.

    One with hidden fields is taken where an entry, here or given along, says that they were erased; else it
    is passed over, for only a whole one can be written.
    """
    given = openings_of(body)
    erased = _erased(case.pk, given)
    whole = {
        index: one.opening
        for index, one in given.items()
        if one.hidden == frozenset(erased.get(index, {}).values())
    }
    refeeding.reopen(case.pk, whole, erased=erased)
    finish(case.pk)
    return standing(case.pk)


def standing(log_id: UUID) -> Regained:
    """Where a log stands now."""
    head, missing = reading.head(log_id), refeeding.lost_openings(log_id)
    return Regained(
        size=head.size if head else 0,
        missing=len(missing),
        first_missing=missing[0] if missing else None,
        doubt=holding.doubt_of(log_id),
    )


def finish(log_id: UUID, progress: Progress = lambda done, total: None) -> bool:
    """Once every opening is back, make the pages anew, queue the work that came back, and let writing go on.

    Repeatable: a crash leaves the log held, and the sweep does it again.
    """
    hold = holding.hold_of(log_id)
    if hold is None or not hold.regaining or refeeding.lost_openings(log_id):
        return False
    first = refeeding.regained_from(log_id)
    back = list(reading.read_events(log_id, after=first - 1)) if first is not None else []
    with transaction.atomic():
        # The backup, or an older bundle, brought values back that were erased since.
        erasing.carry_out(back)
    try:
        rebuild(progress)
    except (IntegrityError, ObjectDoesNotExist, LookupError) as error:
        raise Refused(
            "pages-behind",
            "The entries are back, but the pages cannot be made from them: they speak of parties or members"
            " that this host's own log does not know any more. Its operator has to bring those back first.",
            status=503,
        ) from error
    with transaction.atomic():
        followers.take_up(back)
    holding.end_regaining(log_id)
    return True


def finish_all() -> None:
    """Finish whatever a crash left half done; what cannot be finished yet is told in the log and stays."""
    for log_id in holding.held_logs():
        try:
            finish(log_id)
        except (Refused, SignerRefuses) as error:
            _log.warning("The log %s is still held. %s", log_id, error.sentence)


def give_up(log_id: UUID) -> None:
    """The operator's explicit word: the log goes on as it stands, without what is missing."""
    refeeding.go_on_from_here(log_id)


@dataclass(frozen=True)
class Given:
    """An opening as a party gives it; `hidden` are the digests of the fields that it does not show."""

    opening: Opening
    hidden: frozenset[str]


def openings_of(body: bytes) -> dict[int, Given]:
    """The openings in the lines of an openings.jsonl, by index."""
    lines = body.split(b"\n")
    if lines.pop() or not lines:
        raise Invalid("", "Openings come one a line, each with a newline at its end.")
    found: dict[int, Given] = {}
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
            index, hidden = value["i"], frozenset(str(one) for one in value["hidden"])
            opening = {name: _pair(given) for name, given in value["fields"].items()}
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Invalid("", f"Line {number} is no opening as in a bundle's openings.jsonl.") from error
        if type(index) is not int:
            raise Invalid("", f"Line {number} does not say which entry it opens.")
        if index in found:
            raise VerificationError(f"Entry {index} is opened twice.")
        found[index] = Given(opening, hidden)
    return found


def _erased(log_id: UUID, given: Mapping[int, Given]) -> dict[int, dict[str, str]]:
    """Which hidden digests stand for erased fields, by entry and name: as the log tells, or an entry given
    along that still lacks its opening, which is then checked like any other before anything is written."""
    if not any(one.hidden for one in given.values()):
        return {}
    told: list[Any] = list(
        OpeningRow.objects.filter(log=log_id, type=ValuesErased.__name__).values_list("body", flat=True)
    )
    for index in refeeding.lost_openings(log_id):
        body = {name: value for name, (_, value) in given[index].opening.items()} if index in given else {}
        if body.get("type") == ValuesErased.__name__:
            told.append(body)
    found: dict[int, dict[str, str]] = {}
    for body in told:
        try:
            pairs = dict(zip(body["names"], body["digests"], strict=True))
            wanted = {str(name): str(digest) for name, digest in pairs.items()}
            found.setdefault(body["entry"], {}).update(wanted)
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid("", "An entry that says what was erased is given in another form.") from error
    return {
        index: {name: digest for name, digest in found.get(index, {}).items() if digest in one.hidden}
        for index, one in given.items()
        if one.hidden
    }


def _pair(given: Any) -> tuple[str, Json]:
    if not isinstance(given, list):
        raise TypeError("a salt and a value in a list")
    salt, value = given
    if not isinstance(salt, str):
        raise TypeError("a salt is a text in hex")
    return salt, value
