"""A party takes the log along: the verifier agrees, and nobody learns what was not shown to them."""

import io
import json
import re
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from cases import bundle, keyring, reads
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.proof import policy_text
from cases.rules.case import ReviseCase
from cases.rules.sharing import OfferShare
from evidence.vault import vault
from ledger import signing, timestamps
from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.host import host_key
from tests import cast
from tests.api.client import api_of
from tests.keyholders import FileKey, register, register_witness, sign
from tests.ledger import authority
from tests.ledger.conftest import Superuser, Witness, superuser

__all__ = ["superuser"]

REPOSITORY = Path(__file__).parents[2]
CANARY = "Zebra-crossing-at-midnight"


@dataclass(frozen=True)
class Scene:
    """A joint case with an item of Northwind's own, both companies' witnesses, and a place for files."""

    people: cast.Cast
    case: Case
    secret: EvidenceItem
    folder: Path
    northwind: Witness = field(default_factory=lambda: Witness("northwind.example/witness"))
    contoso: Witness = field(default_factory=lambda: Witness("contoso.example/witness"))

    @property
    def sealed(self) -> int:
        """The index of the entry that sealed the item."""
        return reads.custody(self.people.alice.actor, self.secret).get(kind="sealed").entry

    def cosigned(self, *witnesses: Witness) -> int:
        """Let these witnesses countersign the newest checkpoint; its size."""
        note = checkpoint_note(self.case.pk)
        size = signing.parse_checkpoint(note).size
        for one in witnesses:
            add_cosignatures(self.case.pk, one.cosign(note, int(time.time())), [one.key.vkey], size=size)
        return size

    def exported(self, person: cast.Person) -> Path:
        """What a person's party takes along, as a file."""
        made = bundle.export(person.actor, self.case)
        path = self.folder / uuid4().hex / made.filename
        path.parent.mkdir()
        path.write_bytes(b"".join(made.parts))
        return path

    def verified(self, path: Path, *more: str | Path, policy: str = "") -> tuple[int, list[str]]:
        """What the verifier, as its own program, says of a bundle: exit code and lines."""
        pinned = self.folder / "policy.txt"
        pinned.write_text(policy or self._policy())
        given = [sys.executable, "-m", "verifier", str(path), "--policy", str(pinned), *map(str, more)]
        done = subprocess.run(given, cwd=REPOSITORY, check=False, capture_output=True, text=True)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()

    def _policy(self) -> str:
        origin = signing.parse_checkpoint(checkpoint_note(self.case.pk)).origin
        return (
            f"log {signing.vkey(origin, host_key().public)}\n"
            f"witness northwind {self.northwind.key.vkey}\nwitness contoso {self.contoso.key.vkey}\n"
            "group both all northwind contoso\nquorum both\n"
        )


@pytest.fixture
def scene(committed_db: None, tmp_path: Path) -> Scene:
    people = cast.the_cast()
    case = cast.joint_case(people)
    return Scene(people, case, cast.sealed_item(people, case, title=CANARY), tmp_path)


