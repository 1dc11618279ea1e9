"""What the app's database role may do with the ordinary tables."""

from django.db import connections
from psycopg import sql

APP_ROLE = "countersign_app"
# The ledger's migrations grant its tables themselves (append and read only), and only the owner migrates.
NOT_ORDINARY = ("ledger_%", "django_migrations")


def grant_ordinary_tables() -> None:
    """Give the app role its rights on every table outside the ledger; run as owner after every migration."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_database()")
        (database,) = cursor.fetchone()
        role = sql.Identifier(APP_ROLE)
        # Temporary tables: `manage.py verify` makes the read models again beside the live ones.
        cursor.execute(
            sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(database), role)
        )
        cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
        cursor.execute(
            "SELECT c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'S')"
            " AND NOT c.relname LIKE ANY (%s) ORDER BY c.relname",
            [list(NOT_ORDINARY)],
        )
        for name, kind in cursor.fetchall():
            rights = "USAGE, SELECT ON SEQUENCE" if kind == "S" else "SELECT, INSERT, UPDATE, DELETE ON TABLE"
            cursor.execute(
                sql.SQL("GRANT {} {} TO {}").format(sql.SQL(rights), sql.Identifier("public", name), role)
            )
        # `manage.py check --database default` and health pages may look which migrations ran.
        cursor.execute(sql.SQL("GRANT SELECT ON TABLE public.django_migrations TO {}").format(role))
