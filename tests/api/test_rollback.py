"""A host put back to an older backup, signer's memory and all, against real witnesses in processes of their
own: the first look raises the alarm, writing stops, and the parties bring everything back byte for byte."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from config.instance import read_embedded
from tests.cluster import REPO
from tests.stack import Stack

PREPARE = """
import json, sys
from pathlib import Path
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from tests.cast import joint_case, the_cast, token
from tests.keyholders import FileKey, register_witness
people = the_cast()
told = {"case": str(joint_case(people).pk)}
for name in ("alice", "carol"):
    person = getattr(people, name)
    key = FileKey(load_pem_private_key(Path(FOLDER, name, "witness.pem").read_bytes(), None))
    register_witness(key, by=person, name=f"{name}.example/witness")
    told[name] = token(person)
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Party:
    """What one party runs on its side: a member's token, and a witness in a folder of its own."""

    name: str
    folder: Path
    url: str
    case: str
    token: str

    def ask(self, method: str, tail: str, **more: Any) -> requests.Response:
        """One request about the case."""
        return requests.request(
            method,
            f"{self.url}/api/v1/cases/{self.case}{tail}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=60,
            **more,
        )

    def witness(self, verb: str, *more: str) -> "subprocess.CompletedProcess[str]":
        """The real program, as the party starts it."""
        return countersign_witness(verb, "--config", str(self.folder / "witness.toml"), *more)

    def look(self) -> int:
        """One look of the witness: its exit code."""
        return self.witness("run", "--once").returncode

    def settle(self, vkey: str) -> None:
        """Write the settings file of the witness."""
        (self.folder / "token").write_text(self.token)
        (self.folder / "witness.toml").write_text(
            f'name = "{self.name}.example/witness"\nkey = "witness.pem"\nstate = "state"\n[[log]]\n'
            f'vkey = "{vkey}"\nurl = "{self.url}/api/v1/cases/{self.case}/ledger"\ntoken_file = "token"\n'
        )

    @property
    def mirror(self) -> bytes:
        """The leaves that its witness has kept."""
        (found,) = self.folder.glob("state/*/leaves.jsonl")
        return found.read_bytes()

    def sees(self) -> list[Any]:
        """The case as this party sees it: itself, its evidence, its ledger with all that is open to it."""
        tails = ("", "/parties", "/evidence", "/ledger/entries?limit=1000")
        return [self.ask("GET", tail).json() for tail in tails]


def countersign_witness(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "witness", *arguments],
        cwd=REPO,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def host(run_root: Path) -> Iterator[Stack]:
    """An instance that only this test puts back."""
    running = Stack(run_root / "rollback")
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture
def parties(host: Stack, tmp_path: Path) -> tuple[Party, Party]:
    """Northwind's alice and Contoso's carol in one case, each with a registered witness."""
    for name in ("alice", "carol"):
        (tmp_path / name).mkdir()
        made = countersign_witness("keygen", "--name", name, str(tmp_path / name / "witness.pem"))
        assert made.returncode == 0, made.stderr
    script = f"FOLDER = {str(tmp_path)!r}\n{PREPARE}"
    told = json.loads(host.manage("shell", "--no-imports", "-c", script).stdout.splitlines()[-1])
    found = [Party(name, tmp_path / name, host.url, told["case"], told[name]) for name in ("alice", "carol")]
    policy = found[0].ask("GET", "/ledger/policy").text
    (vkey,) = (line.split()[1] for line in policy.splitlines() if line.startswith("log "))
    for one in found:
        one.settle(vkey)
    return found[0], found[1]


