"""Malformed input is a finding: never a traceback, never exit 0 where a byte that counts was changed."""

import io
import json
import os
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import jcs as theirs
from ledger.errors import NotCanonical
from tests.verifier import maker
from tests.verifier.conftest import Checked
from verifier.__main__ import main
from verifier.entries import leaf_pattern, parse_leaf
from verifier.merkle import VerificationError
from verifier.note import canonical, parse

GOOD = maker.example().files()
COUNTING = [
    "leaves.jsonl",
    "openings.jsonl",
    "checkpoint",
    "checkpoints/2.note",
    "checkpoints/5.note",
    "evidence.jsonl",
]
relaxed = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**30),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["", "\x00", "\ud800", "0" * 64, "a" * 64, "2026-02-30T00:00:00.000000Z", -1, 2**63, 2**53, [], {}]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the policy."""
    made = tmp_path_factory.mktemp("hostile")
    (made / "policy").write_text(maker.Log().policy())
    return made


def run(folder: Path, files: dict[str, bytes]) -> int:
    """The exit code on a bundle that is written over the last one."""
    bundle = folder / "bundle"
    for name in GOOD:
        path = bundle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in files:
            path.write_bytes(files[name])
        else:
            path.unlink(missing_ok=True)
    return main([str(bundle), "--policy", str(folder / "policy")])


@relaxed
@given(data=st.data(), name=st.sampled_from(COUNTING))
def test_changed_bytes(folder: Path, data: st.DataObject, name: str) -> None:
    raw = GOOD[name]
    at = data.draw(st.integers(0, len(raw) - 1))
    kind = data.draw(st.sampled_from(["set", "cut", "insert", "drop", "double"]))
    if kind == "set":
        changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    elif kind == "cut":
        changed = raw[:at]
    elif kind == "insert":
        changed = raw[:at] + data.draw(st.binary(min_size=1, max_size=4)) + raw[at:]
    elif kind == "drop":
        changed = raw[:at] + raw[at + 1 :]
    else:
        changed = raw[:at] + raw[at:] + raw[at:]
    code = run(folder, GOOD | {name: changed})
    if changed == raw or same(name, changed):
        assert code in (0, 1)
    else:
        assert code == 1


def same(name: str, changed: bytes) -> bool:
    """Whether a change left the meaning: white space in JSON, or a signature line of an unknown key."""
    if name.startswith("checkpoint"):
        return changed.partition(b"\n\n")[0] == GOOD[name].partition(b"\n\n")[0]
    try:
        return name != "leaves.jsonl" and [json.loads(one) for one in changed.splitlines()] == [
            json.loads(one) for one in GOOD[name].splitlines()
        ]
    except ValueError:
        return False


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [so_far, *(path for name, one in inner for path in paths(one, (*so_far, name)))]


@relaxed
@given(data=st.data(), name=st.sampled_from(["leaves.jsonl", "openings.jsonl", "evidence.jsonl"]), new=values)
def test_changed_structures(folder: Path, data: st.DataObject, name: str, new: Any) -> None:
    rows = [json.loads(one) for one in GOOD[name].splitlines()]
    path = data.draw(st.sampled_from(paths(rows)[1:]))
    holder: Any = {"rows": rows}
    for step in ("rows", *path)[:-1]:
        holder = holder[step]
    holder[("rows", *path)[-1]] = new
    text = b"".join(json.dumps(one).encode() + b"\n" for one in rows)
    same_as_before = name != "leaves.jsonl" and rows == [json.loads(one) for one in GOOD[name].splitlines()]
    code = run(folder, GOOD | {name: text})
    assert code == 1 or same_as_before or name == "evidence.jsonl"


@relaxed
@given(name=st.sampled_from(COUNTING), raw=st.binary(max_size=300))
def test_rubbish(folder: Path, name: str, raw: bytes) -> None:
    assert run(folder, GOOD | {name: raw}) == 1


@relaxed
@given(policy=st.binary(max_size=200), keep=st.integers(0, 400))
def test_rubbish_in_the_policy(folder: Path, policy: bytes, keep: int) -> None:
    bundle, odd = maker.write(GOOD, folder / "whole"), folder / "odd"
    odd.write_bytes(maker.Log().policy().encode()[:keep] + policy)
    assert main([str(bundle), "--policy", str(odd)]) in (0, 1)


@pytest.mark.parametrize(
    "name", ["leaves.jsonl", "openings.jsonl", "evidence.jsonl", "checkpoint", "checkpoints/2.note"]
)
def test_a_file_that_is_missing(folder: Path, name: str) -> None:
    """What every bundle holds must be there; an older checkpoint need not."""
    assert run(folder, {one: data for one, data in GOOD.items() if one != name}) == (name[-1] != "e")


@pytest.mark.parametrize("size", [0, 16, 31])
def test_a_short_salt_is_none(check: Checked, size: int) -> None:
    """Were salts of any length taken, what is salt and what is value would be open."""
    log = maker.Log(salt_size=size)
    log.add()
    log.checkpoint(by=2)
    assert check(log.files())[0] == 1


@pytest.mark.parametrize(
    "event",
    [
        {"version": "1"},
        {"version": True},
        {"schema": None},
        {"actor": "alice"},
        {"type": 7},
        {"share": 0.5},
        {"share": 2**53},
        {"text": "a\0b"},
        {"Text": "x"},
        {"a" * 41: "x"},
        {"inner": {"Text": "x"}},
        {"inner": {"": "x"}},
    ],
)
def test_a_body_outside_the_format_is_found_though_it_commits(check: Checked, event: dict[str, Any]) -> None:
    log = maker.Log()
    log.add(event=event)
    log.checkpoint(by=2)
    code, findings = check(log.files())
    assert (code, len(findings)) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row | {"more": 1},
        lambda row: row | {"i": True} if row["i"] == 1 else row,
        lambda row: row | {"i": float(row["i"])},
        lambda row: row | {"hidden": [one.upper() for one in row["hidden"]]},
        lambda row: row | {"hidden": dict.fromkeys(row["hidden"], 1)},
        lambda row: row | {"fields": {name: [*pair, 1] for name, pair in row["fields"].items()}},
        lambda row: row | {"fields": {name: [salt.upper(), v] for name, (salt, v) in row["fields"].items()}},
    ],
)
def test_an_opening_has_one_form(folder: Path, change: Any) -> None:
    rows = [maker.jcs(change(json.loads(one))) + b"\n" for one in GOOD["openings.jsonl"].splitlines()]
    assert run(folder, GOOD | {"openings.jsonl": b"".join(rows)}) == 1


def test_openings_come_in_order_and_once(folder: Path) -> None:
    rows = GOOD["openings.jsonl"].splitlines(keepends=True)
    for changed in (
        [rows[0], *rows],
        [rows[1], rows[0], *rows[2:]],
        [*rows, rows[-1].replace(b'"i":10', b'"i":11')],
    ):
        assert run(folder, GOOD | {"openings.jsonl": b"".join(changed)}) == 1


def test_base64_has_one_form(folder: Path) -> None:
    """The last letter of a signature line has bits that are not read; they must be zero."""
    raw = GOOD["checkpoint"]
    assert raw.endswith(b"==\n")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    changed = letters[letters.index(raw[-4]) + 1]
    assert run(folder, GOOD | {"checkpoint": raw[:-4] + bytes([changed]) + raw[-3:]}) == 1


def packed() -> bytes:
    """The good bundle as a zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in GOOD.items():
            made.writestr(name, data)
    return out.getvalue()


