"""What arrives in the vault is whole, named by its hash and never changes; what does not arrive leaves nothing."""

import errno
import hashlib
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from blake3 import blake3

from evidence.hashing import CHUNK
from evidence.vault import DamagedBlob, NoSuchBlob, Vault, VaultError, WrongHash

LOG = b'{"id":"req_1","status":200}\n' * 9000


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(tmp_path / "vault")


def everything_in(vault: Vault) -> list[Path]:
    return [path for path in vault.root.rglob("*") if path.is_file()]


def keep(vault: Vault, data: bytes) -> str:
    with vault.intake() as intake:
        for at in range(0, len(data), CHUNK // 4):
            intake.write(data[at : at + CHUNK // 4])
        return intake.seal().sha256


def test_sealed_bytes_lie_under_their_sha256_with_all_four_digests(vault: Vault) -> None:
    with vault.intake() as intake:
        intake.write(LOG[:100])
        intake.write(LOG[100:])
        sealed = intake.seal(hashlib.sha256(LOG).hexdigest().upper())
    assert sealed.sha256 == hashlib.sha256(LOG).hexdigest()
    assert sealed.blake3 == blake3(LOG).hexdigest()
    assert sealed.sha1 == hashlib.sha1(LOG).hexdigest()
    assert sealed.md5 == hashlib.md5(LOG).hexdigest()
    assert sealed.size == len(LOG)
    assert vault.path(sealed.sha256).read_bytes() == LOG
    assert everything_in(vault) == [vault.path(sealed.sha256)]


def test_a_sealed_file_is_read_only(vault: Vault) -> None:
    path = vault.path(keep(vault, LOG))
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_nothing_is_visible_before_the_seal(vault: Vault) -> None:
    with vault.intake() as intake:
        intake.write(LOG)
        assert not (vault.root / "blobs").exists()
        with pytest.raises(NoSuchBlob):
            vault.path(hashlib.sha256(LOG).hexdigest())


def test_a_wrong_declared_hash_leaves_nothing(vault: Vault) -> None:
    with vault.intake() as intake:
        intake.write(LOG)
        with pytest.raises(WrongHash) as refused:
            intake.seal("0" * 64)
    assert hashlib.sha256(LOG).hexdigest() in refused.value.sentence
    assert everything_in(vault) == []


def test_the_same_bytes_twice_are_one_blob(vault: Vault) -> None:
    first = keep(vault, LOG)
    inode = vault.path(first).stat().st_ino
    assert keep(vault, LOG) == first
    assert vault.path(first).stat().st_ino == inode
    assert len(everything_in(vault)) == 1


def test_an_empty_file_is_evidence_too(vault: Vault) -> None:
    with vault.intake() as intake:
        sealed = intake.seal()
    assert sealed.size == 0
    assert vault.path(sealed.sha256).read_bytes() == b""


def test_leaving_an_intake_unsealed_forgets_it(vault: Vault) -> None:
    with vault.intake() as intake:
        intake.write(LOG)
    assert everything_in(vault) == []
    with pytest.raises(VaultError):
        intake.write(b"more")


def test_a_blob_that_changed_size_is_not_taken_for_the_same_bytes(vault: Vault) -> None:
    path = vault.path(keep(vault, LOG))
    path.chmod(0o600)
    path.write_bytes(b"rot")
    with vault.intake() as intake:
        intake.write(LOG)
        with pytest.raises(DamagedBlob):
            intake.seal()
    assert everything_in(vault) == [path]


def test_rehash_finds_a_flipped_bit(vault: Vault) -> None:
    sha256 = keep(vault, LOG)
    seen: list[tuple[int, int]] = []
    assert vault.rehash(sha256, lambda done, total: seen.append((done, total))) == sha256
    assert seen[-1] == (len(LOG), len(LOG))
    path = vault.path(sha256)
    path.chmod(0o600)
    path.write_bytes(b"{" + bytes([LOG[1] ^ 1]) + LOG[2:])
    assert vault.rehash(sha256) != sha256


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64])
def test_only_a_known_sha256_is_a_name(vault: Vault, name: str) -> None:
    with pytest.raises(NoSuchBlob):
        vault.path(name)


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(vault: Vault) -> None:
    """A file size limit stands for the full disk: the kernel refuses the write in the same way."""
    code = f"""
import resource, signal, sys
from pathlib import Path
from evidence import vault as module
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
module.errno.EDQUOT = {errno.EFBIG}
try:
    with module.Vault(Path({str(vault.root)!r})).intake() as intake:
        for _ in range(8):
            intake.write(bytes(1 << 18))
except module.VaultFull as error:
    print(error.sentence)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "The vault's disk is full, so the file was not kept."
    assert everything_in(vault) == []


def test_an_unwritable_vault_says_so(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text("a file where the folder should be")
    with pytest.raises(VaultError) as refused:
        Vault(tmp_path / "vault").check()
    assert refused.value.sentence.startswith("The vault could not write")


def test_check_passes_on_a_sound_vault_and_leaves_nothing(vault: Vault) -> None:
    vault.check()
    assert everything_in(vault) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from evidence import vault as module
point = sys.argv[2]
def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "fsync":
    module.os.fsync = die
if point == "link":
    module.os.link = die
if point == "folder":
    module._fsync_folder = die
if point == "unlink":
    module.Path.unlink = die
with module.Vault(Path(sys.argv[1])).intake() as intake:
    intake.write(b"x" * 300000)
    if point == "write":
        die()
    intake.seal()
"""


@pytest.mark.parametrize("point", ["write", "fsync", "link", "folder", "unlink"])
def test_killed_at_any_point_the_vault_holds_all_or_nothing(vault: Vault, point: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(vault.root), point], check=False)
    assert killed.returncode == -signal.SIGKILL
    blobs = [path for path in (vault.root / "blobs").rglob("*") if path.is_file()]
    if point in ("write", "fsync", "link"):
        assert blobs == []
    for blob in blobs:
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    vault.sweep()
    assert list((vault.root / "tmp").iterdir()) == []
    assert keep(vault, b"x" * 300000) == hashlib.sha256(b"x" * 300000).hexdigest()


def test_the_sweep_spares_what_a_living_process_writes(vault: Vault) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom evidence.vault import Vault\n"
        f"intake = Vault(Path({str(vault.root)!r})).intake()\nintake.write(b'half')\nprint('ready', flush=True)\n"
        "sys.stdin.read()\nprint(intake.seal().size, flush=True)"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdin is not None
    with writer:
        assert writer.stdout.readline() == "ready\n"
        assert vault.sweep() == 0
        writer.stdin.close()
        assert writer.stdout.readline() == "4\n"
    assert len(everything_in(vault)) == 1


def test_memory_stays_flat_however_large_the_file(vault: Vault) -> None:
    code = f"""
import resource
from pathlib import Path
from evidence.vault import Vault
chunk = bytes(1 << 20)
with Vault(Path({str(vault.root)!r})).intake() as intake:
    intake.write(chunk)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(150):
        intake.write(chunk)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 16 << 10


def test_two_writers_of_the_same_bytes_both_succeed(vault: Vault) -> None:
    with vault.intake() as one, vault.intake() as other:
        one.write(LOG)
        other.write(LOG)
        assert one.seal() == other.seal()
    assert len(everything_in(vault)) == 1
