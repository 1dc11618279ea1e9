"""Who holds an item sees that it is there and what it is, whatever becomes of the share under which it came:
nobody could give back what it cannot see. Reading its content is another matter, and follows shares alone."""

from typing import Final
from uuid import UUID

from django.db import connection

_NO_LONGER: Final = """
    DELETE FROM cases_evidenceitemgroupobjectpermission w USING cases_evidenceitem i, cases_party p
    WHERE i.id = %(item)s AND w.content_object_id = i.id AND p.id = %(giver)s AND w.group_id = p.group_id
    AND w.share_id IS NULL AND i.owner_id <> p.id
"""
_HOLDS: Final = """
    INSERT INTO cases_evidenceitemgroupobjectpermission (id, content_object_id, group_id, permission_id)
    SELECT md5(i.id::text || 'party:' || p.id || a.codename)::uuid, i.id, p.group_id, a.id
    FROM cases_evidenceitem i JOIN cases_party p ON p.id = %(receiver)s
    JOIN auth_permission a ON a.codename IN ('exists_evidenceitem', 'view_evidenceitem')
    JOIN django_content_type c ON c.id = a.content_type_id AND c.app_label = 'cases'
        AND c.model = 'evidenceitem'
    WHERE i.id = %(item)s ON CONFLICT DO NOTHING
"""


def handed_over(item: UUID, giver: UUID, receiver: UUID) -> None:
    """Custody went from one party to another."""
    with connection.cursor() as cursor:
        cursor.execute(_NO_LONGER, {"item": item, "giver": giver})
        cursor.execute(_HOLDS, {"item": item, "receiver": receiver})
