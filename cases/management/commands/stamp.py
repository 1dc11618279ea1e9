"""`manage.py stamp [CASE]`: have cases time-stamped without waiting for the worker."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from cases import stamping
from cases.management.progress import Counter
from cases.models import Case


class Command(BaseCommand):
    """Exit code 0 when every authority answered, 1 otherwise."""

    help = (
        "Ask the time stamping authorities for what is due, or, with a case, for that case as it stands now."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("case", nargs="?", help="a case's reference or id; at first all that are due")

    def handle(self, *args: Any, **options: Any) -> None:
        if not stamping.authorities():
            raise CommandError("No time stamping authority is set up: see TIME_STAMP_AUTHORITIES.")
        if options["case"]:
            done = stamping.stamp_now(_case(options["case"]))
        else:
            with Counter(self.stderr, "cases that are due") as counter:
                done = stamping.stamp_due(progress=counter.show)
        for case, stamped in done.stamped:
            at = f"{stamped.at:%Y-%m-%d %H:%M:%S} UTC"
            self.stdout.write(f"{case}: {stamped.size:,} entries stamped by {stamped.authority} at {at}")
        if done.failures:
            raise CommandError(" ".join(dict.fromkeys(done.failures)))
        self.stdout.write(f"{len(done.stamped)} time stamps.")


def _case(given: str) -> UUID:
    try:
        wanted = Case.objects.filter(pk=UUID(given))
    except ValueError:
        wanted = Case.objects.filter(reference=given)
    found = wanted.values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"There is no case {given}.")
    return found
