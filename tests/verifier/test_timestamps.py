"""RFC 3161 tokens of a local authority, made by `openssl ts`."""

import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from tests.ledger import authority as theirs
from tests.verifier import maker
from tests.verifier.conftest import Checked

CONFIG = """
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = {ess}
[stamping]
extendedKeyUsage = critical,timeStamping
[plain]
extendedKeyUsage = serverAuth
"""


@dataclass
class Authority:
    """A root, and a signer that it issued."""

    folder: Path

    def openssl(self, *arguments: str) -> None:
        """Run openssl in the authority's folder."""
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def make(self, *, key: str = "rsa:2048", usage: str = "stamping", ess: str = "sha256") -> "Authority":
        """A root certificate and one for the signer."""
        self.folder.mkdir()
        (self.folder / "config").write_text(CONFIG.format(ess=ess))
        (self.folder / "serial").write_text("01\n")
        kind = (
            ["-newkey", "rsa:2048"]
            if key == "rsa:2048"
            else ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{key}"]
        )
        self.openssl(
            "req",
            "-x509",
            *kind,
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-subj",
            "/CN=Root",
            "-days",
            "9",
            "-addext",
            "basicConstraints=critical,CA:TRUE",
        )
        self.openssl("req", *kind, "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
        self.openssl(
            "x509",
            "-req",
            "-in",
            "tsa.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "8",
            "-out",
            "tsa.pem",
            "-extfile",
            "config",
            "-extensions",
            usage,
        )
        return self

    def stamp(self, data: bytes, *, digest: str = "sha256", certificate: bool = True) -> bytes:
        """A time stamp over some bytes."""
        query(self.folder, data, digest=digest, certificate=certificate)
        self.openssl(
            "ts", "-reply", "-config", "config", "-section", "tsa", "-queryfile", "query",
            "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply",
        )  # fmt: skip
        return (self.folder / "reply").read_bytes()


def query(folder: Path, data: bytes, *, digest: str = "sha256", certificate: bool = True) -> bytes:
    """What an authority is asked."""
    (folder / "data").write_bytes(data)
    more = ["-cert"] if certificate else []
    ask = ["openssl", "ts", "-query", "-data", "data", f"-{digest}", *more, "-out", "query"]
    subprocess.run(ask, cwd=folder, check=True, capture_output=True)
    return (folder / "query").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An ordinary authority."""
    return Authority(tmp_path_factory.mktemp("tsa") / "rsa").make()


NOTE = maker.example().files()["checkpoint"]


def stamped(token: bytes, pem: bytes = b"", note: bytes = NOTE) -> dict[str, bytes]:
    """A log whose newest checkpoint carries a time stamp; the log is from today, as the stamp is."""
    files = maker.example().files() | {"timestamps/11.1.tsr": token, "timestamps/11.1.note": note}
    return files | {"timestamps/11.1.pem": pem}


def test_a_pinned_authority_counts(check: Checked, authority: Authority) -> None:
    token = authority.stamp(NOTE)
    for pinned in ("ca.pem", "tsa.pem"):
        assert check(stamped(token), "--tsa", authority.folder / pinned) == (0, [])
    assert check(stamped(token)) == (0, [])


def test_the_certificate_may_lie_beside_the_token(check: Checked, authority: Authority) -> None:
    token = authority.stamp(NOTE, certificate=False)
    chain, root = (authority.folder / "tsa.pem").read_bytes(), authority.folder / "ca.pem"
    assert check(stamped(token, chain), "--tsa", root) == (0, [])
    assert check(stamped(token), "--tsa", root)[0] == 1
    assert check(stamped(token), "--tsa", authority.folder / "tsa.pem") == (0, [])


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1"])
def test_elliptic_curves(check: Checked, tmp_path: Path, curve: str) -> None:
    made = Authority(tmp_path / "ec").make(key=curve, ess="sha1")
    assert check(stamped(made.stamp(NOTE)), "--tsa", made.folder / "ca.pem") == (0, [])


def test_the_stamp_is_over_the_note_as_it_stood(check: Checked, authority: Authority) -> None:
    """Before the second witness came: the stamped note is a checkpoint of its own, with fewer lines."""
    early, root = b"".join(NOTE.splitlines(keepends=True)[:5]), authority.folder / "ca.pem"
    assert check(stamped(authority.stamp(early), note=early), "--tsa", root) == (0, [])
    assert check(stamped(authority.stamp(early)), "--tsa", root)[0] == 1
    assert check(stamped(authority.stamp(NOTE), note=early), "--tsa", root)[0] == 1
    text = NOTE.partition(b"\n\n")[0] + b"\n"
    assert check(stamped(authority.stamp(text)), "--tsa", root)[0] == 1  # the lines alone are not the note


def test_a_stamped_note_is_checked_as_a_checkpoint(check: Checked, authority: Authority) -> None:
    log, root = maker.example(), authority.folder / "ca.pem"
    own, other = log.checkpoint(by=2, size=7).encode(), maker.Log(salt="other")
    for _ in range(7):
        other.add()
    forked = other.checkpoint(by=2).encode()
    unsigned = maker.Log(host=maker.key("mallory"), leaves=log.leaves[:7]).checkpoint(by=2).encode()
    for note, size, good in (
        (own, 7, True),  # no other file holds that checkpoint: the stamped note is it
        (own, 6, False),
        (forked, 7, False),
        (unsigned, 7, False),
        (own[:-9], 7, False),
        (b"no note", 7, False),
    ):
        more = {f"timestamps/{size}.1.tsr": authority.stamp(note), f"timestamps/{size}.1.note": note}
        more[f"timestamps/{size}.1.pem"] = b""
        code, _ = check(maker.example().files() | more, "--tsa", root)
        assert (code == 0) is good
        alone, _ = check(maker.example().files() | {f"timestamps/{size}.1.note": note})
        assert (alone == 0) is good
    forged = own.replace(own.splitlines()[-1][-60:], own.splitlines()[-1][-60:].swapcase())
    assert check(maker.example().files() | {"timestamps/7.1.note": forged})[0] == 1
    assert (
        check(maker.example().files() | {"timestamps/7.1.tsr": authority.stamp(own)}, "--tsa", root)[0] == 1
    )


def test_the_quorum_may_be_on_a_stamped_note(check: Checked) -> None:
    log = maker.Log()
    log.add()
    files = {"timestamps/1.1.note": log.checkpoint(by=2).encode()}
    log.checkpoint()
    assert check(log.files())[0] == 1
    assert check(log.files() | files) == (0, [])


def test_an_authority_with_an_intermediate_and_an_unsorted_set_of_certificates(
    check: Checked, tmp_path: Path
) -> None:
    """As authorities answer: the signer's certificate first, whatever DER says of sets."""
    root = theirs.make(tmp_path)
    with theirs.serve(tmp_path, root) as made:
        response = requests.post(
            made.url,
            data=query(tmp_path, NOTE),
            headers={"Content-Type": "application/timestamp-query"},
            timeout=30,
        ).content
    (tmp_path / "root.pem").write_text(root)
    own, middle = (
        load_pem_x509_certificate((tmp_path / f"{name}.pem").read_bytes()).public_bytes(Encoding.DER)
        for name in ("tsa", "middle")
    )
    assert (own + middle in response) is not (middle + own in response)
    first, second = (own, middle) if own + middle in response else (middle, own)
    swapped = response.replace(first + second, second + first)
    for one in (response, swapped):
        assert check(stamped(one), "--tsa", tmp_path / "root.pem") == (0, [])
    (tmp_path / "other").mkdir()
    other = theirs.make(tmp_path / "other")
    (tmp_path / "other.pem").write_text(other)
    assert check(stamped(response), "--tsa", tmp_path / "other.pem")[0] == 1


def test_what_does_not_count(check: Checked, authority: Authority, tmp_path: Path) -> None:
    root = authority.folder / "ca.pem"
    stranger, plain = Authority(tmp_path / "x").make(), Authority(tmp_path / "plain")
    for token in (
        authority.stamp(b"another"),
        authority.stamp(NOTE, digest="sha384"),
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        sha256(b"").digest(),
        stranger.stamp(NOTE),
    ):
        assert check(stamped(token), "--tsa", root)[0] == 1
    assert check(stamped(stranger.stamp(NOTE))) == (0, [])  # signed, but by nobody pinned: a note, no bound
    with pytest.raises(subprocess.CalledProcessError):  # openssl itself refuses to stamp with it
        plain.make(usage="plain").stamp(NOTE)


def test_every_byte_of_a_token(check: Checked, authority: Authority) -> None:
    """A changed byte is a finding, or changes nothing that is signed, such as the answer's status."""
    token, root = authority.stamp(NOTE), authority.folder / "ca.pem"
    for at in range(0, len(token), 23):
        code, _ = check(stamped(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]), "--tsa", root)
        assert code in (0, 1)
        assert check(stamped(token[:at]), "--tsa", root)[0] == 1
    for at in range(len(token) - 200, len(token)):  # the signature
        assert check(stamped(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]), "--tsa", root)[0] == 1