@relaxed
@given(data=st.data())
def test_changed_zips(folder: Path, data: st.DataObject) -> None:
    raw, path = packed(), folder / "b.zip"
    at, size = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 8))
    cut = data.draw(st.sampled_from([len(raw), at]))
    path.write_bytes((raw[:at] + data.draw(st.binary(min_size=size, max_size=size)) + raw[at + size :])[:cut])
    assert main([str(path), "--policy", str(folder / "policy")]) in (0, 1)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "leaves.jsonl", "a\\b", "checkpoints/../x", "proofs/a/b", "x\x00y"]
)
def test_odd_members(folder: Path, name: str) -> None:
    path = folder / "odd.zip"
    path.write_bytes(packed())
    with zipfile.ZipFile(path, "a") as made:
        if name == "leaves.jsonl":
            with pytest.warns(UserWarning, match="Duplicate name"):
                made.writestr(name, b"x")
        else:
            made.writestr(name, b"x")
    assert main([str(path), "--policy", str(folder / "policy")]) == 1


def test_links_and_pipes(tmp_path: Path, folder: Path) -> None:
    for kind in ("link", "folder link", "pipe", "zip link"):
        bundle = maker.write(GOOD, tmp_path / kind.replace(" ", "-"))
        if kind == "pipe":
            (bundle / "checkpoint").unlink()
            os.mkfifo(bundle / "checkpoint")
        elif kind == "zip link":
            info = zipfile.ZipInfo("README.txt")
            info.external_attr = 0o120777 << 16
            path = tmp_path / "link.zip"
            path.write_bytes(packed())
            with zipfile.ZipFile(path, "a") as made:
                made.writestr(info, "/etc/passwd")
            bundle = path
        else:
            (bundle / "README.txt").symlink_to("/etc/passwd" if kind == "link" else "/etc")
        assert main([str(bundle), "--policy", str(folder / "policy")]) == 1


