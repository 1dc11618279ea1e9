"""What was disclosed before there were terms is a share: its row and guardian's rows are made here from custody
and items, exactly as a rebuild makes them from the ledger."""

from uuid import UUID, uuid5

from django.db import migrations

ROLES = ["lead_investigator", "investigator", "custodian", "counsel", "viewer"]
FORMER = ["metadata", "search", "preview", "download", "export"]
PERMISSIONS = {
    "exists_evidenceitem": "See that it exists (evidence item)",
    "search_evidenceitem": "Search and count its records (evidence item)",
    "preview_evidenceitem": "Look at records and raw lines (evidence item)",
    "download_evidenceitem": "Download its bytes (evidence item)",
    "export_evidenceitem": "Export results from it (evidence item)",
    "share_on_evidenceitem": "Share it on (evidence item)",
}

PERMISSION_ROWS = """
    INSERT INTO auth_permission (content_type_id, codename, name)
    SELECT id, %s, %s FROM django_content_type WHERE app_label = 'cases' AND model = 'evidenceitem'
    ON CONFLICT DO NOTHING
"""
ROLE_GROUPS = """
    INSERT INTO auth_group (name) SELECT 'party:' || p.id || ':' || role
    FROM cases_party p CROSS JOIN unnest(%s::text[]) AS role ON CONFLICT DO NOTHING
"""
ROLE_MEMBERS = """
    INSERT INTO auth_user_groups (user_id, group_id) SELECT m.user_id, g.id
    FROM cases_member m JOIN auth_group g ON g.name = 'party:' || m.party_id || ':' || m.role
    WHERE m.active ON CONFLICT DO NOTHING
"""
EMPTY = "DELETE FROM cases_evidenceitemgroupobjectpermission"
OWN = """
    INSERT INTO cases_evidenceitemgroupobjectpermission (id, content_object_id, group_id, permission_id)
    SELECT md5(i.id::text || 'party:' || i.owner_id || a.codename)::uuid, i.id, p.group_id, a.id
    FROM cases_evidenceitem i JOIN cases_party p ON p.id = i.owner_id
    JOIN django_content_type c ON c.app_label = 'cases' AND c.model = 'evidenceitem'
    JOIN auth_permission a ON a.content_type_id = c.id AND a.codename = ANY(%s::text[])
"""
OF_SHARES = """
    WITH RECURSIVE covered (share, item, owner) AS (
        SELECT n.share_id, i.id, i.owner_id FROM cases_shareitem n JOIN cases_evidenceitem i ON i.id = n.item_id
        UNION
        SELECT c.share, i.id, i.owner_id FROM covered c
        JOIN cases_evidenceitem i ON i.parent_id = c.item AND i.owner_id = c.owner
    )
    INSERT INTO cases_evidenceitemgroupobjectpermission
        (id, content_object_id, group_id, permission_id, share_id)
    SELECT md5(i.id::text || g.name || a.codename || s.id)::uuid, i.id, g.id, a.id, s.id
    FROM covered c JOIN cases_evidenceitem i ON i.id = c.item JOIN cases_share s ON s.id = c.share
    JOIN auth_group g ON g.name = 'party:' || s.receiver_id
    JOIN django_content_type t ON t.app_label = 'cases' AND t.model = 'evidenceitem'
    JOIN auth_permission a ON a.content_type_id = t.id AND a.codename = ANY(%s::text[])
    WHERE i.marking <> 'TLP:RED'
"""


def disclosures_become_shares(apps, schema_editor):
    step, share, named = (apps.get_model("cases", name) for name in ("CustodyEvent", "Share", "ShareItem"))
    db = schema_editor.connection.alias
    shares, items = {}, []
    for event in step.objects.using(db).filter(kind="disclosed").order_by("entry").select_related("item"):
        case, party = event.item.case_id, event.particulars["party"]
        pk = uuid5(case, f"disclosed/{event.item_id}/{party}")
        shares[pk] = share(
            id=pk,
            case_id=case,
            giver_id=event.party_id,
            receiver_id=UUID(party),
            status="accepted",
            scope="items",
            operations=FORMER,
            purpose=event.purpose,
            legal_basis=event.particulars.get("legal_basis", ""),
            tlp="TLP:AMBER+STRICT",
            offered_at=event.recorded_at,
            offered_by=event.who,
            decided_at=event.recorded_at,
        )
        items.append(named(id=uuid5(pk, str(event.item_id)), share_id=pk, item_id=event.item_id))
    share.objects.using(db).bulk_create(shares.values())
    named.objects.using(db).bulk_create(items)
    viewed = ["view_evidenceitem", *PERMISSIONS]
    with schema_editor.connection.cursor() as cursor:
        cursor.executemany(PERMISSION_ROWS, list(PERMISSIONS.items()))
        cursor.execute("DELETE FROM auth_permission WHERE codename = 'read_evidenceitem'")
        cursor.execute(ROLE_GROUPS, [ROLES])
        cursor.execute(ROLE_MEMBERS)
        cursor.execute(EMPTY)
        cursor.execute(OWN, [viewed])
        cursor.execute(OF_SHARES, [[name for name in viewed if name != "share_on_evidenceitem"]])


class Migration(migrations.Migration):
    dependencies = [("cases", "0004_sharing")]

    operations = [migrations.RunPython(disclosures_become_shares, migrations.RunPython.noop)]
