"""The demo under `make run` has two witnesses of its own, and whoever comes sees their cosignatures."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cases.demo.joint_case import demo_id
from tests.cluster import REPO
from tests.stack import Stack
from verifier.note import Policy, parse_note, parse_policy

CASE = demo_id("joint case")
PARTIES = ("northwind", "contoso")
KEYS = "SELECT type, count(*) FROM ledger_opening WHERE type LIKE 'Key%%' AND log = %s GROUP BY type"


@pytest.fixture(scope="module")
def demo(run_root: Path) -> Iterator[Stack]:
    """A started demo."""
    running = Stack(run_root / "demo", DEMO="1")
    try:
        yield running.start()
    finally:
        running.remove()


def folder(demo: Stack, party: str) -> Path:
    return demo.var / "demo" / party


def policy(demo: Stack, party: str) -> Policy:
    return parse_policy((folder(demo, party) / "policy").read_bytes())


def ask(demo: Stack, party: str, path: str) -> requests.Response:
    """With the token of the party's witness, which may read and no more."""
    token = (folder(demo, party) / "token").read_text().strip()
    answer = requests.get(
        f"{demo.url}/api/v1/cases/{CASE}/ledger/{path}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.ok, answer.text
    return answer


def wait_for_both(demo: Stack, *, patience: float = 90) -> None:
    """Until the newest checkpoint carries the cosignatures that the parties' policy asks for."""
    wanted = policy(demo, "northwind")
    deadline = time.monotonic() + patience
    while True:
        note = parse_note(ask(demo, "northwind", "checkpoint").content)
        if wanted.met({key for key, _ in wanted.check(note)}, wanted.quorum):
            return
        assert time.monotonic() < deadline, [
            path.read_text() for path in (demo.var / "log").glob("*-witness.log")
        ]
        time.sleep(0.2)


def test_both_parties_cosign_the_demo_and_its_bundle_verifies(demo: Stack, tmp_path: Path) -> None:
    wait_for_both(demo)
    for party in PARTIES:
        assert len(policy(demo, party).witnesses) == 2
        for name in ("witness.pem", "token"):
            assert (folder(demo, party) / name).stat().st_mode & 0o777 == 0o600
        bundle = tmp_path / f"{party}.zip"
        bundle.write_bytes(ask(demo, party, "export").content)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "verifier", str(bundle), "--allow-pending"),
                *("--policy", str(folder(demo, party) / "policy")),
                *("--mirror", str(next((folder(demo, party) / "state").glob(f"*{CASE}")))),
            ],
            cwd=REPO,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    said = demo.said()
    assert f"--policy {folder(demo, 'northwind')}/policy" in said
    assert str(folder(demo, "contoso")) in said


def test_a_second_start_goes_on_with_the_same_keys(demo: Stack) -> None:
    def kept() -> dict[str, bytes]:
        return {
            f"{party}/{name}": (folder(demo, party) / name).read_bytes()
            for party in PARTIES
            for name in ("witness.pem", "witness.pub", "token", "policy")
        }

    host = demo.ask("SELECT log FROM ledger_head WHERE kind = 'host'")[0][0]
    before, registered = kept(), demo.ask(KEYS, host)
    assert registered == [("KeyRegistered", 2)]
    demo.stop()
    assert demo.alive() == []
    demo.start()  # on another port
    demo.wait_until_well()
    assert kept() == before
    assert demo.ask(KEYS, host) == registered
    for party in PARTIES:
        assert demo.url.rpartition(":")[2] in (folder(demo, party) / "witness.toml").read_text()
    # A new entry is countersigned too: the witnesses found the new address.
    token = demo.manage("token", "alice").stdout.split()[-1]
    answer = requests.patch(
        f"{demo.url}/api/v1/cases/{CASE}",
        json={"severity": "critical"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.ok, answer.text
    wait_for_both(demo)


def test_without_the_demo_no_witness_runs(demo: Stack) -> None:
    assert {f"{party}-witness" for party in PARTIES} <= demo.children().keys()
    demo.stop()
    demo.env["DEMO"] = "0"
    demo.start()
    assert not [name for name in demo.children() if name.endswith("witness")]
    assert "witness" not in demo.said()
