"""Read models from nothing but the ledger: to replace the tables, or to compare them with what they should
be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Model

from cases import projections
from cases.projections.batch import TABLES
from ledger import reading

Progress = Callable[[int, int], None]
MEMBERSHIPS: type[Model] = User.groups.through
BATCH = 500


def rebuild(progress: Progress) -> int:
    """Drop all read models and make them again, in one transaction; writers wait meanwhile. Returns how many
    events were told again. A crash leaves everything as it was."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # A writer that has appended already writes its projections after this commit, on the new rows.
            cursor.execute(f"LOCK TABLE {', '.join(_name(table) for table in TABLES)} IN EXCLUSIVE MODE")
        for table in reversed(TABLES):
            _empty(table)
        MEMBERSHIPS._default_manager.filter(group__name__startswith="party:")._raw_delete(connection.alias)
        return _tell_again(progress)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A row that the live tables have and the ledger does not tell, or the other way round."""

    table: str
    row: str
    sentence: str


def compare(progress: Progress) -> list[Difference]:
    """Make all read models again as temporary tables, in front of the live ones, and name the first row that
    differs in each. Nobody waits, nothing is changed: the transaction sees one moment and is rolled back."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in (*TABLES, MEMBERSHIPS):
                # The projections name their tables without a schema, so they now meet these.
                cursor.execute(
                    f"CREATE TEMPORARY TABLE {_name(table)} (LIKE public.{_name(table)} INCLUDING ALL)"
                )
        _tell_again(progress)
        found = [difference for table in (*TABLES, MEMBERSHIPS) for difference in _differences(table)]
        transaction.set_rollback(True)
        return found


def _tell_again(progress: Progress) -> int:
    # Parties come before the cases that name them: the host log first.
    logs = sorted(reading.logs(), key=lambda log: log.kind != "host")
    total, told = sum(log.size for log in logs), 0
    for log in logs:
        events = reading.read_events(log.id)
        while batch := list(islice(events, BATCH)):
            projections.apply(batch)
            told += len(batch)
            progress(told, total)
    return told


def _differences(table: type[Model]) -> Iterator[Difference]:
    name = _name(table)
    key, what, where = "t.id::text", "*", ""
    if table is MEMBERSHIPS:  # the one key that no event determines
        key = what = "user_id, group_id"
        where = f"WHERE group_id IN (SELECT id FROM {_name(Group)} WHERE name LIKE 'party:%%')"
        key = "t.user_id::text || ' in group ' || t.group_id::text"
    live = f"SELECT {what} FROM public.{name} {where}"
    told = f"SELECT {what} FROM pg_temp.{name}"
    with connection.cursor() as cursor:
        for first, second, sentence in (
            (live, told, "is not what the ledger tells"),
            (told, live, "is told by the ledger but missing or different"),
        ):
            cursor.execute(f"SELECT {key} FROM ({first} EXCEPT {second}) t ORDER BY 1 LIMIT 1")
            for (row,) in cursor.fetchall():
                yield Difference(table=name, row=row, sentence=f"The row {row} of {name} {sentence}.")
                return


def _empty(table: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_name(table)}")


def _name(table: type[Model]) -> str:
    return table._meta.db_table
