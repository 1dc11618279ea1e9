"""A throw-away instance to measure in: PostgreSQL with full durability, Django pointed at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import django

from tests.cluster import Cluster, make_root, point_django


@contextmanager
def instance() -> Iterator[None]:
    """Start the database, migrate it, set Django up; all of it is gone afterwards."""
    root = make_root()
    cluster = Cluster(root, options=())
    try:
        point_django(root)
        cluster.start()
        cluster.make_database()
        django.setup()
        yield
    finally:
        cluster.stop()
