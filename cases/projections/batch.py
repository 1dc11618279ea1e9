"""Collects what a run of events changes and writes it with few statements."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast
from uuid import UUID, uuid5

from django.db import connection
from django.db.models import Field, Manager, Model
from psycopg.sql import SQL, Identifier

from cases.models import (
    ApiToken,
    Case,
    CaseGroupObjectPermission,
    CustodyEvent,
    CustodyOffer,
    Disposal,
    EvidenceItem,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
    Holding,
    Member,
    Participation,
    Party,
    PartyKey,
    Proposal,
    ProposalAnswer,
    Referral,
    ReferralConsent,
    ReferralNote,
    Share,
    ShareItem,
)
from cases.projections import holders, wall
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
    Proposal,
    ProposalAnswer,
    EvidenceItem,
    CustodyEvent,
    Holding,
    CustodyOffer,
    Disposal,
    Share,
    Referral,
    ReferralNote,
    ReferralConsent,
)
ONE_AT_A_TIME = (Holding, CustodyOffer, Disposal)
TABLES: tuple[type[Model], ...] = (
    *ORDER,
    ShareItem,
    CaseGroupObjectPermission,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
)

# guardian's own assign_perm takes four statements a grant; this takes one for all. Ids follow from what is
# granted.
_GRANT = """
    INSERT INTO cases_casegroupobjectpermission (id, content_object_id, group_id, permission_id)
    SELECT md5(g.content_object::text || p.id::text || a.codename)::uuid, g.content_object, p.group_id, a.id
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS g(content_object, party, codename)
    JOIN cases_party p ON p.id = g.party
    JOIN auth_permission a ON a.codename = g.codename
    JOIN django_content_type c ON c.id = a.content_type_id AND c.app_label = 'cases' AND c.model = 'case'
    ON CONFLICT DO NOTHING
"""

_OUT = """
    DELETE FROM cases_casegroupobjectpermission w USING cases_party p
    WHERE w.content_object_id = %s AND p.id = %s AND w.group_id = p.group_id
"""


class Batch:
    """New rows by table, and changes to rows that exist already; written by `write`, in the order of
    ORDER."""

    def __init__(self) -> None:
        self._new: dict[type[Model], dict[UUID | str, Model]] = defaultdict(dict)
        self._changed: dict[tuple[type[Model], UUID | str], dict[str, Any]] = defaultdict(dict)
        self._grants: dict[tuple[UUID, UUID], str] = {}  # an empty one takes away
        self._named: dict[UUID, tuple[UUID, ...]] = {}
        self._handed: list[tuple[UUID, UUID, UUID]] = []
        self._shares: set[tuple[UUID, UUID]] = set()
        self._left: dict[tuple[UUID, UUID], bool] = {}  # False: it is back

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

    def grant(self, case: UUID, party: UUID, codename: str) -> None:
        """Let a party's group see a case. Who may do what with evidence follows from items and shares."""
        self._grants[case, party] = codename

    def handed_over(self, item: UUID, giver: UUID, receiver: UUID) -> None:
        """The custody of an item went over: who holds it sees that it is there."""
        self._handed.append((item, giver, receiver))

    def name_items(self, share: UUID, items: tuple[UUID, ...]) -> None:
        """The items that a share names from here on."""
        self._named[share] = items

    def share_changed(self, case: UUID, share: UUID) -> None:
        """Who may do what under a share is to be worked out anew."""
        self._shares.add((case, share))

    def party_left(self, case: UUID, party: UUID) -> None:
        """A party has no part in a case any more: it sees nothing of it, and may do nothing with evidence
        there."""
        self._grants[case, party] = ""
        self._left[case, party] = True

    def party_back(self, case: UUID, party: UUID) -> None:
        """A party that had left is in the case again, with the items that it owns."""
        self._left[case, party] = False

    def write(self) -> None:
        """Write everything that was collected so far."""
        # One holder, one open offer: the database allows the next one only once the last is over.
        for model, pk in [each for each in self._changed if each[0] in ONE_AT_A_TIME]:
            _set(model, pk, self._changed.pop((model, pk)))
        for model in ORDER:
            if rows := self._new.get(model):
                _rows(model).bulk_create(list(rows.values()))
        for (model, pk), values in sorted(self._changed.items(), key=lambda each: -ORDER.index(each[0][0])):
            _set(model, pk, values)
        if self._grants:
            self._write_grants()
        self._write_shares()
        self._new.clear()
        self._changed.clear()
        self._grants.clear()
        self._named.clear()
        self._handed.clear()
        self._shares.clear()
        self._left.clear()

    def _write_grants(self) -> None:
        given = [(case, party, name) for (case, party), name in self._grants.items() if name]
        out = [(case, party) for (case, party), name in self._grants.items() if not name]
        with connection.cursor() as cursor:
            for case, party in out:
                cursor.execute(_OUT, (case, party))
            if given:
                cursor.execute(_GRANT, [list(column) for column in zip(*given, strict=True)])

    def _write_shares(self) -> None:
        if self._named:
            _rows(ShareItem).filter(share__in=self._named).delete()
            _rows(ShareItem).bulk_create(
                ShareItem(id=derived_id(share, item), share_id=share, item_id=item)
                for share, items in self._named.items()
                for item in items
            )
        if self._shares:
            cases, shares = ({*column} for column in zip(*self._shares, strict=True))
            wall.shares_changed(cases, shares)
        if items := self.added(EvidenceItem):
            wall.items_came({item.case_id for item in items}, [item.pk for item in items])
        for item, giver, receiver in self._handed:
            holders.handed_over(item, giver, receiver)
        for (case, party), gone in self._left.items():
            if gone:
                wall.party_left(case, party)
            else:
                wall.party_back(case, party)


Handlers: TypeAlias = Mapping[type[Event], Callable[[Batch, Any, StoredEvent], None]]


def _rows(model: type[Model]) -> Manager[Any]:
    return model._meta.default_manager  # type: ignore[return-value]


def _set(model: type[Model], pk: UUID | str, values: Mapping[str, Any]) -> None:
    """Change one row. Each act changes a few: making the same statement anew each time would cost an act more
    than the statement itself."""
    if any(hasattr(value, "resolve_expression") for value in values.values()):
        _rows(model).filter(pk=pk).update(**values)
        return
    statement, fields = _update(model, tuple(values))
    prepared = [
        field.get_db_prep_save(value, connection)
        for field, value in zip(fields, values.values(), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*prepared, pk])


@cache
def _update(model: type[Model], names: tuple[str, ...]) -> tuple[str, "list[Field[Any, Any]]"]:
    """The statement that sets these columns of one row, and their fields."""
    fields = [cast("Field[Any, Any]", model._meta.get_field(name)) for name in names]
    changes = SQL(", ").join(SQL("{} = %s").format(Identifier(str(field.column))) for field in fields)
    key = model._meta.pk
    if key.column is None:
        raise TypeError(f"{model.__name__} has no column to find a row by")
    named = SQL("UPDATE {} SET {} WHERE {} = %s")
    return named.format(Identifier(model._meta.db_table), changes, Identifier(key.column)).as_string(), fields


def derived_id(of: UUID, what: object) -> UUID:
    """The id of a row that follows from an event and has no id of its own there."""
    return uuid5(of, str(what))
