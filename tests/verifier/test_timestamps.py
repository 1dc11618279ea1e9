"""RFC 3161 tokens of a local authority, made by `openssl ts`."""

import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

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

    def stamp(
        self, data: bytes, *, digest: str = "sha256", certificate: bool = True, token: bool = False
    ) -> bytes:
        """A time stamp over some bytes."""
        (self.folder / "data").write_bytes(data)
        more = ["-cert"] if certificate else []
        self.openssl("ts", "-query", "-data", "data", f"-{digest}", *more, "-out", "query")
        self.openssl(
            "ts",
            "-reply",
            "-config",
            "config",
            "-section",
            "tsa",
            "-queryfile",
            "query",
            "-signer",
            "tsa.pem",
            "-inkey",
            "tsa.key",
            "-out",
            "reply",
            *(["-token_out"] if token else []),
        )
        return (self.folder / "reply").read_bytes()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An ordinary authority."""
    return Authority(tmp_path_factory.mktemp("tsa") / "rsa").make()


def stamped(token: bytes, pem: bytes = b"") -> dict[str, bytes]:
    """A log whose newest checkpoint carries a time stamp; the log is from today, as the stamp is."""
    files = maker.example().files()
    return files | {"timestamps/11.1.tsr": token} | ({"timestamps/11.1.pem": pem} if pem else {})


def text() -> bytes:
    """What the stamp is over: the signed lines."""
    return maker.example().files()["checkpoint"].partition(b"\n\n")[0] + b"\n"


def test_a_pinned_authority_counts(check: Checked, authority: Authority) -> None:
    for token in (
        authority.stamp(text()),
        authority.stamp(text(), token=True),
        authority.stamp(maker.example().files()["checkpoint"]),
    ):
        for pinned in ("ca.pem", "tsa.pem"):
            assert check(stamped(token), "--tsa", authority.folder / pinned) == (0, [])
        assert check(stamped(token)) == (0, [])


def test_the_certificate_may_lie_beside_the_token(check: Checked, authority: Authority) -> None:
    token = authority.stamp(text(), certificate=False)
    chain, root = (authority.folder / "tsa.pem").read_bytes(), authority.folder / "ca.pem"
    assert check(stamped(token, chain), "--tsa", root) == (0, [])
    assert check(stamped(token), "--tsa", root)[0] == 1
    assert check(stamped(token), "--tsa", authority.folder / "tsa.pem") == (0, [])


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1"])
def test_elliptic_curves(check: Checked, tmp_path: Path, curve: str) -> None:
    made = Authority(tmp_path / "ec").make(key=curve, ess="sha1")
    assert check(stamped(made.stamp(text())), "--tsa", made.folder / "ca.pem") == (0, [])


def test_what_does_not_count(check: Checked, authority: Authority, tmp_path: Path) -> None:
    root = authority.folder / "ca.pem"
    stranger, plain = Authority(tmp_path / "x").make(), Authority(tmp_path / "plain")
    for token in (
        authority.stamp(b"another"),
        authority.stamp(text(), digest="sha384"),
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        sha256(b"").digest(),
        stranger.stamp(text()),
    ):
        assert check(stamped(token), "--tsa", root)[0] == 1
    assert check(stamped(stranger.stamp(text()))) == (0, [])  # signed, but by nobody pinned: a note, no bound
    files = stamped(authority.stamp(text()))
    files["timestamps/7.1.tsr"] = files["timestamps/11.1.tsr"]
    assert check(files)[0] == 1
    with pytest.raises(subprocess.CalledProcessError):  # openssl itself refuses to stamp with it
        plain.make(usage="plain").stamp(text())


def test_every_byte_of_a_token(check: Checked, authority: Authority) -> None:
    """A changed byte is a finding, or changes nothing that is signed, such as the answer's status."""
    token, root = authority.stamp(text()), authority.folder / "ca.pem"
    for at in range(0, len(token), 23):
        code, _ = check(stamped(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]), "--tsa", root)
        assert code in (0, 1)
        assert check(stamped(token[:at]), "--tsa", root)[0] == 1
    for at in range(len(token) - 200, len(token)):  # the signature
        assert check(stamped(token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]), "--tsa", root)[0] == 1
