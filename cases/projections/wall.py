"""Writes guardian's rows about evidence. They follow from items, shares and parts in the case alone, whatever
the order in which those came: a rebuild gives the same rows, by the same ids."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from cases.models import EvidenceItem, Participation, Share
from cases.rules.share_terms import CODENAMES, closed
from cases.rules.values import TLP

_WALLS: Final = ("cases_evidenceitemgroupobjectpermission", "cases_evidenceitemuserobjectpermission")

_OWN = """
    INSERT INTO cases_evidenceitemgroupobjectpermission (id, content_object_id, group_id, permission_id)
    SELECT md5(i.id::text || 'party:' || i.owner_id || a.codename)::uuid, i.id, p.group_id, a.id
    FROM cases_evidenceitem i JOIN cases_party p ON p.id = i.owner_id
    JOIN auth_permission a ON a.codename = ANY(%(codenames)s::text[])
    JOIN django_content_type c ON c.id = a.content_type_id
        AND c.app_label = 'cases' AND c.model = 'evidenceitem'
    WHERE i.id = ANY(%(items)s::uuid[])
    ON CONFLICT DO NOTHING
"""

# What each share is about: what it names or, of a whole case, what its giver owns; with everything that was
# derived from it. An item that is marked more strictly than the share stays out, whenever it came.
_COVERED = """
    WITH RECURSIVE covered (share, item, owner) AS (
        SELECT s.id, i.id, i.owner_id FROM cases_share s
        JOIN cases_evidenceitem i ON i.case_id = s.case_id AND i.owner_id = s.giver_id
        WHERE s.id = ANY(%(shares)s::uuid[]) AND s.scope = 'case'
        UNION
        SELECT s.id, i.id, i.owner_id FROM cases_share s
        JOIN cases_shareitem n ON n.share_id = s.id
        JOIN cases_evidenceitem i ON i.id = n.item_id AND i.case_id = s.case_id
        WHERE s.id = ANY(%(shares)s::uuid[]) AND s.scope = 'items'
        UNION
        SELECT c.share, i.id, i.owner_id FROM covered c
        JOIN cases_evidenceitem i ON i.parent_id = c.item AND i.owner_id = c.owner
    ), meant AS (
        SELECT c.share, c.item, c.owner, s.giver_id AS giver, s.not_before, s.expires_at
        FROM covered c JOIN cases_share s ON s.id = c.share JOIN cases_evidenceitem i ON i.id = c.item
        WHERE array_position(%(markings)s::text[], i.marking::text)
            >= array_position(%(markings)s::text[], s.tlp::text)
    ), allowed AS (
        SELECT o.share, a.id AS permission, a.codename
        FROM unnest(%(op_shares)s::uuid[], %(op_names)s::text[]) AS o(share, codename)
        JOIN auth_permission a ON a.codename = o.codename
        JOIN django_content_type t ON t.id = a.content_type_id
            AND t.app_label = 'cases' AND t.model = 'evidenceitem'
    )
