"""What the tests of the verifier share."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.verifier import maker
from verifier.__main__ import main

Checked = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checked:
    """Run the program on files or a path; its exit code and its findings."""
    count = 0

    def run(
        files: dict[str, bytes] | Path, *more: str | Path, policy: str = maker.Log().policy()
    ) -> tuple[int, list[str]]:
        nonlocal count
        count += 1
        bundle = files if isinstance(files, Path) else maker.write(files, tmp_path / f"bundle{count}")
        (tmp_path / "policy").write_text(policy)
        code = main([str(bundle), "--policy", str(tmp_path / "policy"), *map(str, more)])
        shown = capsys.readouterr()
        assert not shown.err
        return code, re.findall(r"(?m)^finding: (.*)$", shown.out)

    return run
