"""Worker, broker and web process are killed while evidence comes in: nothing lost, nothing twice."""

import http.client
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from bench.gateway import write_gateway_log
from config.embedded.postgres import APP, DATABASE
from config.instance import read_embedded, read_secrets
from tests.stack import Stack, kill_family

STEPS = ("verify", "parse", "index")


@dataclass
class Tooling:
    """A party's own program: uploads to one case by API."""

    stack: Stack
    token: str
    case: str = ""

    def call(self, method: str, path: str, **rest: Any) -> requests.Response:
        """One request; the answer must be a success."""
        url = f"{self.stack.url}/api/v1/{path}"
        answer = requests.request(
            method, url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60, **rest
        )
        assert answer.ok, (answer.status_code, answer.text)
        return answer

    def upload(self, path: Path) -> str:
        """Upload a file; the id of the acknowledged item."""
        with path.open("rb") as file:
            answer = self.call("POST", f"cases/{self.case}/evidence", files={"file": (path.name, file)})
        return str(answer.json()["id"])

    def item(self, item: str) -> dict[str, Any]:
        """The item as the API tells it."""
        found: dict[str, Any] = self.call("GET", f"cases/{self.case}/evidence/{item}").json()
        return found

    def custody(self, item: str) -> Counter[str]:
        """How often each kind of custody event stands in the item's chain."""
        answer = self.call("GET", f"cases/{self.case}/evidence/{item}/custody").json()
        return Counter(step["kind"] for step in answer["results"])


@pytest.fixture(scope="module")
def hurt(run_root: Path) -> Iterator[Stack]:
    """An instance with the demo's people that only these tests hurt."""
    running = Stack(run_root / "kills", DEMO="1")
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def tooling(hurt: Stack) -> Tooling:
    """Tooling of alice's party with a case of its own."""
    token = hurt.manage("token", "alice").stdout.split()[-1]
    tool = Tooling(hurt, token)
    tool.case = tool.call("POST", "cases", json={"title": "Killed while ingesting"}).json()["id"]
    return tool


@pytest.fixture(scope="module")
def log(run_root: Path) -> Path:
    """A gateway log large enough that each step of its ingest can be caught at work."""
    path = run_root / "gateway.jsonl"
    write_gateway_log(path, 120)
    return path


def wait(until: Callable[[], bool], *, patience: float, why: str, pause: float = 0.2) -> None:
    deadline = time.monotonic() + patience
    while not until():
        assert time.monotonic() < deadline, why
        time.sleep(pause)


def kill_worker_at(stack: Stack, item: str, step: str) -> bool:
    """Kill the worker once it is seen at this step of the item; False when the step was over too soon."""
    deadline = time.monotonic() + 90
    secrets = read_secrets(stack.var)
    assert secrets is not None
    with psycopg.connect(
        host=read_embedded(stack.var).postgres_sockets,
        dbname=DATABASE,
        user=APP,
        password=secrets.database_app_password,
        autocommit=True,
    ) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT step, attempts, pending FROM evidence_ingest WHERE item = %s", [item]
            ).fetchone()
            if row == (step, 1, True):
                kill_family(stack.children()["worker"])
                return True
            if row is not None and not row[2]:
                return False
            time.sleep(0.002)
    return False


def assert_done_once(tooling: Tooling, item: str) -> None:
    wait(
        lambda: tooling.item(item)["state"] in ("indexed", "quarantined"),
        patience=120,
        why="the item never came to an end",
    )
    found = tooling.item(item)
    assert found["state"] == "indexed", found
    assert found["records"] + found["rejects"] == found["lines"]
    steps = tooling.custody(item)
    assert {kind: steps[kind] for kind in ("acquired", "received", "sealed", "verified")} == {
        "acquired": 1,
        "received": 1,
        "sealed": 1,
        "verified": 1,
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_a_step_leaves_an_item_that_the_next_one_finishes(
    hurt: Stack, tooling: Tooling, log: Path, step: str
) -> None:
    item = tooling.upload(log)
    assert kill_worker_at(hurt, item, step), f"the worker was never seen at {step}"
    assert_done_once(tooling, item)


def test_a_worker_killed_before_it_began_and_again_after_it_became_searchable(
    hurt: Stack, tooling: Tooling, log: Path
) -> None:
    kill_family(hurt.children()["worker"])
    item = tooling.upload(log)
    wait(
        lambda: tooling.item(item)["state"] in ("searchable", "indexed"),
        patience=120,
        why="the item never became searchable",
        pause=0.02,
    )
    kill_family(hurt.children()["worker"])
    assert_done_once(tooling, item)


def test_a_wiped_broker_loses_no_work(hurt: Stack, tooling: Tooling, log: Path) -> None:
    children = hurt.children()
    item = tooling.upload(log)
    kill_family(children["worker"])
    kill_family(children["broker"])
    data = hurt.var / "broker"
    assert data.is_dir(), sorted(path.name for path in hurt.var.iterdir())
    shutil.rmtree(data, ignore_errors=True)
    hurt.wait_until_well(patience=60)
    assert_done_once(tooling, item)


def test_a_web_process_killed_while_bytes_arrive_acknowledges_nothing(
    hurt: Stack, tooling: Tooling, log: Path
) -> None:
    before = tooling.call("GET", f"cases/{tooling.case}/evidence").json()["results"]
    address = urlsplit(hurt.url)
    outcome: list[object] = []

    def send() -> None:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="cut.jsonl"\r\n\r\n'
        try:
            connection.putrequest("POST", f"/api/v1/cases/{tooling.case}/evidence")
            connection.putheader("Authorization", f"Bearer {tooling.token}")
            connection.putheader("Content-Type", "multipart/form-data; boundary=cut")
            connection.putheader("Content-Length", str(len(head) + log.stat().st_size + 100))
            connection.endheaders()
            connection.send(head)
            with log.open("rb") as file:
                while chunk := file.read(1 << 20):
                    connection.send(chunk)
                    time.sleep(0.02)
            outcome.append(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            outcome.append(error)
        finally:
            connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    wait(lambda: any((hurt.var / "vault" / "tmp").iterdir()), patience=20, why="no bytes arrived", pause=0.02)
    kill_family(hurt.children()["web"])
    sender.join()
    assert outcome and isinstance(outcome[0], Exception)
    hurt.wait_until_well(patience=60)
    after = tooling.call("GET", f"cases/{tooling.case}/evidence").json()["results"]
    assert [item["id"] for item in after] == [item["id"] for item in before]
    wait(
        lambda: not any((hurt.var / "vault" / "tmp").iterdir()),
        patience=90,
        why="what the dead upload left was never cleared",
    )


def test_the_history_of_all_this_verifies(hurt: Stack, tooling: Tooling) -> None:
    assert hurt.manage("verify").returncode == 0
    events, items = hurt.ask(
        "SELECT count(*), count(DISTINCT stream) FROM ledger_opening WHERE type = 'EvidenceSealed'"
    )[0]
    assert events == items