"""
_GIVEN = """, given AS (
    SELECT m.share, m.item, a.permission, a.codename, m.not_before, m.expires_at
    FROM meant m JOIN allowed a ON a.share = m.share WHERE m.owner = m.giver
)"""
# What is shared on holds as long as the giver itself may do it and share it on: of several shares to the
# giver the one counts that lasts longest.
_SHARED_ON = """, held AS (
    SELECT w.content_object_id AS item, w.permission_id, w.share_id, w.not_before, w.expires_at
    FROM cases_evidenceitemgroupobjectpermission w WHERE w.share_id IS NOT NULL
    UNION
    SELECT w.content_object_id, w.permission_id, w.share_id, w.not_before, w.expires_at
    FROM cases_evidenceitemuserobjectpermission w WHERE w.share_id IS NOT NULL
), given AS (
    SELECT DISTINCT ON (m.share, m.item, a.permission) m.share, m.item, a.permission, a.codename,
        greatest(m.not_before, h.not_before) AS not_before, least(m.expires_at, h.expires_at) AS expires_at
    FROM meant m JOIN allowed a ON a.share = m.share
    JOIN held h ON h.item = m.item AND h.permission_id = a.permission
    JOIN cases_share p ON p.id = h.share_id AND p.receiver_id = m.giver
    JOIN held onward ON onward.item = m.item AND onward.share_id = p.id
    JOIN auth_permission o ON o.id = onward.permission_id AND o.codename = 'share_on_evidenceitem'
    WHERE m.owner <> m.giver
    ORDER BY m.share, m.item, a.permission,
        h.expires_at DESC NULLS FIRST, h.not_before NULLS FIRST, h.share_id
)"""
_TO_GROUPS = """
    INSERT INTO cases_evidenceitemgroupobjectpermission
        (id, content_object_id, group_id, permission_id, share_id, not_before, expires_at)
    SELECT md5(g.item::text || n.name || g.codename || g.share)::uuid, g.item, n.id, g.permission, g.share,
        g.not_before, g.expires_at
    FROM given g JOIN unnest(%(group_shares)s::uuid[], %(group_names)s::text[]) AS t(share, name)
    ON t.share = g.share JOIN auth_group n ON n.name = t.name
    ON CONFLICT DO NOTHING
"""
_TO_USERS = """
    INSERT INTO cases_evidenceitemuserobjectpermission
        (id, content_object_id, user_id, permission_id, share_id, not_before, expires_at)
    SELECT md5(g.item::text || t.member || g.codename || g.share)::uuid, g.item, m.user_id, g.permission,
        g.share, g.not_before, g.expires_at
    FROM given g JOIN unnest(%(user_shares)s::uuid[], %(user_members)s::uuid[]) AS t(share, member)
    ON t.share = g.share JOIN cases_member m ON m.id = t.member
    JOIN cases_share s ON s.id = g.share AND s.receiver_id = m.party_id
    ON CONFLICT DO NOTHING
"""
# A new item that was derived: whoever may do something with its parent under a share may do it here.
_ALONG = """
    INSERT INTO {wall} (id, content_object_id, {whose}_id, permission_id, share_id, not_before, expires_at)
    SELECT md5(i.id::text || {name} || a.codename || w.share_id)::uuid, i.id, w.{whose}_id, w.permission_id,
        w.share_id, w.not_before, w.expires_at
    FROM cases_evidenceitem i JOIN cases_evidenceitem p ON p.id = i.parent_id AND p.owner_id = i.owner_id
    JOIN {wall} w ON w.content_object_id = p.id AND w.share_id IS NOT NULL
    JOIN auth_permission a ON a.id = w.permission_id JOIN cases_share s ON s.id = w.share_id {joined}
    WHERE i.id = ANY(%(items)s::uuid[])
    AND array_position(%(markings)s::text[], i.marking::text)
        >= array_position(%(markings)s::text[], s.tlp::text)
    ON CONFLICT DO NOTHING
"""
_ALONG_GROUPS = _ALONG.format(
    wall=_WALLS[0], whose="group", name="n.name", joined="JOIN auth_group n ON n.id = w.group_id"
)
_ALONG_USERS = _ALONG.format(
    wall=_WALLS[1], whose="user", name="m.id", joined="JOIN cases_member m ON m.user_id = w.user_id"
)
# Shares that stand on another one: they name what their giver does not own.
_ONWARD = """
    SELECT DISTINCT n.share_id FROM cases_share s JOIN cases_shareitem n ON n.share_id = s.id
    JOIN cases_evidenceitem i ON i.id = n.item_id
    WHERE s.case_id = ANY(%(cases)s::uuid[]) AND s.status = 'accepted' AND i.owner_id <> s.giver_id