def contents(path: Path) -> dict[str, bytes]:
    """The files of a zip, unpacked."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def opened(path: Path) -> dict[int, dict[str, tuple[str, object]]]:
    """The openings in a bundle by index."""
    lines = map(json.loads, contents(path)["openings.jsonl"].splitlines())
    return {line["i"]: line["fields"] for line in lines}


def test_each_party_takes_the_log_along_and_it_holds(scene: Scene) -> None:
    scene.cosigned(scene.northwind, scene.contoso)
    for person in (scene.people.alice, scene.people.carol, scene.people.rhea):
        code, said = scene.verified(scene.exported(person))
        assert code == 0, said
        assert said[-1].startswith("All holds: ")


def test_the_policy_that_the_host_offers_fits_what_it_hands_out(scene: Scene) -> None:
    """With witnesses' and members' keys registered, an act that a member signed, and an item disclosed."""
    people, own = scene.people, FileKey()
    for witness, person in ((scene.northwind, people.alice), (scene.contoso, people.carol)):
        register_witness(FileKey(witness.private), by=person, name=witness.name)
    register(own, by=people.alice)
    share = OfferShare(
        case=scene.case.pk,
        share=uuid4(),
        items=(scene.secret.pk,),
        to=people.contoso,
        operations=("search",),
        purpose="Analysis",
    )
    perform(share, actor=people.alice.actor, authorship=sign(own, share))
    cast.accepted(scene.case, share.share)
    keyring.spread(scene.case.pk, people.contoso)
    scene.cosigned(scene.northwind, scene.contoso)
    for person in (people.alice, people.carol, people.rhea):
        policy = policy_text(person.actor, reads.case(person.actor, scene.case.pk))
        code, said = scene.verified(scene.exported(person), policy=policy)
        assert code == 0, said
    kinds = {body["type"][1] for body in opened(scene.exported(people.rhea)).values()}
    assert "KeyRegistered" in kinds
    assert not {"ShareOffered", "ShareAccepted"} & kinds
    kinds = {body["type"][1] for body in opened(scene.exported(people.carol)).values()}
    assert {"ShareOffered", "ShareAccepted"} <= kinds


def test_what_was_not_disclosed_stays_sealed(scene: Scene) -> None:
    everything = opened(scene.exported(scene.people.alice))
    theirs = scene.exported(scene.people.carol)
    sealed = everything.keys() - opened(theirs).keys()
    kinds = {everything[index]["type"][1] for index in sealed}
    assert kinds == {"EvidenceAcquired", "EvidenceReceived", "EvidenceSealed"}
    whole = b"".join(contents(theirs).values())
    for secret in (CANARY, scene.secret.sha256, str(scene.secret.pk)):
        assert secret.encode() not in whole
        assert secret.encode() in b"".join(contents(scene.exported(scene.people.alice)).values())
    for index in sealed:
        for salt, _ in everything[index].values():
            assert salt.encode() not in whole
            assert bytes.fromhex(salt) not in whole


def test_a_later_disclosure_opens_what_was_committed_to(scene: Scene) -> None:
    before = scene.exported(scene.people.carol)
    cast.disclose(scene.case, scene.secret, scene.people.contoso, by=scene.people.alice)
    scene.cosigned(scene.northwind, scene.contoso)
    after = scene.exported(scene.people.carol)
    assert scene.verified(after)[0] == 0
    leaves = contents(before)["leaves.jsonl"]
    assert contents(after)["leaves.jsonl"].startswith(leaves)
    assert CANARY.encode() in contents(after)["openings.jsonl"]
    listed = [json.loads(line) for line in contents(after)["evidence.jsonl"].splitlines()]
    assert [(one["number"], one["sha256"]) for one in listed] == [(1, scene.secret.sha256)]


def test_two_parties_were_shown_one_history(scene: Scene) -> None:
    scene.cosigned(scene.northwind, scene.contoso)
    mine, theirs = scene.exported(scene.people.alice), scene.exported(scene.people.carol)
    code, said = scene.verified(mine, "--against", theirs)
    assert code == 0, said


def test_equal_states_give_equal_bytes(scene: Scene) -> None:
    assert scene.exported(scene.people.carol).read_bytes() == scene.exported(scene.people.carol).read_bytes()


def test_what_others_write_meanwhile_tears_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between any two pieces of the zip others revise the case, read and disclose: it stays one moment's."""
    size = scene.cosigned(scene.northwind, scene.contoso)
    monkeypatch.setattr(bundle, "PAGE", 1)
    monkeypatch.setattr(bundle, "PIECE", 1)
    before = scene.exported(scene.people.carol).read_bytes()
    made, pieces = bundle.export(scene.people.carol.actor, scene.case), []
    for number, piece in enumerate(made.parts):
        pieces.append(piece)
        perform(ReviseCase(case=scene.case.pk, title=f"Title {number}"), actor=scene.people.alice.actor)
        if number == 2:
            cast.disclose(scene.case, scene.secret, scene.people.contoso, by=scene.people.alice)
    assert len(pieces) > 5
    assert b"".join(pieces) == before
    path = scene.folder / "torn.zip"
    path.write_bytes(before)
    assert scene.verified(path)[0] == 0
    assert made.size == size


