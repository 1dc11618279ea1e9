"""manage.py up: run Countersign on this machine."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from config.up import up


class Command(BaseCommand):
    """The logic is in config/up.py."""

    help = "Start PostgreSQL, the broker, a worker, the beat and the web server; Ctrl-C stops them all."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until stopped."""
        code = up(sys.stdout)
        if code:
            sys.exit(code)
