"""manage.py prepare: the database's schema and grants."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.utils import OperationalError

from config.grants import grant_ordinary_tables

PREPARE_LOCK = 7_260_134_005  # any number that is ours alone


class Command(BaseCommand):
    """Run by `up`, by the tests, and by hand on a server of one's own."""

    help = "Bring the database up to date as its owner and grant the app's role its ordinary tables."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, make the cache table, grant."""
        if "owner" not in connections:
            raise CommandError(
                "DATABASE_OWNER_URL is not set: only the database's owner may change its schema."
            )
        try:
            with connections["owner"].cursor() as cursor:
                # Two servers started together take turns; the lock goes with the connection.
                cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARE_LOCK])
        except OperationalError as error:
            said = " ".join(str(error).split())
            raise CommandError(f"The database does not answer its owner: {said}") from error
        verbosity = options["verbosity"]
        call_command("migrate", database="owner", interactive=False, skip_checks=True, verbosity=verbosity)
        call_command("createcachetable", database="owner", verbosity=verbosity)
        grant_ordinary_tables()