def test_older_notes_and_time_stamps_go_along(scene: Scene, tmp_path: Path) -> None:
    """The whole quorum at an earlier size, one witness later, a time stamp between: all of it is in the file,
    is checked, and gives the entries their bounds."""
    whole = scene.cosigned(scene.northwind, scene.contoso)
    with_tsa = scene.folder / "tsa"
    with_tsa.mkdir()
    root = authority.make(with_tsa)
    (scene.folder / "roots.pem").write_text(root)
    with authority.serve(with_tsa, root) as tsa:
        timestamps.stamp(scene.case.pk, None, tsa)
    scene.cosigned(scene.contoso)
    perform(ReviseCase(case=scene.case.pk, title="Another title"), actor=scene.people.alice.actor)
    one = scene.cosigned(scene.northwind)
    perform(ReviseCase(case=scene.case.pk, title="Yet another"), actor=scene.people.alice.actor)
    path = scene.exported(scene.people.carol)
    notes = {name for name in contents(path) if name.endswith(".note")}
    assert notes == {f"checkpoints/{whole}.note", f"checkpoints/{one}.note", f"timestamps/{whole}.1.note"}
    trusting = ("--tsa", scene.folder / "roots.pem")
    code, said = scene.verified(path, *trusting)
    assert code == 1
    assert any(f"entry {whole}: " in line for line in said if line.startswith("finding:"))
    code, said = scene.verified(path, *trusting, "--allow-pending")
    assert code == 0, said
    bounds = [line for line in said if line.startswith("entr")]
    assert "by nobody yet" in bounds[-1]
    assert "after any time" in bounds[0] and "nobody" not in bounds[0]


def test_one_changed_byte_in_any_file_is_found(scene: Scene) -> None:
    """Of the files that a verifier believes anything of, and where a number can be named, it is the right
    one."""
    with_tsa = scene.folder / "tsa"
    with_tsa.mkdir()
    root = authority.make(with_tsa)
    (scene.folder / "roots.pem").write_text(root)
    size = scene.cosigned(scene.northwind, scene.contoso)
    with authority.serve(with_tsa, root) as tsa:
        timestamps.stamp(scene.case.pk, None, tsa)
    perform(ReviseCase(case=scene.case.pk, title="Another title"), actor=scene.people.alice.actor)
    scene.cosigned(scene.northwind, scene.contoso)
    files = contents(scene.exported(scene.people.alice))
    folder = scene.folder / "unpacked"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    trusting = ("--tsa", scene.folder / "roots.pem")
    assert scene.verified(folder, *trusting)[0] == 0
    leaf, salt = files["leaves.jsonl"].index(b'"i":3,'), files["openings.jsonl"].index(b'"i":3}')
    spots = [
        ("leaves.jsonl", leaf - 10, "entry 3"),
        ("openings.jsonl", salt - 20, "entry 3"),
        ("evidence.jsonl", files["evidence.jsonl"].index(b'"sha256":"') + 12, f"entry {scene.sealed}"),
        ("checkpoint", files["checkpoint"].rindex(b"A"), ""),
        (f"checkpoints/{size}.note", files[f"checkpoints/{size}.note"].index(b"\n\n") - 5, ""),
        (f"timestamps/{size}.1.tsr", len(files[f"timestamps/{size}.1.tsr"]) - 20, ""),
        (f"timestamps/{size}.1.note", 80, ""),
    ]
    for name, place, where in spots:
        changed = bytearray(files[name])
        changed[place] ^= 1
        (folder / name).write_bytes(changed)
        code, said = scene.verified(folder, *trusting)
        assert code == 1, name
        assert any(line.startswith("finding:") and where in line for line in said), (name, said)
        (folder / name).write_bytes(files[name])


