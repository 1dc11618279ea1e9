"""`manage.py accept_log LOG`: the operator lets a log go on that the signer refuses to continue."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from cases import regain
from ledger.reading import head


class Command(BaseCommand):
    help = (
        "After a database was put back to an older state: go on from the log as it stands now. What the host "
        "had signed beyond is given up; whoever kept a later checkpoint can show that. Also ends the wait "
        "for the openings of entries that a party gave back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("log", type=UUID, help="the case's id, or the host log's")
        parser.add_argument("--yes", action="store_true", help="the parties know and agree")

    def handle(self, *args: Any, **options: Any) -> None:
        found = head(options["log"])
        if found is None:
            raise CommandError("There is no such log.")
        if not options["yes"]:
            raise CommandError(
                f"This gives up every entry from {found.size} on that was ever signed. Tell the parties, "
                "then say it again with --yes."
            )
        regain.give_up(options["log"])
        self.stdout.write(f"The log goes on from {found.size} entries, root {found.root_hex}.")
