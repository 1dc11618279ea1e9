#!/usr/bin/env python3
"""Countersign's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError


def main() -> None:
    """Run one management command; a wrong setting or an absent database is one sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Countersign cannot start: {error}")
    except OperationalError as error:
        sys.exit(f"The database does not answer; is this instance running? ({str(error).splitlines()[0]})")


if __name__ == "__main__":
    main()
