"""manage.py export_ledger: a case's log as a bundle, for tools on this host."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from cases import bundle, reads
from cases.actors import actor_for_user
from cases.management.progress import Counter
from cases.refusals import Refused


class Command(BaseCommand):
    """Writes what the member would get from the ledger page, to a file that must not exist yet."""

    help = "Write the ledger of CASE to FILE, as the bundle that USER's party may take along."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("case", help="reference or id of the case")
        parser.add_argument("file", type=Path, help="where the zip goes; must not exist")
        parser.add_argument("--as", dest="user", required=True, help="user name of a member")

    def handle(self, *args: Any, case: str, file: Path, user: str, **options: Any) -> None:
        actor = actor_for_user(User.objects.filter(username=user).first(), via="cli")
        if actor is None:
            raise CommandError(f"{user} is not an active member of any party.")
        try:
            found = reads.case(actor, case)
            with Counter(self.stderr, "steps") as counter, file.open("xb") as out:
                made = bundle.export(actor, found, progress=counter.show)
                for part in made.parts:
                    out.write(part)
        except Refused as refused:
            raise CommandError(refused.sentence) from refused
        except FileExistsError as error:
            raise CommandError(f"{file} exists already.") from error
        self.stdout.write(f"{file}: {made.size:,} entries of {found.reference}")
