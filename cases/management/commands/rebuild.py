"""manage.py rebuild: make every read model again from the ledger."""

from typing import Any

from django.core.management.base import BaseCommand

from cases.management.progress import Counter
from cases.rebuilding import rebuild


class Command(BaseCommand):
    """Drops the read models and tells every event again; the tables come out byte-equal."""

    help = "Rebuild all read models from the ledger, in one transaction."

    def handle(self, *args: Any, **options: Any) -> None:
        with Counter(self.stderr, "events") as counter:
            told = rebuild(counter.show)
        self.stdout.write(f"Read models rebuilt from {told:,} events.")