def test_sealed_files_are_hashed_again(scene: Scene) -> None:
    """The bytes from the vault, given to the verifier as files, have the hashes that were sealed."""
    scene.cosigned(scene.northwind, scene.contoso)
    files = scene.folder / "files"
    files.mkdir()
    (files / scene.secret.filename).write_bytes(vault().path(scene.secret.sha256).read_bytes())
    path = scene.exported(scene.people.alice)
    code, said = scene.verified(path, "--evidence", files)
    assert code == 0, said
    assert f"evidence of entry {scene.sealed}: found, 'gateway.jsonl'" in said
    with (files / scene.secret.filename).open("ab") as file:
        file.write(b"one line more\n")
    assert scene.verified(path, "--evidence", files)[0] == 1


def test_an_entry_whose_opening_is_lost_stands_sealed(scene: Scene, superuser: Superuser) -> None:
    """As after a restored backup, when a mirror gave back what this host cannot open any more."""
    superuser.change("DELETE FROM ledger_opening WHERE log = %(log)s AND index = 3", {"log": scene.case.pk})
    scene.cosigned(scene.northwind, scene.contoso)
    path = scene.exported(scene.people.alice)
    assert 3 not in opened(path)
    code, said = scene.verified(path)
    assert code == 0, said
    row = reads.ledger_page(scene.people.alice.actor, scene.case, after=2, limit=1)[0]
    assert row.opening is None and row.sentence.startswith("Sealed entry 3")


def test_the_api_hands_it_out_to_parties_of_the_case(scene: Scene) -> None:
    people, path = scene.people, f"/cases/{scene.case.pk}/ledger/export"
    answer = api_of(people.carol).get(path)
    assert answer["Content-Type"] == "application/zip"
    name = bundle.filename(people.carol.actor, scene.case)
    assert re.fullmatch(rf"{scene.case.reference}-contoso-[0-9a-f]{{6}}-ledger\.zip", name)
    assert f'filename="{name}"' in answer["Content-Disposition"]
    assert answer.getvalue() == scene.exported(people.carol).read_bytes()
    asked = api_of(people.carol).ask("HEAD", path)
    assert (asked.status_code, asked["Content-Disposition"]) == (200, answer["Content-Disposition"])
    assert not asked.streaming
    assert api_of(people.mallory).get(path).status_code == 404


def test_a_page_hands_it_out_too(scene: Scene) -> None:
    browser = Client()
    browser.force_login(scene.people.carol.user)
    path = f"/cases/{scene.case.reference}/ledger/export"
    answer = browser.get(path)
    assert zipfile.is_zipfile(io.BytesIO(answer.getvalue()))
    assert browser.head(path)["Content-Disposition"] == answer["Content-Disposition"]
    browser.force_login(scene.people.mallory.user)
    assert browser.get(path).status_code == 404


def test_tools_on_the_host_get_it_as_a_file(scene: Scene) -> None:
    file, who = scene.folder / "out.zip", scene.people.carol.user.username
    call_command("export_ledger", scene.case.reference, str(file), f"--as={who}", stdout=io.StringIO())
    assert file.read_bytes() == scene.exported(scene.people.carol).read_bytes()
    outsider = scene.people.mallory.user.username
    for case, target, user in (
        (scene.case.reference, file, who),
        (scene.case.reference, scene.folder / "other.zip", outsider),
        (scene.case.reference, scene.folder / "other.zip", "nobody"),
    ):
        with pytest.raises(CommandError):
            call_command("export_ledger", case, str(target), f"--as={user}", stdout=io.StringIO())
    assert not (scene.folder / "other.zip").exists()
