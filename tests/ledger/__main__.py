"""`python -m tests.ledger`: every attack twenty times and five hundred clean logs, as a table."""

import argparse
from pathlib import Path

import psycopg

from bench import place
from tests.cluster import url


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ledger", description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--clean", type=int, default=500)
    asked = parser.parse_args()
    with place.instance():
        # Read after Django knows its settings.
        from django.conf import settings  # noqa: PLC0415

        from config.embedded.postgres import ADMIN  # noqa: PLC0415
        from tests.ledger.attacks import table  # noqa: PLC0415
        from tests.ledger.conftest import Superuser  # noqa: PLC0415

        root = Path(settings.VAR_DIR).parent
        with psycopg.connect(url(root, ADMIN, "countersign_main")) as connection:
            table(Superuser(connection), repeats=asked.repeats, clean=asked.clean)


if __name__ == "__main__":
    main()
