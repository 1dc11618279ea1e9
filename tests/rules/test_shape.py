"""Commands and events as plain JSON, and back."""

from datetime import UTC, datetime
from uuid import uuid4

from cases import events
from cases.policy import POLICY
from cases.rules.case import LogOpened, PartyKeys
from cases.rules.custody_events import EvidenceMadeSearchable
from cases.rules.table import RULES
from ledger.entries import StoredEvent
from tests.rules.given import ITEM, NORTHWIND, acquired


def test_events_come_back_as_they_were() -> None:
    opened = LogOpened(
        origin="o", host_key_id="k", host_key="h", parties=(PartyKeys(party=NORTHWIND, name="N"),), policy="p"
    )
    searchable = EvidenceMadeSearchable(
        item=ITEM, format="csv", parser="csv", parser_version="1", lines=1, records=1, rejects=0,
        first_time=datetime(2026, 2, 8, 10, 44, 10, 123456, tzinfo=UTC), last_time=None,
    )  # fmt: skip
    for event in (opened, searchable, acquired()):
        assert type(event).of(event.fields()) == event
    assert searchable.fields()["first_time"] == "2026-02-08T10:44:10.123456Z"


def test_every_command_has_a_rule_and_a_row_in_the_policy() -> None:
    assert {command.__name__ for command in RULES} == set(POLICY)
    for command, rule in RULES.items():
        spaced = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in command.__name__)
        assert rule.__name__ == spaced.removeprefix("_")


def test_an_old_shape_is_read_as_todays(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def reason_came_later(fields: events.Fields) -> events.Fields:
        return {"reason": fields["why"]}

    monkeypatch.setattr(events.EVENTS["CaseClosed"], "schema", 2)
    monkeypatch.setitem(events.UPCASTERS, ("CaseClosed", 1), reason_came_later)
    stored = StoredEvent(
        log=uuid4(), index=4, stream="case", version=4, type="CaseClosed", schema=1, party=NORTHWIND,
        actor={}, command=uuid4(), recorded_at=datetime.now(UTC), fields={"why": "Done"},
    )  # fmt: skip
    assert events.read(stored).fields() == {"reason": "Done", "proposal": None}
