"""The demo's witnesses: what each party would set up on a machine of its own, here in a folder of its own.

That folder holds the witness's key, API token and settings, a policy file to check bundles with, and later
the mirror of its logs. The host never reads the key: the party's own program makes it and signs with it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User

from cases import tokens
from cases.actors import operator
from cases.demo.joint_case import PARTIES, demo_id
from cases.models import Case
from cases.perform import perform
from cases.pinning import policy_text
from cases.rules.acting import Actor
from cases.rules.keys import RegisterKey, statement
from cases.rules.parties import AdmitMember
from ledger import signing
from ledger.authorship import ED25519, Signature
from ledger.host import host_key, origin_of

EVERY: Final = 15
"""Seconds between two looks: short, so that a visitor sees the rings close."""

REPOSITORY: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class DemoWitness:
    """A party's witness: who registers its key, and which cases it watches."""

    party: str
    registrar: str
    cases: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name in its cosignatures."""
        return f"{self.party}.example/witness"


WITNESSES: Final = (
    DemoWitness("northwind", "alice", ("joint case",)),
    DemoWitness("contoso", "carol", ("joint case", "contoso case")),
)


def register(folder: Path, people: Mapping[str, Actor]) -> None:
    """Each witness has a key in `folder`/<party>/, and the host knows its public half.

    Before the first case is made, so that its entry 0 names the keys. As often as you like: a key that is
    there is kept, and one whose public half was never written down was never registered, so it is made anew.
    """
    for witness in WITNESSES:
        own = folder / witness.party
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (own / "witness.pub").exists():
            (own / "witness.pem").unlink(missing_ok=True)
            told = _program("keygen", "--name", witness.name, str(own / "witness.pem"))
            _write(own / "witness.pub", told)
        told = (own / "witness.pub").read_text(encoding="utf-8")
        public = dict(line.split() for line in told.splitlines())["public"]
        said = statement(
            host=settings.HOST_NAME,
            party=demo_id(witness.party),
            member=None,
            purpose="witness",
            name=witness.name,
            alg=ED25519,
            public=public,
        )
        _write(own / "statement.json", said)
        proof = json.loads(_program("sign", "--key", str(own / "witness.pem"), str(own / "statement.json")))
        perform(
            RegisterKey(
                id=demo_id(f"witness key {public}"),
                party=demo_id(witness.party),
                member=None,
                purpose="witness",
                name=witness.name,
                alg=ED25519,
                public=public,
                statement=said,
                proof=Signature(proof["sig"]),
            ),
            actor=people[witness.registrar],
        )


def equip(folder: Path, people: Mapping[str, Actor], case: Case, say: Callable[[str], None]) -> None:
    """Each witness has a token, settings and a policy file. The settings come last: where they are, a start
    has nothing left to do. What is there is never replaced: a policy is pinned once."""
    for witness in WITNESSES:
        own = folder / witness.party
        if not (own / "policy").exists():
            _write(own / "policy", policy_text(people[witness.registrar], case))
        if not (own / "token").exists():
            _write(own / "token", _token(witness) + "\n")
        if not (own / "witness.toml").exists():
            _write(own / "witness.toml", _settings(witness))
            say(f"Demo: the witness of {PARTIES[witness.party][1]} is set up.")


def _token(witness: DemoWitness) -> str:
    """A token of a member that may read and nothing else."""
    login, name = f"{witness.party}-witness", f"{PARTIES[witness.party][1]} witness"
    user, made = User.objects.get_or_create(username=login, defaults={"last_name": name})
    if made:
        user.set_unusable_password()
        user.save()
    member = demo_id(f"member {login}")
    perform(
        AdmitMember(
            id=demo_id(f"admit {login}"),
            member=member,
            party=demo_id(witness.party),
            user_id=user.pk,
            name=name,
            role="viewer",
            title="Program that mirrors and cosigns the ledger",
        ),
        actor=operator(),
    )
    return tokens.issue(member=member, label="Witness", lasting=timedelta(days=365), actor=operator())


def _settings(witness: DemoWitness) -> str:
    lines = [f'name  = "{witness.name}"', 'key   = "witness.pem"', 'state = "state"', f"every = {EVERY}"]
    for name in witness.cases:
        vkey = signing.vkey(origin_of("case", demo_id(name)), host_key().public)
        url = f"http://127.0.0.1:{settings.PORT}/api/v1/cases/{demo_id(name)}/ledger"
        lines += ["", "[[log]]", f'vkey = "{vkey}"', f'url  = "{url}"', 'token_file = "token"']
    return "\n".join(lines) + "\n"


def _program(*arguments: str) -> str:
    """What the witness program prints; it runs as the party's own process, which alone opens the key."""
    done = subprocess.run(  # noqa: S603 - argv is ours
        [sys.executable, "-m", "witness", *arguments],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _write(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
