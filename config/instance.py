"""Where one instance keeps its things: VAR_DIR, its secrets and the sockets of its embedded servers.

Knows no Django: settings and the launcher both read from here.
"""

import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


class NotReady(Exception):
    """Countersign cannot start here; the message is one sentence for the person who started it."""


@dataclass(frozen=True)
class Secrets:
    """What an instance generated for itself; lives in secrets.json, mode 0600."""

    secret_key: str
    database_admin_password: str
    database_owner_password: str
    database_app_password: str


@dataclass(frozen=True)
class Embedded:
    """Where the embedded servers keep their data and sockets; written by the launcher at each start."""

    var_dir: str
    postgres_data: str
    postgres_sockets: str
    broker_socket: str


def var_dir() -> Path:
    """The folder of this instance: VAR_DIR, or var/ in the repository."""
    return Path(os.environ.get("VAR_DIR") or REPO / "var").expanduser().absolute()


def read_secrets(var: Path) -> Secrets | None:
    """The instance's secrets, or None before its first start."""
    found = _read_object(var / "secrets.json")
    if found is None:
        return None
    try:
        return Secrets(**found)
    except TypeError as error:
        raise NotReady(f"{var / 'secrets.json'} lacks a value or holds one that is not known.") from error


def make_secrets(var: Path) -> Secrets:
    """The instance's secrets, generated at the first call."""
    known = read_secrets(var)
    if known is not None:
        return known
    made = Secrets(*(secrets.token_urlsafe(length) for length in (48, 24, 24, 24)))
    write_private(var / "secrets.json", asdict(made))
    return made


def read_embedded(var: Path) -> Embedded:
    """Where the embedded servers are, or would be if they were started under VAR_DIR itself."""
    found = _read_object(var / "embedded.json")
    if found is not None and found.get("var_dir") == str(var):
        return Embedded(**found)
    # Moved or copied: what lay in the folder moved with it, but a database elsewhere did not.
    if found is not None and not Path(found["postgres_data"]).is_relative_to(found["var_dir"]):
        raise NotReady(
            f"{var} was copied from {found['var_dir']} without its database in {found['postgres_data']}: "
            f"copy that too, and write both new places into {var / 'embedded.json'}."
        )
    return Embedded(
        var_dir=str(var),
        postgres_data=str(var / "postgres"),
        postgres_sockets=str(var / "run" / "postgres"),
        broker_socket=str(var / "run" / "broker" / "valkey.sock"),
    )


def write_private(path: Path, value: object) -> None:
    """Write JSON readable by its owner alone; a crash leaves the old file or the new one, never half."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_json(path: Path) -> object:
    """What a JSON file of this instance holds; None where there is no such file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotReady(f"{path} cannot be read by this user: {os.strerror(error.errno or 0)}.") from error
    except ValueError as error:
        raise NotReady(f"{path} is damaged: it is not JSON.") from error


def _read_object(path: Path) -> dict[str, str] | None:
    found = read_json(path)
    if found is not None and not isinstance(found, dict):
        raise NotReady(f"{path} is damaged: it does not hold a JSON object.")
    return found
