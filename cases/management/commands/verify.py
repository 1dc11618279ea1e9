"""manage.py verify: is the ledger whole, and do the read models say what it says?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cases.management.progress import Counter
from cases.rebuilding import compare
from ledger import reading
from ledger.verify import verify_log


class Command(BaseCommand):
    """Recomputes every leaf, root and read model. Exit code 0 when all agree, 1 otherwise."""

    help = "Recompute every leaf, root and read model, and name the first that does not agree."

    def handle(self, *args: Any, **options: Any) -> None:
        broken = 0
        logs = reading.logs()
        for log in logs:
            with Counter(self.stderr, f"entries of {log.origin}") as counter:
                findings = verify_log(log.id, progress=counter.show)
            for finding in findings:
                where = "" if finding.index is None else f" at index {finding.index}"
                self.stdout.write(f"{log.origin}{where}: {finding.sentence}")
            broken += bool(findings)
        self.stdout.write(
            f"{len(logs):,} logs, {sum(log.size for log in logs):,} entries: {_told(broken, 'log')}"
        )
        if broken:
            # Read models of a log that cannot be trusted prove nothing.
            raise CommandError("The ledger does not verify.")
        with Counter(self.stderr, "events") as counter:
            differences = compare(counter.show)
        for difference in differences:
            self.stdout.write(difference.sentence)
        self.stdout.write(f"Read models: {_told(len(differences), 'table')}")
        if differences:
            raise CommandError(
                "The read models are not what the ledger tells; `manage.py rebuild` makes them again."
            )


def _told(broken: int, noun: str) -> str:
    return f"{broken} {noun}{'s' if broken > 1 else ''} not in order." if broken else "all in order."
