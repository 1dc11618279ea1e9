"""A bundle of bytes that ledger/ makes; and the verifier stands alone, within its limit."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.ledger import make_vectors
from tests.verifier import maker
from tests.verifier.conftest import Checked
from verifier.entries import History, leaf_pattern, parse_leaf
from verifier.merkle import VerificationError, leaf_hash
from verifier.note import canonical, parse

REPOSITORY = Path(__file__).parents[2]
VECTORS = REPOSITORY / "tests" / "ledger" / "vectors"


def ledger_bundle() -> dict[str, bytes]:
    """The example log of docs/format.md as a bundle."""
    made = make_vectors.entries()
    openings = [
        {
            "i": index,
            "fields": {name: [one["salts"][name], value] for name, value in one["body"].items()},
            "hidden": [],
        }
        for index, one in enumerate(made["entries"])
    ]
    return {
        "leaves.jsonl": b"".join(one["leaf"].encode() + b"\n" for one in made["entries"]),
        "openings.jsonl": b"".join(json.dumps(one).encode() + b"\n" for one in openings),
        "evidence.jsonl": b"",
        "checkpoint": made["checkpoints"][4].encode(),
        **{f"checkpoints/{size}.note": made["checkpoints"][size - 1].encode() for size in range(1, 5)},
    }


def test_the_ledgers_own_bytes_hold(check: Checked) -> None:
    policy = f"log {make_vectors.entries()['vkey']}\nquorum none\n"
    files = ledger_bundle()
    assert check(files, policy=policy) == (0, [])
    changed = files["leaves.jsonl"].replace(b"10:44:10", b"10:44:11")
    assert check(files | {"leaves.jsonl": changed}, policy=policy)[0] == 1


def test_canonical_vectors() -> None:
    vectors: Any = json.loads((VECTORS / "jcs.json").read_text())
    for one in vectors["canonical"]:
        assert canonical(one["value"]).hex() == one["hex"]
    for text in vectors["outside"]:
        with pytest.raises((VerificationError, ValueError)):
            canonical(parse(text.encode()))


def test_signed_vectors() -> None:
    """Keys and acts as ledger/ makes them: an Ed25519 key, an act, the passkey that replaced it, an act."""
    vectors: Any = json.loads((VECTORS / "signed.json").read_text())
    history, pattern = History(maker.ORIGIN, {}), leaf_pattern(maker.ORIGIN)
    first, second = (parse(one["statement"].encode()) | one for one in vectors["keys"])
    closed, reopened = (
        (one["body"], parse_leaf(one["leaf"].encode(), index, pattern))
        for index, one in enumerate(vectors["acts"], 5)
    )
    history.register(4, first | {"type": "KeyRegistered"}, first["party"])
    history.check_act(*closed)
    with pytest.raises(VerificationError):
        history.check_act(*reopened)
    history.register(6, second | {"type": "KeyRotated"}, second["party"])
    history.check_act(*reopened)
    assert history.acts == {closed[0]["command"], reopened[0]["command"]}
    with pytest.raises(VerificationError):
        history.check_act(*closed)
    for one in vectors["acts"]:
        assert leaf_hash(one["leaf"].encode()).hex() == one["leaf_hash"]


def test_it_is_short_enough_to_be_read_before_it_is_trusted() -> None:
    """Lines of code: not empty, and no mere comment or docstring."""
    count = 0
    for path in (REPOSITORY / "verifier").glob("*.py"):
        text = path.read_text()
        told = {
            number
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
            for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
        }
        count += sum(
            number not in told and not line.strip().startswith("#") and line.strip() != ""
            for number, line in enumerate(text.splitlines(), 1)
        )
    assert count <= 636


def test_it_stands_alone_without_django(tmp_path: Path) -> None:
    bundle, policy = maker.write(maker.example().files(), tmp_path / "b"), tmp_path / "p"
    policy.write_text(maker.example().policy())
    program = (
        "import sys; from verifier.__main__ import main; code = main(sys.argv[1:]);"
        "own = {'django', 'ledger', 'cases', 'evidence', 'api', 'web', 'config', 'witness', 'psycopg'};"
        "sys.exit(code or 7 * bool(own & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(bundle), "--policy", str(policy)],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr


def test_it_imports_the_standard_library_and_cryptography_alone() -> None:
    for path in (REPOSITORY / "verifier").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                assert top in {*sys.stdlib_module_names, "cryptography", "verifier"}, name
