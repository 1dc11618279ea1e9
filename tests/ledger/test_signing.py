"""The host's key file and the checkpoint notes."""

import base64
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ledger import signing
from ledger.errors import HostKeyError, MalformedNote, VerificationError

ORIGIN = "countersign/example.org/case/x"
PRIVATE = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
KEY = signing.HostKey(PRIVATE, PRIVATE.public_key().public_bytes_raw())
ROOT = sha256(b"root").digest()
NOTE = KEY.sign(ORIGIN, signing.checkpoint_text(ORIGIN, 41, ROOT))


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    signing.host_key.cache_clear()


def test_a_checkpoint_is_a_signed_note() -> None:
    text, _, signature = NOTE.partition("\n\n")
    assert text == f"{ORIGIN}\n41\n{base64.b64encode(ROOT).decode()}"
    raw = base64.b64decode(signature.removeprefix(f"— {ORIGIN} "))
    assert raw[:4] == sha256(ORIGIN.encode() + b"\n\x01" + KEY.public).digest()[:4]
    PRIVATE.public_key().verify(raw[4:], (text + "\n").encode())
    found = signing.verify_checkpoint(NOTE, name=ORIGIN, public=KEY.public)
    assert (found.origin, found.size, found.root) == (ORIGIN, 41, ROOT)
    assert signing.vkey(ORIGIN, KEY.public).split("+")[:2] == [ORIGIN, raw[:4].hex()]


def test_other_signatures_are_passed_over_but_a_wrong_one_of_the_known_key_is_not() -> None:
    stranger = signing.HostKey(
        other := ed25519.Ed25519PrivateKey.generate(), other.public_key().public_bytes_raw()
    )
    text = signing.checkpoint_text(ORIGIN, 41, ROOT)
    foreign = stranger.sign(ORIGIN, text).splitlines()[-1]
    signing.verify_checkpoint(NOTE + foreign + "\n", name=ORIGIN, public=KEY.public)
    with pytest.raises(VerificationError, match="not signed by the expected key"):
        signing.verify_checkpoint(stranger.sign(ORIGIN, text), name=ORIGIN, public=KEY.public)
    with pytest.raises(VerificationError, match="is of the log"):
        signing.verify_checkpoint(NOTE, name=ORIGIN + "y", public=KEY.public)
    with pytest.raises(VerificationError, match="is wrong"):
        signing.verify_checkpoint(NOTE.replace("\n41\n", "\n42\n"), name=ORIGIN, public=KEY.public)


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE[:-1],
        NOTE.replace("\n41\n", "\n041\n"),
        NOTE.replace("\n41\n", "\n-1\n"),
        NOTE.replace("\n41\n", "\n٤\n"),
        NOTE.replace("\n\n", "\nextension\n\n"),
        NOTE.replace("—", "-"),
        NOTE.replace("=\n\n", "\n\n"),
        NOTE.replace("— countersign", "— counter+sign"),
        NOTE.replace("\n\n", "\r\n\n"),
        NOTE + "— x AA==\n",
        NOTE + "x" * signing.LARGEST_NOTE,
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(MalformedNote):
        signing.parse_checkpoint(note)


def test_the_host_key_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "new" / "host.key"
    made = signing.host_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    signing.host_key.cache_clear()
    assert signing.host_key(path).public == made.public
    assert [one.name for one in path.parent.iterdir()] == ["host.key"]


def test_two_processes_that_race_get_the_same_key(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ledger import signing; sys.stdin.read(1);"
        "print(signing.host_key(Path(sys.argv[1])).public.hex())"
    )
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "host.key")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("g")
        racer.stdin.flush()
    found = {racer.communicate()[0].strip() for racer in racers}
    assert all(racer.returncode == 0 for racer in racers)
    assert len(found) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["host.key"]


def test_a_key_that_cannot_be_trusted_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "host.key"
    path.write_text("no key")
    path.chmod(0o600)
    with pytest.raises(HostKeyError, match="not an unencrypted PEM key"):
        signing.host_key(path)
    path.write_bytes(
        x25519.X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(HostKeyError, match="not an Ed25519 key"):
        signing.host_key(path)
    path.chmod(0o644)
    with pytest.raises(HostKeyError, match="open to others"):
        signing.host_key(path)
    with pytest.raises(HostKeyError, match="cannot be made"):
        signing.host_key(path / "below" / "a-file")
