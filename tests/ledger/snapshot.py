"""An older state of one log put back into the database, as restoring a dump would."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from tests.ledger.conftest import TABLES, Superuser

Rows = Mapping[str, Sequence[tuple[object, ...]]]


def dump(superuser: Superuser, log: UUID) -> Rows:
    """Every row of a log, as text."""
    kept: dict[str, Sequence[tuple[object, ...]]] = {}
    with superuser.connection.transaction():
        for table in TABLES:
            found = superuser.connection.execute(f"SELECT t::text FROM {table} t WHERE log = %s", (log,))
            kept[table] = found.fetchall()
    return kept


def restore(superuser: Superuser, log: UUID, kept: Rows) -> None:
    """Put a log back to a dump."""
    with superuser.guards_off() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE log = %s", (log,))
            for (row,) in kept[table]:
                cursor.execute(f"INSERT INTO {table} SELECT (%s::{table}).*", (row,))
