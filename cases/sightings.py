"""Which parties see an item now, for the rules of custody: nobody takes over, or witnesses the end of, what
it cannot see."""

from uuid import UUID

from django.db import connection

_SEEING = """
    WITH seeing AS (
        SELECT p.id FROM auth_permission p
        JOIN django_content_type c ON c.id = p.content_type_id AND c.app_label = 'cases'
        WHERE p.codename = 'view_evidenceitem'
    )
    SELECT split_part(g.name, ':', 2)::uuid FROM cases_evidenceitemgroupobjectpermission w
    JOIN seeing s ON s.id = w.permission_id JOIN auth_group g ON g.id = w.group_id AND g.name LIKE 'party:%%'
    WHERE w.content_object_id = %(item)s AND coalesce(w.not_before <= clock_timestamp(), true)
    AND coalesce(w.expires_at > clock_timestamp(), true)
    UNION
    SELECT m.party_id FROM cases_evidenceitemuserobjectpermission w
    JOIN seeing s ON s.id = w.permission_id JOIN cases_member m ON m.user_id = w.user_id AND m.active
    WHERE w.content_object_id = %(item)s AND coalesce(w.not_before <= clock_timestamp(), true)
    AND coalesce(w.expires_at > clock_timestamp(), true)
"""


def parties_seeing(item: UUID) -> frozenset[UUID]:
    """The parties of which somebody sees the item's particulars at this moment. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEING, {"item": item})
        return frozenset(party for (party,) in cursor.fetchall())
