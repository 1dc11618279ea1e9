"""Whole bundles: honest ones hold, and tampering is found, at its index where that can be known."""

import json
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from tests.verifier import maker
from tests.verifier.conftest import Checked
from tests.verifier.maker import DATA, ORIGIN, START, Log, key, public, vkey
from verifier.__main__ import main

Files = dict[str, bytes]


def lines(files: Files, name: str = "leaves.jsonl") -> list[bytes]:
    """The lines of a file."""
    return files[name].split(b"\n")[:-1]


def put(files: Files, changed: list[bytes], name: str = "leaves.jsonl") -> None:
    """Write the lines back."""
    files[name] = b"".join(one + b"\n" for one in changed)


def test_an_honest_bundle_holds(check: Checked) -> None:
    assert check(maker.example().files()) == (0, [])


def test_a_zip_holds_as_its_folder(check: Checked, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("checkpoints/", b"")
        for name, data in maker.example().files().items():
            packed.writestr(name, data)
    assert check(tmp_path / "b.zip") == (0, [])


def test_time_bounds(check: Checked, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = maker.write(maker.example().files(), tmp_path / "b")
    (tmp_path / "p").write_text(maker.Log().policy())
    assert main([str(bundle), "--policy", str(tmp_path / "p"), "--times"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "entry 0: after any time, by 2026-02-08 10:02:00+00:00"
    assert shown[4] == "entry 4: after 2026-02-08 10:02:00+00:00, by 2026-02-08 10:05:00+00:00"
    assert shown[10] == "entry 10: after 2026-02-08 10:05:00+00:00, by 2026-02-08 10:11:00+00:00"


def flip(at: int, old: bytes, new: bytes, name: str = "leaves.jsonl") -> Callable[[Files], None]:
    """Change bytes of one line."""

    def change(files: Files) -> None:
        found = lines(files, name)
        assert old in found[at]
        found[at] = found[at].replace(old, new, 1)
        put(files, found, name)

    return change


def delete(start: int, end: int) -> Callable[[Files], None]:
    """Delete leaves."""

    def change(files: Files) -> None:
        found = lines(files)
        put(files, found[:start] + found[end:])

    return change


def swap(files: Files) -> None:
    found = lines(files)
    found[3], found[4] = found[4], found[3]
    put(files, found)


def renumbered(files: Files) -> None:
    """Delete a leaf and number the rest anew, as a careful forger would."""
    found = lines(files)
    del found[3]
    put(
        files,
        [one.replace(b'"i":%d,' % (n + 1), b'"i":%d,' % n) if n >= 3 else one for n, one in enumerate(found)],
    )


def insert(files: Files) -> None:
    found = lines(files)
    put(files, [*found[:3], found[2].replace(b'"i":2', b'"i":3'), *found[3:]])


def fork(files: Files) -> None:
    """Another history, signed by the host's own key, with the witnesses' old lines beside it."""
    other = Log(salt="other")
    other.add("CaseCreated", title="Something else")
    files["checkpoint"] = other.checkpoint().encode()


@pytest.mark.parametrize(
    ("change", "index"),
    [
        (flip(4, b'"commit":"', b'"commit":"0'), 4),
        (flip(3, b'"party":"2', b'"party":"3'), None),
        (flip(5, b"T10:05", b"T10:03"), 5),
        (flip(1, b"T10:01", b"T09:01"), 1),
        (flip(6, b'"v":1', b'"v":2'), 6),
        (flip(6, b'"sig":"', b'"sig":"A'), None),
        (flip(2, b'"i":2', b'"i": 2'), 2),
        (delete(4, 5), 4),
        (delete(10, 11), 10),
        (delete(7, 11), 7),
        (delete(0, 11), 0),
        (swap, 3),
        (renumbered, 4),
        (insert, 4),
        (fork, None),
        (flip(2, b"one.log", b"two.log", "openings.jsonl"), None),
        (flip(0, b"Bulk", b"Mild", "openings.jsonl"), None),
        (flip(3, b'"hidden":["', b'"hidden":["0', "openings.jsonl"), None),
        (flip(0, b'"one.log"', b'"two.log"', "evidence.jsonl"), None),
        (flip(0, b'"i":2', b'"i":3', "evidence.jsonl"), None),
        (lambda files: files.update({"evidence.jsonl": b""}), None),
        (lambda files: files.pop("evidence.jsonl"), None),
        (lambda files: files.pop("leaves.jsonl"), None),
        (lambda files: files.pop("checkpoint"), None),
        (lambda files: files.update({"leaves.jsonl": files["leaves.jsonl"][:-1]}), None),
        (lambda files: files.update({"checkpoint": files["checkpoint"].replace(b"\n11\n", b"\n10\n")}), None),
        (lambda files: files.update({"other.txt": b""}), None),
        (lambda files: files.update({"checkpoints/5.note": files["checkpoints/2.note"]}), None),
    ],
)
def test_tampering_is_found(check: Checked, change: Callable[[Files], None], index: int | None) -> None:
    files = maker.example().files()
    change(files)
    code, findings = check(files)
    assert code == 1
    assert findings
    if index is not None:
        named = [re.search(r"^entry (\d+):|That of entry (\d+)", one) for one in findings]
        assert min(int(one[1] or one[2]) for one in named if one) == index


def test_each_salt_and_value_of_an_opening_counts(check: Checked) -> None:
    files = maker.example().files()
    found = [json.loads(one) for one in lines(files, "openings.jsonl")]
    for opening in found:
        for name in list(opening["fields"])[:3]:
            salt, value = opening["fields"][name]
            for changed in ([salt[::-1], value], [salt, [value]], [salt, None], [salt]):
                opening["fields"][name] = changed
                put(files, [maker.jcs(one) for one in found], "openings.jsonl")
                assert check(files)[0] == 1
            opening["fields"][name] = [salt, value]


def rewritten(log: Log, salt: str = "other") -> Log:
    """The same length of history with another content from entry 4 on, signed with the host's real key."""
    other = Log(salt=log.salt)
    for index in range(len(log.leaves)):
        other.salt = salt if index == 4 else log.salt
        other.add()
    other.checkpoint(by=2)
    return other


def test_a_rewritten_log_is_found_by_the_mirror_at_the_index(check: Checked, tmp_path: Path) -> None:
    plain = Log()
    for _ in range(9):
        plain.add()
    plain.checkpoint(by=2)
    mirror = maker.write(
        {name: plain.files()[name] for name in ("leaves.jsonl", "checkpoint")}, tmp_path / "mirror"
    )
    (mirror / "lock").touch()
    assert check(plain.files(), "--mirror", mirror) == (0, [])
    other = rewritten(plain)
    assert check(other.files())[0] == 0  # all keys in one hand: only a kept copy can tell
    code, findings = check(other.files(), "--mirror", mirror)
    assert code == 1
    assert findings[0].startswith("entry 4:")
    old = Log(leaves=plain.leaves[:6], openings=plain.openings[:6])
    old.checkpoint(by=2)
    code, findings = check(old.files(), "--mirror", mirror)
    assert code == 1
    assert findings[0].startswith("entry 6:")
    assert (
        check(plain.files(), "--mirror", maker.write({"leaves.jsonl": b"\n"}, tmp_path / "rubbish"))[0] == 1
    )


@pytest.mark.parametrize("longer", [0, 5])
def test_a_split_view_makes_a_proof_of_fraud(check: Checked, tmp_path: Path, longer: int) -> None:
    plain = Log()
    for _ in range(9):
        plain.add()
    other = rewritten(plain)
    plain.checkpoint(by=2)
    if longer:
        other.notes.clear()
    for _ in range(longer):
        other.add()
    other.checkpoint(by=2)
    theirs, proof = maker.write(other.files(), tmp_path / "theirs"), tmp_path / "fraud.json"
    code, findings = check(plain.files(), "--against", theirs, "--proof-to", proof)
    assert code == 1
    assert findings[0].startswith("entry 4:")
    assert "two histories" in findings[-1]
    policy = str(tmp_path / "policy")
    assert main(["--policy", policy, "--fraud-proof", str(proof)]) == 0
    whole = json.loads(proof.read_text())
    for change in (
        {"a": whole["b"]},
        {"b": whole["a"]},
        {"fraud": 1},
        {"a": 7},
        {"b": {}},
        {"a": whole["a"] | {"checkpoint": whole["a"]["checkpoint"].replace("\n9\n", "\n8\n")}},
        *(
            [
                {"index": 3},
                {"index": None},
                {"index": -1},
                {"b": whole["b"] | {"proof": whole["b"]["proof"][1:]}},
                {"b": whole["b"] | {"proof": [7]}},
                {"b": whole["b"] | {"leaf": whole["a"]["leaf"]}},
            ]
            if longer
            else []
        ),
    ):
        proof.write_text(json.dumps(whole | change))
        assert main(["--policy", policy, "--fraud-proof", str(proof)]) == 1


def test_entries_that_nothing_signs_are_found(check: Checked) -> None:
    log = maker.example()
    log.add()
    log.add()
    files = log.files()
    files["leaves.jsonl"] += b"".join(leaf + b"\n" for leaf in log.leaves[11:])
    code, findings = check(files)
    assert code == 1
    assert "Entry 11 and what follows" in findings[0]


def test_two_logs_are_no_fraud(check: Checked, tmp_path: Path) -> None:
    """Checkpoints of one size of two logs differ, and should."""
    log, other = maker.example(), ORIGIN.replace("0f0e", "1f0e")
    text = f"{other}\n11\n{maker.b64(bytes(32))}\n"
    note = text + "\n" + maker.signed(other, 1, log.host, log.host.sign(text.encode()))
    policy = log.policy() + f"log {vkey(other, 1, public(log.host))}\n"
    (tmp_path / "policy").write_text(policy)
    proof = {"fraud": "countersign/fraud/v1", "a": {"checkpoint": log.notes[11]}, "b": {"checkpoint": note}}
    (tmp_path / "proof").write_text(json.dumps(proof))
    arguments = ["--policy", str(tmp_path / "policy"), "--fraud-proof", str(tmp_path / "proof")]
    assert main(arguments) == 1
    forged = text.replace(other, ORIGIN)
    fork = forged + "\n" + maker.signed(ORIGIN, 1, log.host, log.host.sign(forged.encode()))
    (tmp_path / "proof").write_text(json.dumps(proof | {"b": {"checkpoint": fork}}))
    assert main(arguments) == 0
    bundle = log.files() | {"checkpoint": note.encode()}
    assert check(bundle, policy=policy)[0] == 1
    assert check(log.files(), "--against", maker.write(bundle, tmp_path / "other"), policy=policy)[0] == 1


def test_one_commitment_opened_as_two_bodies_is_found_by_comparing(check: Checked, tmp_path: Path) -> None:
    """A field that is committed to twice can be shown to one party as this, to another as that."""
    log, salt = Log(), bytes(32)
    log.add(reason="Guilty.")
    row, leaf = log.openings[0], json.loads(log.leaves[0])
    digests = {
        name: sha256(b"countersign/field/v1\n" + bytes.fromhex(one) + maker.jcs([name, value])).digest()
        for name, (one, value) in row["fields"].items()
    }
    twin = sha256(b"countersign/field/v1\n" + salt + maker.jcs(["reason", "Innocent."])).digest()
    both = b"".join(sorted([*digests.values(), twin]))
    log.leaves[0] = maker.jcs(leaf | {"commit": sha256(b"countersign/body/v1\n" + both).hexdigest()})
    log.checkpoint(by=2)
    ours = row | {"hidden": [twin.hex()]}
    fields = row["fields"] | {"reason": [salt.hex(), "Innocent."]}
    theirs = row | {"fields": fields, "hidden": [digests["reason"].hex()]}
    views = [log.files() | {"openings.jsonl": maker.jcs(one) + b"\n"} for one in (ours, theirs)]
    for view in views:
        assert check(view) == (0, [])  # alone neither can tell; the note says that a field is hidden
    code, findings = check(views[0], "--against", maker.write(views[1], tmp_path / "theirs"))
    assert code == 1
    assert findings[0].startswith("entry 0:")
    assert check(views[0], "--against", maker.write(views[0], tmp_path / "same")) == (0, [])


def test_honest_bundles_of_two_sizes_agree(check: Checked, tmp_path: Path) -> None:
    log = maker.example()
    longer = maker.example()
    longer.add()
    longer.checkpoint(by=2)
    theirs = maker.write(longer.files(), tmp_path / "theirs")
    assert check(log.files(), "--against", theirs) == (0, [])
    assert check(longer.files(), "--against", maker.write(log.files(), tmp_path / "x")) == (0, [])


def test_a_quorum_is_asked_for(check: Checked) -> None:
    log = maker.example()
    log.add()
    log.checkpoint(by=1)
    code, findings = check(log.files())
    assert (code, findings[0][:9]) == (1, "entry 11:")
    assert check(log.files(), "--allow-pending") == (0, [])
    assert check(log.files(), policy=log.policy("w0")) == (0, [])
    assert check(log.files(), policy=log.policy("none")) == (0, [])
    lone = Log()
    lone.add()
    lone.checkpoint(by=1)
    assert check(lone.files(), "--allow-pending")[0] == 1


def test_forged_cosignatures(check: Checked) -> None:
    files = maker.example().files()
    good = files["checkpoint"]
    text = good.partition(b"\n\n")[0] + b"\n"
    for name, signer in (("contoso.example/w", "mallory"), ("contoso.example/w", "northwind.example/w")):
        stamp = 1770545000
        signature = key(signer).sign(f"cosignature/v1\ntime {stamp}\n".encode() + text)
        key_id = sha256(name.encode() + b"\n\x04" + public(key(name))).digest()[:4]
        line = f"— {name} {maker.b64(key_id + stamp.to_bytes(8, 'big') + signature)}\n"
        files["checkpoint"] = good.rpartition("— ".encode())[0] + line.encode()
        assert check(files)[0] == 1
    stranger = maker.signed("stranger", 4, key("x"), bytes(72)).encode()
    files["checkpoint"] = good + stranger
    assert check(files) == (0, [])


def test_keys_and_origin_come_from_the_policy_alone(check: Checked) -> None:
    mallory = Log(host=key("mallory"))
    mallory.add()
    mallory.checkpoint(by=2)
    assert check(mallory.files())[0] == 1
    assert check(mallory.files(), policy=mallory.policy()) == (0, [])
    other = (
        Log().policy().replace(vkey(ORIGIN, 1, public(key("host"))), vkey("other", 1, public(key("host"))))
    )
    assert check(maker.example().files(), policy=other)[0] == 1


@pytest.mark.parametrize("hours", [-3, 3])
def test_back_dating_is_found(check: Checked, hours: int) -> None:
    log = Log()
    for index in range(6):
        if index == 3:
            log.checkpoint(by=2, at=START + timedelta(hours=-hours))
        log.add()
    log.checkpoint(by=2, at=START + timedelta(hours=4))
    code, findings = check(log.files())
    assert code == 1
    assert findings[0].startswith("entry 3:" if hours < 0 else "entry 0:")


def test_versions_of_a_stream(check: Checked) -> None:
    for start, after, good in ((0, 1, True), (0, 2, False), (0, 0, False), (1, 1, False)):
        log = Log(streams={"case": start})
        log.add()
        log.streams["case"] += after - 1
        log.add()
        log.checkpoint(by=2)
        assert (check(log.files())[0] == 0) is good
    log = Log()
    log.add()
    log.add(opened=False)
    log.add(hide=("version",))
    log.add()
    log.checkpoint(by=2)
    assert check(log.files()) == (0, [])


def test_evidence_is_hashed_again(check: Checked, tmp_path: Path) -> None:
    folder, files = tmp_path / "evidence", maker.example().files()
    folder.mkdir()
    code, findings = check(files, "--evidence", folder)
    assert (code, findings[0][:8]) == (1, "entry 2:")
    (folder / "one.log").write_bytes(DATA + b"x")
    code, findings = check(files, "--evidence", folder)
    assert code == 1
    assert "differs" in findings[0]
    (folder / "one.log").write_bytes(DATA)
    assert check(files, "--evidence", folder) == (0, [])
    assert check(files, "--evidence", tmp_path / "absent")[0] == 1


@pytest.mark.parametrize(
    "change",
    [
        ("quorum both\n", ""),
        ("quorum both", "quorum w9"),
        ("all w0 w1", "all w0 w9"),
        ("all w0 w1", "3 w0 w1"),
        ("all w0 w1", "0 w0 w1"),
        ("all w0 w1", "all w0 w0"),
        ("any both", "any both w0"),
        ("witness w1", "witness w0"),
        ("witness w1", "witness none"),
        ("log ", "lug "),
        ("log ", "log x"),
        ("+", "+0"),
        ("# ours", "\x01"),
        ("# ours", "# ours\x07"),
        (vkey(ORIGIN, 1, public(key("host")))[len(ORIGIN) :][:9], "+00000000"),
        (vkey(ORIGIN, 1, public(key("host"))), vkey(ORIGIN, 4, public(key("host")))),
        (vkey(ORIGIN, 1, public(key("host"))), vkey(ORIGIN, 1, public(key("host")) + b"x")),
        ("quorum both", "quorum both\nquorum both"),
        ("log ", "#"),
        ("all w0 w1", "any none"),
        ("contoso.example/w+", "contoso.example/v+"),
        ("# ours", "#key"),
        ("# ours", f"#key {'a' * 63} {maker.NORTHWIND}"),
        ("# ours", f"#key {'A' * 64} {maker.NORTHWIND}"),
        ("# ours", f"#key {'a' * 64} {maker.NORTHWIND} {maker.CONTOSO}"),
        ("# ours", f"#key {'a' * 64} {maker.NORTHWIND[1:]}"),
        ("# ours", f"#key {'a' * 64} {maker.NORTHWIND}\n#key {'a' * 64} {maker.CONTOSO}"),
        ("all w0 w1", "+2 w0 w1"),
    ],
)
def test_a_wrong_policy_is_refused(check: Checked, change: tuple[str, str]) -> None:
    policy = maker.Log().policy()
    assert change[0] in policy
    code, findings = check(maker.example().files(), policy=policy.replace(*change))
    assert (code, len(findings)) == (1, 1)


def test_one_key_is_one_witness(check: Checked) -> None:
    log = maker.example()
    twice = log.policy("w0").replace(
        vkey("contoso.example/w", 4, public(key("contoso.example/w"))),
        vkey("x", 4, public(key("northwind.example/w"))),
    )
    assert check(log.files(), policy=twice)[0] == 1
    host = log.policy("w0").replace(
        vkey("contoso.example/w", 4, public(key("contoso.example/w"))), vkey("x", 4, public(key("host")))
    )
    assert check(log.files(), policy=host)[0] == 1
