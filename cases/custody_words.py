"""What the custody of an item says to a person: offered, taken over, moved, ended, corrected."""

from collections.abc import Mapping
from uuid import UUID

from cases.rules import transfer_events as custody
from cases.rules.custody_events import ItemEvent


def did(event: ItemEvent, item: str, names: Mapping[UUID, str]) -> str | None:
    """The act in words, after the name of who did it; None for what is no act of custody."""
    if isinstance(event, custody.TransferEvent):
        giver, to = (names.get(party, "another party") for party in (event.party, event.to))
        return _transfer(event, item, giver, to)
    match event:
        case custody.EvidenceExtracted():
            what = "a redaction" if event.how == "redaction" else "an extract"
            return f"made {what} of {item}, E-{event.number}: {event.records:,} records"
        case custody.PhysicalItemStored():
            return f"took {item} into custody{_at(event.place)}{_under(event.seal)}"
        case custody.PhysicalItemMoved():
            return f"moved {item} to {event.place}{_under(event.seal)}: {event.reason}"
        case custody.EvidenceReleased():
            return f"released {item} to {event.recipient}: {event.reason}"
        case custody.DisposalProposed():
            return f"authorised the disposal of {item} by {event.method}: {event.reason}"
        case custody.DisposalCancelled():
            return f"called the disposal of {item} off: {event.reason}"
        case custody.EvidenceDisposed():
            return (
                f"witnessed the disposal of {item} by {event.method}, authorised by {event.authoriser_name}"
            )
        case custody.CustodyCorrected():
            return f"corrected entry {event.entry} of {item}: {event.text}"
    return None


def _transfer(event: custody.TransferEvent, item: str, giver: str, to: str) -> str | None:
    match event:
        case custody.CustodyTransferOffered(returns=None):
            return f"offered custody of {item} to {to}: {event.purpose}"
        case custody.CustodyTransferOffered():
            return f"offered {item} back to {to}: {event.purpose}"
        case custody.CustodyTransferAccepted():
            return f"accepted custody of {item} from {giver}{_at(event.place)}{_under(event.seal)}"
        case custody.CustodyTransferRefused(wrong=True):
            return f"refused custody of {item} for {to} by itself: {event.reason}"
        case custody.CustodyTransferRefused():
            return f"refused custody of {item} from {giver}: {event.reason}"
        case custody.CustodyTransferWithdrawn():
            return f"withdrew the offer of {item} to {to}: {event.reason}"
    return None


def _at(place: str) -> str:
    return f" at {place}" if place else ""


def _under(seal: str) -> str:
    return f" under seal {seal}" if seal else ""
