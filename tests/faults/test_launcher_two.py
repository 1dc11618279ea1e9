"""Two instances side by side, one of them where sockets cannot be."""

from pathlib import Path

import requests

from config.embedded.postgres import APP, OWNER
from tests.cluster import Cluster, url
from tests.stack import Stack


def test_two_instances_share_nothing(run_root: Path) -> None:
    short = Stack(run_root / "one")
    # Too long for a unix socket, and with characters that a URL would have to quote.
    long = Stack(run_root / "two with spaces & 100 % of what a path may hold" / ("deep" * 15))
    try:
        short.spawn()
        long.var.parent.mkdir(mode=0o711)
        long.start()
        short.wait_until_running()
        assert short.url != long.url
        for instance in (short, long):
            instance.wait_until_well()
        assert long.health() == short.health()
        refused = Stack(short.var)
        assert refused.spawn().wait(30) == 1
        assert f"already runs Countersign from {short.var}" in refused.said()
        assert short.stop() < 10
        assert requests.get(f"{long.url}/healthz", timeout=20).status_code == 200
        assert long.stop() < 10
        assert short.alive() == long.alive() == []
    finally:
        short.remove()
        long.remove()


def test_a_database_of_ones_own(run_root: Path, cluster: Cluster) -> None:
    cluster.postgres.make_database(cluster.secrets, name="elsewhere")
    app, owner = (url(run_root, role, "elsewhere") for role in (APP, OWNER))
    external = Stack(run_root / "external", DATABASE_URL=app, DATABASE_OWNER_URL=owner)
    try:
        external.start()
        external.wait_until_well()
        assert external.children().keys() == {"broker", "worker", "beat", "web"}
        assert not (external.var / "postgres").exists()
        assert external.stop() < 10
    finally:
        external.remove()
