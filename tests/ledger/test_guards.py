"""What the database itself refuses, to the app's role by its rights and to the owner by triggers."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import IntegrityError, ProgrammingError, connections, transaction

from ledger import reading
from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.models import LogHead
from ledger.verify import verify_log
from tests.ledger.conftest import TABLES, Witness, Writer, draft

APPEND_ONLY = [table for table in TABLES if table != "ledger_head"]
CHANGES = [f"UPDATE {table} SET log = log" for table in APPEND_ONLY] + [
    statement for table in TABLES for statement in (f"DELETE FROM {table}", f"TRUNCATE {table}")
]


@pytest.fixture
def log(writer: Writer) -> Iterator[Writer]:
    """A log of three entries; it must be whole when the test is done."""
    writer.grow([1, 2])
    witness = Witness("contoso.example/w")
    add_cosignatures(writer.log, witness.cosign(checkpoint_note(writer.log)), [witness.key.vkey], size=3)
    yield writer
    assert verify_log(writer.log) == []
    assert reading.head(writer.log).size == 3  # type: ignore[union-attr]


def execute(alias: str, *statements: str, **parameters: UUID | int) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters)


@pytest.mark.parametrize("statement", CHANGES)
def test_the_app_role_has_no_right_to_change_the_ledger(log: Writer, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        execute("default", statement)


@pytest.mark.parametrize("statement", CHANGES)
def test_triggers_refuse_the_owner_too(log: Writer, statement: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        execute("owner", statement)


def test_no_session_setting_switches_the_guards_off(log: Writer) -> None:
    for setting in ("pgtrigger.ignore = 'append_only,head_forward,head_backed'", "row_security = off"):
        with pytest.raises(IntegrityError, match="append-only"):
            execute("owner", f"SET LOCAL {setting}", "DELETE FROM ledger_entry")
    with pytest.raises(ProgrammingError, match="permission denied"):
        execute("default", "SET LOCAL session_replication_role = replica")


def test_the_app_role_cannot_switch_the_guards_off(log: Writer) -> None:
    for statement in (
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON ledger_entry",
        "DROP FUNCTION ledger_refuse_change CASCADE",
    ):
        with pytest.raises(ProgrammingError, match="must be owner"):
            execute("default", statement)


@pytest.mark.parametrize("alias", ["default", "owner"])
@pytest.mark.parametrize(
    "change",
    [
        "size = 2",
        "size = 3",
        "size = 0",
        "size = -1",
        "size = 4, recorded_at = recorded_at - interval '1 second'",
    ],
)
def test_the_head_never_goes_back(log: Writer, alias: str, change: str) -> None:
    with pytest.raises(IntegrityError, match="only moves forward"):
        execute(alias, f"UPDATE ledger_head SET {change} WHERE log = %(log)s", log=log.log)


@pytest.mark.parametrize("alias", ["default", "owner"])
def test_the_head_never_runs_ahead_of_its_entries(log: Writer, alias: str) -> None:
    with pytest.raises(IntegrityError, match="as far as its entries reach"):
        execute(alias, "UPDATE ledger_head SET size = 4 WHERE log = %(log)s", log=log.log)


def test_the_head_needs_a_checkpoint_of_its_own_root(log: Writer) -> None:
    copy = "INSERT INTO ledger_{0} SELECT {1} FROM ledger_{0} WHERE log = %(log)s AND {2}"
    entry = copy.format("entry", "log, 3, leaf, leaf_hash, recorded_at, party", "index = 2")
    opening = copy.format("opening", "log, 3, stream, 99, type, schema, command, body, salts", "index = 2")
    checkpoint = copy.format(
        "checkpoint",
        "log, 4, 3, '\\x00', note, gen_random_uuid(), command_digest, recorded_at, 0",
        "size = 3",
    )
    head = "UPDATE ledger_head SET size = 4 WHERE log = %(log)s"
    for statements in (
        [entry, head],
        [entry, opening, head],
        [entry, opening, checkpoint, head],
        [entry, checkpoint, head],
    ):
        with pytest.raises(IntegrityError, match="as far as its entries reach"):
            execute("default", *statements, log=log.log)


def test_a_temporary_table_cannot_stand_in_for_the_entries(log: Writer) -> None:
    with pytest.raises(IntegrityError, match="as far as its entries reach"):
        execute(
            "owner",  # the app's role may not even make temporary tables
            "CREATE TEMPORARY TABLE ledger_entry ON COMMIT DROP AS"
            " SELECT log, 3::bigint AS index FROM public.ledger_head",
            "UPDATE ledger_head SET size = 4 WHERE log = %(log)s",
            log=log.log,
        )


def test_a_log_starts_empty_and_keeps_its_name(log: Writer) -> None:
    with pytest.raises(IntegrityError, match="starts at size 0"):
        LogHead.objects.create(log=Writer().log, kind="case", origin="x", size=1, root=b"", peaks=b"")
    for change in ("origin = 'other'", "kind = 'host'", "log = gen_random_uuid()"):
        statement = f"UPDATE ledger_head SET {change}, size = 4 WHERE log = %(log)s"
        with pytest.raises(ProgrammingError, match="permission denied"):
            execute("default", statement, log=log.log)
        with pytest.raises(IntegrityError, match="only moves forward"):
            execute("owner", statement, log=log.log)


@pytest.mark.parametrize("index", [3, 9])
def test_a_stray_entry_stops_the_next_append(writer: Writer, index: int) -> None:
    """The app's role may insert; what it plants beyond the head is never taken into the log unseen."""
    writer.grow([1, 2])
    execute(
        "default",
        "INSERT INTO ledger_entry SELECT log, %(index)s, leaf, leaf_hash, recorded_at, party"
        " FROM ledger_entry WHERE log = %(log)s AND index = 2",
        log=writer.log,
        index=index,
    )
    assert [finding.index for finding in verify_log(writer.log)] == [index]
    with pytest.raises(
        IntegrityError, match="duplicate key" if index == 3 else "as far as its entries reach"
    ):
        writer.write(draft())