"""


def items_came(cases: Collection[UUID], items: Sequence[UUID]) -> None:
    """Rows for new items: their owner's, those of shares of all that it has, and those of their parents."""
    with connection.cursor() as cursor:
        cursor.execute(_OWN, {"codenames": list(CODENAMES.values()), "items": list(items)})
    whole = Share.objects.filter(case__in=cases, scope="case", status="accepted")
    if shares := list(whole.values_list("pk", flat=True)):
        _give(shares, _GIVEN)
    # Parents come before their children by number, but perhaps in the same batch.
    while _run(_ALONG_GROUPS, items=list(items)) + _run(_ALONG_USERS, items=list(items)):
        pass


def shares_changed(cases: Collection[UUID], shares: Collection[UUID]) -> None:
    """Make the rows of these shares anew, and of all in their cases that stand on others: what a revoked
    share had allowed to share on has ended with it."""
    with connection.cursor() as cursor:
        cursor.execute(_ONWARD, {"cases": list(cases)})
        onward = [share for (share,) in cursor.fetchall()]
    anew = [*{*shares, *onward}]
    for table in _WALLS:
        _run(f"DELETE FROM {table} WHERE share_id = ANY(%(shares)s::uuid[])", shares=anew)  # noqa: S608 - own names
    _give(anew, _GIVEN)
    while onward and _give(onward, _SHARED_ON):
        pass


def party_left(case: UUID, party: UUID) -> None:
    """Take away what a party could do with the items of a case, its own among them, and make the rows of all
    shares anew. To be called once its part in the case is gone from the tables."""
    shares = list(Share.objects.filter(case=case).values_list("pk", flat=True))
    _run(
        """DELETE FROM cases_evidenceitemgroupobjectpermission w USING cases_evidenceitem i, cases_party p
        WHERE i.id = w.content_object_id AND i.case_id = %(case)s AND p.id = %(party)s
        AND w.group_id = p.group_id AND w.share_id IS NULL""",
        case=case,
        party=party,
    )
    shares_changed([case], shares)


def party_back(case: UUID, party: UUID) -> None:
    """Give a party that is in a case again what it may do with the items that it owns there."""
    owned = EvidenceItem.objects.filter(case=case, owner=party).values_list("pk", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(_OWN, {"codenames": list(CODENAMES.values()), "items": list(owned)})


def _give(shares: Collection[UUID], given: str) -> int:
    """Insert what is missing of the rows of these shares, as far as they are in force between two parties of
    their case; how many."""
    present = Participation.objects.filter(case=OuterRef("case"), left_at=None)
    live = list(
        Share.objects.filter(
            Exists(present.filter(party=OuterRef("giver"))),
            Exists(present.filter(party=OuterRef("receiver"))),
            pk__in=shares,
            status="accepted",
        )
    )
    if not live:
        return 0
    operations = [(one.pk, CODENAMES[name]) for one in live for name in sorted(closed(one.operations))]
    groups = [(one.pk, name) for one in live for name in _groups(one)]
    people = [(one.pk, UUID(member)) for one in live for member in one.members]
    asked = {
        "shares": [one.pk for one in live],
        "op_shares": _column(operations, 0),
        "op_names": _column(operations, 1),
        "group_shares": _column(groups, 0),
        "group_names": _column(groups, 1),
        "user_shares": _column(people, 0),
        "user_members": _column(people, 1),
    }
    made = _run(_COVERED + given + _TO_GROUPS, **asked) if groups else 0
    return made + (_run(_COVERED + given + _TO_USERS, **asked) if people else 0)


def _groups(share: Share) -> Iterable[str]:
    party = f"party:{share.receiver_id}"
    if not share.roles and not share.members:
        return [party]
    return [f"{party}:{role}" for role in share.roles]


def _column(rows: Iterable[tuple[Any, Any]], place: int) -> list[Any]:
    return [row[place] for row in rows]


def _run(statement: str, **asked: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"markings": list(TLP), **asked})
        return int(cursor.rowcount)
