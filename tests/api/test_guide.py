"""docs/api.md keeps its word: its commands, run as they stand against a running instance."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import REPO
from tests.stack import Stack

CAST = "from tests.cast import the_cast; print(the_cast().alice.user.username)"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the guide speaks curl, and this machine has none")
def test_the_commands_of_the_guide(stack: Stack, tmp_path: Path) -> None:
    login = stack.manage("shell", "--no-imports", "-c", CAST).stdout.split()[-1]
    commands = re.findall(r"```sh\n(.*?)```", (REPO / "docs" / "api.md").read_text(), re.DOTALL)
    script = "set -euo pipefail\n" + "".join(commands)
    for there, here in (
        (".venv/bin/python manage.py token alice", f"{sys.executable} {REPO / 'manage.py'} token {login}"),
        (".venv/bin/python -m witness", f"env PYTHONPATH={REPO} {sys.executable} -m witness"),
        ("http://localhost:8000", stack.url),
    ):
        assert there in script
        script = script.replace(there, here)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=stack.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "copy.jsonl").read_bytes() == (tmp_path / "gateway.jsonl").read_bytes()
    assert '"total":1' in done.stdout
    assert '"metric":1200' in done.stdout
    assert (tmp_path / "my.key").stat().st_mode & 0o777 == 0o600