def copy(source: Path, target: Path) -> None:
    """A cold copy, owners and times and all."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def until_quiet(party: Party) -> None:
    """The worker has nothing more to say about this case: it is at rest, with every item indexed."""
    deadline, size = time.monotonic() + 60, -1
    while True:
        items = party.ask("GET", "/evidence").json()["results"]
        now = party.ask("GET", "/ledger").json()["size"]
        if now == size and all(item["state"] == "indexed" for item in items):
            return
        assert time.monotonic() < deadline, items
        size = now
        time.sleep(0.5)


def moved(party: Party, url: str) -> Party:
    """The same party after the host has come up under another port."""
    settings = party.folder / "witness.toml"
    settings.write_text(settings.read_text().replace(party.url, url))
    return Party(party.name, party.folder, url, party.case, party.token)


def test_an_older_backup_is_noticed_told_and_made_good(host: Stack, parties: tuple[Party, Party]) -> None:
    alice, carol = parties
    until_quiet(alice)
    assert (alice.look(), carol.look()) == (0, 0)
    note = alice.ask("GET", "/ledger/checkpoint").text
    assert all(f"— {name}.example/witness " in note for name in ("alice", "carol"))

    # A backup, and a day's work after it.
    data, backup = Path(read_embedded(host.var).postgres_data), alice.folder / "backup"
    host.stop()
    copy(data, backup)
    host.start()
    alice, carol = moved(alice, host.url), moved(carol, host.url)
    file = {"file": ("gateway.jsonl", b'{"ts":"2026-02-08T10:44:10Z","tokens":1200}\n')}
    assert alice.ask("POST", "/evidence", files=file).status_code == 201
    assert carol.ask("POST", "/hold", json={"hold": True, "reason": "Litigation."}).status_code == 200
    until_quiet(alice)
    assert (alice.look(), carol.look()) == (0, 0)
    for one in (alice, carol):
        assert one.witness("pull", str(one.folder / "bundle.zip")).returncode == 0
    before, kept = (alice.sees(), carol.sees()), carol.mirror
    size = alice.ask("GET", "/ledger").json()["size"]

    # The older backup comes back, and with it goes what the signer remembered.
    host.stop()
    copy(backup, data)
    shutil.rmtree(host.var / "host.key.signed")
    host.start()
    alice, carol = moved(alice, host.url), moved(carol, host.url)
    assert alice.ask("GET", "/ledger").json()["size"] < size
    looked = carol.witness("run", "--once")
    assert looked.returncode == 3, looked.stderr
    assert "ALARM: The host has gone back" in looked.stderr
    refused = alice.ask("POST", "/hold", json={"hold": True, "reason": "Litigation."})
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:countersign:problem:log-in-doubt")
    assert f"signed this log at {size} entries" in refused.json()["detail"]
    assert alice.ask("GET", "/ledger").json()["doubt"]
    assert host.manage("verify", check=False).returncode != 0

    # One mirror brings the leaves, the bundles of both parties what they mean.
    refed = carol.witness("refeed")
    assert refed.returncode == 0, refed.stderr
    assert "do not say there yet what they mean" in refed.stdout
    assert alice.ask("GET", "/ledger/leaves?to=256").content == kept
    assert alice.ask("POST", "/hold", json={"hold": True, "reason": "x"}).status_code == 503
    half = carol.witness("openings", str(carol.folder / "bundle.zip"))
    assert half.returncode == 0, half.stderr
    assert "do not say there yet what they mean" in half.stdout
    assert alice.ask("POST", "/hold", json={"hold": True, "reason": "x"}).status_code == 503
    whole = alice.witness("openings", str(alice.folder / "bundle.zip"))
    assert "nothing is missing" in whole.stdout, whole.stderr
    # What a witness vouched for stands again once it gives that back too; the other's came with the leaves.
    assert alice.witness("refeed").returncode == 0
    assert (alice.sees(), carol.sees()) == before
    assert alice.ask("GET", "/ledger").json()["doubt"] is None
    assert "all in order" in host.manage("verify").stdout

    # Life goes on.
    held = alice.ask("POST", "/hold", json={"hold": True, "reason": "Litigation."})
    assert held.status_code == 200, held.text
    assert (alice.look(), carol.look()) == (0, 0)
    assert carol.mirror.startswith(kept)
    assert "all in order" in host.manage("verify").stdout
