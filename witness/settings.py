"""The witness's one settings file (TOML)."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.merkle import VerificationError
from verifier.note import LOG, Key, parse_vkey
from witness.errors import Trouble
from witness.host import Host

EXAMPLE = """\
name  = "witness.contoso.example/1"     # the name in your cosignatures
key   = "witness.pem"                   # made by: countersign-witness keygen --name NAME witness.pem
state = "state"                         # mirror, checkpoints, alarms
every = 60                              # seconds between looks
# port = 8650                           # for `serve`

[[log]]
vkey = "countersign/example.org/case/…+…+…"
url  = "https://example.org/api/v1/cases/…/ledger"
token_file = "token"                    # an API token of your party
"""


@dataclass(frozen=True)
class Watched:
    """A log to watch."""

    key: Key
    host: Host
    folder: Path


@dataclass(frozen=True)
class Settings:
    """What the file says; paths in it are relative to it."""

    name: str
    key: Path
    state: Path
    every: float
    port: int
    logs: tuple[Watched, ...]


def read_settings(path: Path) -> Settings:
    """The settings in a file, or Trouble with the line that is wrong."""
    try:
        found = tomllib.loads(path.read_text())
        base = path.resolve().parent
        state = base / _text(found, "state")
        logs = tuple(_log(one, base, state) for one in found.get("log", []))
        every, port = found.get("every", 60), found.get("port", 8650)
        if not isinstance(every, int | float) or not every > 0 or not isinstance(port, int):
            raise Trouble("`every` and `port` are numbers.")
        return Settings(_text(found, "name"), base / _text(found, "key"), state, every, port, logs)
    except OSError as error:
        raise Trouble(f"The settings {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, VerificationError) as error:
        raise Trouble(f"The settings {path} are wrong: {error}") from error


def _text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value:
        raise Trouble(f"The settings need `{name}`, a text.")
    return value


def _log(found: Any, base: Path, state: Path) -> Watched:
    key, url = parse_vkey(_text(found, "vkey"), LOG), _text(found, "url").rstrip("/")
    if not url.startswith(("https://", "http://")):
        raise Trouble(f"The address {url} is neither https nor http.")
    token = (base / _text(found, "token_file")).read_text().strip() if "token_file" in found else ""
    return Watched(key, Host(url, token), state / key.name.replace("/", "_"))