@pytest.mark.parametrize("kind", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_odd_compression(folder: Path, kind: int) -> None:
    """Whole or broken: a zip of another kind is no bundle, and its decompressor never runs."""
    out, path = io.BytesIO(), folder / "odd.zip"
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, data in GOOD.items():
            made.writestr(name, data)
    raw = out.getvalue()
    for one in (raw, raw.replace(b"\x5d\x00", b"\xff\xff"), raw.replace(b"BZh9", b"BZhh")):
        path.write_bytes(one)
        assert main([str(path), "--policy", str(folder / "policy")]) == 1


@pytest.mark.parametrize("name", ["leaves.jsonl", "openings.jsonl", "evidence.jsonl", "checkpoint"])
@pytest.mark.parametrize("unit", [b"\x00", b"\n", b"[", b'{"i":0}\n'])
def test_zip_bombs_are_left_unread(tmp_path: Path, folder: Path, name: str, unit: bytes) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for one, data in GOOD.items():
            made.writestr(one, unit * (40_000_000 // len(unit)) if one == name else data)
    tracemalloc.start()
    try:
        assert main([str(path), "--policy", str(folder / "policy")]) == 1
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "inner", ["[" * 100_000, '{"a":' * 50_000, "9" * 100_000, "1e999999", '"\\ud800"', "NaN", "-0", "1.0"]
)
def test_json_that_breaks_parsers(folder: Path, inner: str) -> None:
    for name in ("leaves.jsonl", "openings.jsonl", "evidence.jsonl"):
        for line in (
            inner,
            '{"i":0,"fields":{"type":["' + "0" * 64 + '",' + inner + ']},"hidden":[]}',
            '{"i":' + inner + "}",
        ):
            assert run(folder, GOOD | {name: line.encode(errors="surrogatepass") + b"\n"}) == 1


def test_a_repeated_key_is_a_finding(folder: Path) -> None:
    for name, old, new in (
        ("openings.jsonl", b'"i":0', b'"i":0,"i":0'),
        ("evidence.jsonl", b'"i":2', b'"i":2,"i":2'),
    ):
        assert run(folder, GOOD | {name: GOOD[name].replace(old, new, 1)}) == 1


def test_missing_paths(tmp_path: Path, folder: Path) -> None:
    bundle, policy = str(maker.write(GOOD, tmp_path / "b")), str(folder / "policy")
    for arguments in (
        [str(tmp_path / "absent"), "--policy", policy],
        [bundle, "--policy", str(tmp_path / "absent")],
        [bundle, "--policy", policy, "--tsa", str(tmp_path / "absent")],
        [str(tmp_path), "--policy", policy],
        [bundle, "--policy", policy, "--mirror", str(tmp_path / "absent")],
        [bundle, "--policy", policy, "--against", str(tmp_path / "absent")],
        ["--policy", policy, "--fraud-proof", str(tmp_path / "absent")],
        ["/dev/null", "--policy", policy],
        [bundle, "--policy", "/dev/null"],
        ["--policy", policy],
    ):
        assert main(arguments) == 1


@given(values)
@settings(deadline=None)
def test_canonical_json_is_that_of_the_ledger(value: Any) -> None:
    try:
        wanted: bytes | None = theirs.canonical(value)
    except NotCanonical:
        wanted = None
    try:
        found: bytes | None = canonical(value)
    except VerificationError:
        found = None
    assert found == wanted
    if found is not None:
        assert parse(found) == value


@given(st.data())
@settings(deadline=None)
def test_the_shape_of_a_leaf_is_canonical_json(data: st.DataObject) -> None:
    """Whatever passes as a leaf is canonical JSON, and reads the same by the book."""
    log = maker.example()
    raw = data.draw(st.sampled_from(log.leaves))
    at = data.draw(st.integers(0, len(raw)))
    raw = (
        raw[:at]
        + data.draw(st.sampled_from([b"", b" ", b"0", b'"', b"}", b'","', b"\\u0041", b'{"a":1}']))
        + raw[at:]
    )
    try:
        leaf = parse_leaf(raw, json.loads(raw)["i"] if raw in log.leaves else 0, leaf_pattern(maker.ORIGIN))
    except (VerificationError, ValueError):
        return
    assert theirs.parse(raw)["commit"] == leaf.commit  # type: ignore[index, call-overload]
