"""The worker is killed while it hashes offered bytes again: the offer waits, the hash is recorded once."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bench.gateway import write_gateway_log
from config.embedded.postgres import APP, DATABASE
from config.instance import read_embedded, read_secrets
from tests.faults.test_ingest_kills import Tooling, assert_done_once, wait
from tests.stack import Stack, kill_family


@pytest.fixture(scope="module")
def hurt(run_root: Path) -> Iterator[Stack]:
    """An instance with the demo's people that only these tests hurt."""
    running = Stack(run_root / "custody-kills", DEMO="1")
    try:
        yield running.start()
    finally:
        running.remove()


def tooling(stack: Stack, login: str) -> Tooling:
    """A member's own program."""
    return Tooling(stack, stack.manage("token", login).stdout.split()[-1])


def kill_worker_at(stack: Stack, offer: str) -> bool:
    """Kill the worker once it is seen hashing for this offer; False where it was over too soon."""
    secrets = read_secrets(stack.var)
    assert secrets is not None
    with psycopg.connect(
        host=read_embedded(stack.var).postgres_sockets,
        dbname=DATABASE,
        user=APP,
        password=secrets.database_app_password,
        autocommit=True,
    ) as connection:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT attempts, pending FROM evidence_errand WHERE id = %s", [offer]
            ).fetchone()
            if row == (1, True):
                kill_family(stack.children()["worker"])
                return True
            if row is not None and not row[1]:
                return False
            time.sleep(0.002)
    return False


def test_a_worker_killed_while_it_hashes_again_leaves_an_offer_that_is_checked_once(
    hurt: Stack, tmp_path: Path
) -> None:
    alice, carol = tooling(hurt, "alice"), tooling(hurt, "carol")
    contoso = carol.call("GET", "me").json()["party"]["id"]
    alice.case = alice.call("POST", "cases", json={"title": "Killed while hashing"}).json()["id"]
    alice.call("POST", f"cases/{alice.case}/parties", json={"party": contoso, "role": "partner"})
    path = tmp_path / "gateway.jsonl"
    write_gateway_log(path, 120)
    item = alice.upload(path)
    assert_done_once(alice, item)
    wait(
        lambda: contoso in str(alice.call("GET", f"cases/{alice.case}/parties").json()["results"]),
        patience=30,
        why="Contoso never came into the case",
    )
    terms = {"to": contoso, "items": [item], "operations": ["metadata"], "purpose": "Transfer"}
    share = alice.call("POST", f"cases/{alice.case}/shares", json=terms).json()["id"]
    carol.call("POST", f"cases/{alice.case}/shares/{share}/accept", json={})
    carol.case, at = alice.case, f"cases/{alice.case}/evidence/{item}/custody"
    offer = alice.call("POST", f"{at}/offer", json={"to": contoso, "purpose": "Analysis"}).json()["id"]
    assert kill_worker_at(hurt, offer), "the worker was never seen hashing"

    def checked() -> bool:
        (row,) = carol.call("GET", f"{at}/offers").json()["results"]
        return bool(row["rehashed_at"])

    wait(checked, patience=90, why="the bytes were never hashed again")
    carol.call("POST", f"{at}/accept", json={"offer": offer})
    steps = carol.custody(item)
    assert {kind: steps[kind] for kind in ("offered", "verified", "accepted")} == {
        "offered": 1,
        "verified": 2,  # once when it came in, once for its receiver
        "accepted": 1,
    }
