"""manage.py up: run Countersign on this machine."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.up import up


class Command(BaseCommand):
    """The logic is in config/up.py."""

    help = "Start PostgreSQL, the broker, a worker, the beat and the web server; Ctrl-C stops them all."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """One option, for `make run`."""
        parser.add_argument(
            "--with-parent",
            action="store_true",
            help="also stop when the starting process ends",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        code = up(sys.stdout, with_parent=options["with_parent"])
        if code:
            sys.exit(code)
