"""Where the embedded servers keep data and sockets, and as whom they run."""

import os
import pwd
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path

from config.instance import NotReady
from config.processes import ServerUser

# What fits into sockaddr_un on every system we run on, less the terminating NUL.
LONGEST_SOCKET = 103


def database_user(data: Path | None = None) -> ServerUser | None:
    """As whom PostgreSQL runs: it refuses root, so root needs an account with no rights.

    Files that exist already stay with the account that owns them.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data is not None and data.is_dir() else 0
    for found in [pwd.getpwuid(owner)] if owner else _accounts("countersign", "nobody"):
        return ServerUser(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid)
    raise NotReady(
        "PostgreSQL does not run as root and this machine has no account named countersign or nobody."
    )


def _accounts(*names: str) -> list[pwd.struct_passwd]:
    return [found for found in pwd.getpwall() if found.pw_name in names]


def reaches(user: ServerUser | None, folder: Path) -> bool:
    """Whether `user` may enter `folder` through all of its parents; None is ourselves, who made it."""
    if user is None:
        return True
    real = folder.resolve()
    for step in (real, *real.parents):
        found = step.stat()
        if found.st_uid == user.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == user.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True


def database_home(var: Path, user: ServerUser | None, *, known: Path) -> Path:
    """The folder for the database's files: VAR_DIR, or one under /var/lib that its user can reach.

    We never open a parent folder (say /root) to others for the database's sake.
    """
    if (known / "postgres").is_dir():
        if not reaches(user, known):
            raise NotReady(
                f"the account {user and user.name} cannot reach the database in {known / 'postgres'}."
            )
        return known
    if reaches(user, var):
        return var
    home = passage(passage(Path("/var/lib/countersign")) / uuid.uuid4().hex[:12])
    (home / "belongs-to").write_text(f"{var}\n", encoding="utf-8")
    return home


def passage(folder: Path) -> Path:
    """A folder that others may pass through without looking around, whatever the umask says."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o711)
    return folder


def own_folder(folder: Path, user: ServerUser | None) -> Path:
    """A folder that only `user` may enter."""
    passage(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if user is not None:
        os.chown(folder, user.uid, user.gid)
    return folder


def socket_folder(wanted: Path, longest_name: str, user: ServerUser | None) -> Path:
    """`wanted`, or a fresh folder under the temporary one where the path would be too long for a socket."""
    if len(os.fsencode(wanted / longest_name)) <= LONGEST_SOCKET:
        return own_folder(wanted, user)
    return own_folder(Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp")), user)


def forget_socket_folder(folder: Path) -> None:
    """Remove a socket folder that was made under the temporary one."""
    if folder.parent == Path("/tmp") and folder.name.startswith("countersign-"):  # noqa: S108
        shutil.rmtree(folder, ignore_errors=True)


def copied(source: Path, into: Path, *, ignore: Callable[[str, list[str]], set[str]]) -> Path:
    """A copy of a folder that others may read; a crash leaves only a draft beside it."""
    if not into.is_dir():
        draft = into.with_name(f"{into.name}.{uuid.uuid4().hex[:8]}.new")
        shutil.copytree(source, draft, ignore=ignore, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        draft.rename(into)
    return into
