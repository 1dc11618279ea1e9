"""Read models from nothing but the ledger: to replace the tables, or to compare them with what they should
be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model
from psycopg.sql import SQL, Identifier

from cases import projections
from cases.projections.batch import TABLES
from ledger import reading

Progress = Callable[[int, int], None]
MEMBERSHIPS: type[Model] = User.groups.through
BATCH = 500

_EMPTY_MEMBERSHIPS = """
    DELETE FROM auth_user_groups WHERE group_id IN (SELECT id FROM auth_group WHERE name LIKE 'party:%')
"""
_MEMBERSHIPS = SQL(
    "SELECT user_id, group_id FROM {} WHERE group_id IN (SELECT id FROM auth_group WHERE name LIKE 'party:%')"
)
_BESIDE = SQL("CREATE TEMPORARY TABLE {0} (LIKE public.{0} INCLUDING ALL)")
_WHOLE_ROWS = SQL("SELECT * FROM {}")


def rebuild(progress: Progress) -> int:
    """Drop all read models and make them again, in one transaction; writers wait meanwhile. Returns how many
    events were told again. A crash leaves everything as it was."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            # A writer that has appended already writes its projections after this commit, on the new rows.
            names = SQL(", ").join(map(_name, TABLES))
            cursor.execute(SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(names))
        for table in reversed(TABLES):
            _empty(table)
        with connection.cursor() as cursor:
            cursor.execute(_EMPTY_MEMBERSHIPS)
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
                cursor.execute(_BESIDE.format(_name(table)))
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
    key, rows = SQL("id::text"), _WHOLE_ROWS
    if table is MEMBERSHIPS:  # its own key is the one thing that no event determines
        key, rows = SQL("user_id || ' in group ' || group_id"), _MEMBERSHIPS
    name = table._meta.db_table
    live, told = (rows.format(Identifier(schema, name)) for schema in ("public", "pg_temp"))
    for first, second, sentence in (
        (live, told, "is not what the ledger tells"),
        (told, live, "is told by the ledger but missing or different"),
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                SQL("SELECT {} FROM ({} EXCEPT {}) t ORDER BY 1 LIMIT 1").format(key, first, second)
            )
            found = cursor.fetchone()
        if found:
            yield Difference(table=name, row=found[0], sentence=f"The row {found[0]} of {name} {sentence}.")
            return


def _empty(table: type[Model]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL("DELETE FROM {}").format(_name(table)))


def _name(table: type[Model]) -> Identifier:
    return Identifier(table._meta.db_table)
