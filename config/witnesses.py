"""The demo's witnesses as the launcher sees them: folders that `manage.py demo` has set up."""

import os
import re
import sys
from pathlib import Path
from typing import Final

from config.instance import REPO

PARTIES: Final = ("northwind", "contoso")
_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:\d+/")


def folders(var: Path) -> list[Path]:
    """The folders of the parties whose witness is set up completely."""
    every = [var / "demo" / party for party in PARTIES]
    return [own for own in every if (own / "witness.toml").is_file()]


def complete(var: Path) -> bool:
    """Whether every party of the demo has its witness."""
    return len(folders(var)) == len(PARTIES)


def point_at(own: Path, port: int) -> None:
    """Let the settings name the port of this start; a crash leaves the old settings or the new ones."""
    path = own / "witness.toml"
    found = path.read_text(encoding="utf-8")
    wanted = _ADDRESS.sub(f"http://127.0.0.1:{port}/", found)
    if wanted != found:
        fresh = path.with_name(".witness.toml.new")
        fresh.write_text(wanted, encoding="utf-8")
        fresh.replace(path)


def told(var: Path) -> list[str]:
    """What the launcher says about them: where they are, and how to check a bundle with their policy."""
    places = [_short(own) for own in folders(var)]
    if not places:
        return []
    python = _short(Path(sys.executable))
    return [
        f"Demo witnesses, each with its key, mirror and policy: {', '.join(places)}",
        "To check a ledger that you downloaded from a page of the case, without this host:",
        f"  {python} -m verifier BUNDLE.zip --policy {places[0]}/policy --allow-pending",
    ]


def _short(path: Path) -> str:
    """As one would type it from the repository, where it lies in there."""
    return os.path.relpath(path, REPO) if path.is_relative_to(REPO) else str(path)
