"""Collects what a run of events changes and writes it with few statements."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Manager, Model

from cases.models import (
    ApiToken,
    Case,
    CaseGroupObjectPermission,
    CustodyEvent,
    EvidenceItem,
    EvidenceItemGroupObjectPermission,
    Member,
    Participation,
    Party,
    PartyKey,
)
from cases.rules.shape import Event
from ledger.entries import StoredEvent

M = TypeVar("M", bound=Model)

# In the order in which rows may refer to each other.
ORDER: tuple[type[Model], ...] = (
    Party,
    Member,
    PartyKey,
    ApiToken,
    Case,
    Participation,
    EvidenceItem,
    CustodyEvent,
)
TABLES: tuple[type[Model], ...] = (*ORDER, CaseGroupObjectPermission, EvidenceItemGroupObjectPermission)

# guardian's own assign_perm takes four statements a grant; this takes one for all. Ids follow from what is
# granted.
_GRANT = """
    INSERT INTO {table} (id, content_object_id, group_id, permission_id)
    SELECT md5(g.content_object::text || p.id::text || a.codename)::uuid, g.content_object, p.group_id, a.id
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS g(content_object, party, codename)
    JOIN cases_party p ON p.id = g.party
    JOIN auth_permission a ON a.codename = g.codename
    JOIN django_content_type c ON c.id = a.content_type_id AND c.app_label = 'cases' AND c.model = %s
    ON CONFLICT DO NOTHING
"""


class Batch:
    """New rows by table, and changes to rows that exist already; written by `write`, in the order of
    ORDER."""

    def __init__(self) -> None:
        self._new: dict[type[Model], dict[UUID | str, Model]] = defaultdict(dict)
        self._changed: dict[tuple[type[Model], UUID | str], dict[str, Any]] = defaultdict(dict)
        self._grants: dict[type[Model], list[tuple[UUID, UUID, str]]] = defaultdict(list)

    def add(self, row: Model) -> None:
        """A row that no earlier event has made."""
        self._new[type(row)][row.pk] = row

    def change(self, model: type[Model], pk: UUID | str, **values: Any) -> None:
        """New values for a row, whether this batch made it or an earlier one."""
        row = self._new[model].get(pk)
        for name, value in values.items():
            if row is None or hasattr(value, "resolve_expression"):  # what the database works out comes last
                self._changed[model, pk][name] = value
            else:
                setattr(row, name, value)

    def added(self, model: type[M]) -> list[M]:
        """The rows of this batch that are not written yet."""
        return [row for row in self._new[model].values() if isinstance(row, model)]

    def grant(self, on: type[Model], thing: UUID, party: UUID, *codenames: str) -> None:
        """Let a party's group see or read a thing."""
        self._grants[on].extend((thing, party, codename) for codename in codenames)

    def write(self) -> None:
        """Write everything that was collected so far."""
        for model in ORDER:
            if rows := list(self._new[model].values()):
                _rows(model).bulk_create(rows)
        for (model, pk), values in sorted(self._changed.items(), key=lambda each: -ORDER.index(each[0][0])):
            _rows(model).filter(pk=pk).update(**values)
        for on, grants in self._grants.items():
            self._write_grants(on, grants)
        self._new.clear()
        self._changed.clear()
        self._grants.clear()

    def _write_grants(self, on: type[Model], grants: list[tuple[UUID, UUID, str]]) -> None:
        table = CaseGroupObjectPermission if on is Case else EvidenceItemGroupObjectPermission
        things, parties, codenames = (list(column) for column in zip(*grants, strict=True))
        with connection.cursor() as cursor:
            cursor.execute(
                _GRANT.format(table=table._meta.db_table), (things, parties, codenames, on._meta.model_name)
            )


Handlers: TypeAlias = Mapping[type[Event], Callable[[Batch, Any, StoredEvent], None]]


def _rows(model: type[Model]) -> Manager[Any]:
    return model._meta.default_manager  # type: ignore[return-value]


def derived_id(of: UUID, what: object) -> UUID:
    """The id of a row that follows from an event and has no id of its own there."""
    return uuid5(of, str(what))
