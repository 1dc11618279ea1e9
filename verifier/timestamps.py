"""RFC 3161 time stamps: imprint, signature, chain. Whether a certificate was revoked is not looked up."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from verifier.merkle import VerificationError, need

SIGNED_DATA, TST_INFO, DIGEST, SHA = (
    bytes.fromhex(one)
    for one in ("2a864886f70d010702", "2a864886f70d0109100104", "2a864886f70d010904", "6086480165030402")
)
HASHES = {SHA + b"\1": hashes.SHA256(), SHA + b"\2": hashes.SHA384(), SHA + b"\3": hashes.SHA512()}


def _der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The tag, content and whole bytes of the DER values that stand side by side."""
    found = []
    while data:
        size, head = data[1], 2
        if size & 0x80:
            head += size & 0x7F
            size = int.from_bytes(data[2:head], "big") if 2 < head < 7 else len(data)
        need(head + size <= len(data), "The time stamp is not DER.")
        found.append((data[0], data[head : head + size], data[: head + size]))
        data = data[head + size :]
    return found


def _in(data: bytes, *path: int) -> bytes:
    """The content of the value that stands inside, in this place at each level."""
    for place in path:
        data = _der(data)[place][1]
    return data


def check(token: bytes, digests: Sequence[bytes], extra: bytes, pinned: bytes) -> tuple[datetime, bool]:
    """When a TSA signed one of the SHA-256 digests, and whether its chain ends at a pinned certificate."""
    try:
        answer = _der(_in(token, 0))
        token = answer[1][2] if answer[0][0] == 0x30 else token  # an answer is a status and a token
        need(_in(token, 0, 0) == SIGNED_DATA, "The time stamp is no signed data.")
        signed, info = _der(_in(token, 0, 1, 0)), _in(token, 0, 1, 0, 2, 1, 0)
        signer, stamp = _der(_in(signed[-1][1], 0)), _der(_in(info, 0))
        imprint, time = stamp[2][1], stamp[4][1].decode()
        good = (
            _in(signed[2][1], 0) == TST_INFO
            and _in(imprint, 0, 0) == SHA + b"\1"
            and _in(imprint, 1) in digests
        )
        need(good, "The time stamp is of something else than the checkpoint.")
        at = datetime.strptime(time, "%Y%m%d%H%M%S.%fZ" if "." in time else "%Y%m%d%H%M%SZ").replace(
            tzinfo=UTC
        )
        attributes = {
            _in(one, 0): _in(one, 1, 0) for _, _, one in ((0, 0, each[1]) for each in _der(signer[3][1]))
        }
        digest = HASHES[_in(signer[2][1], 0)]
        need(
            attributes[DIGEST] == hashlib.new(digest.name, info).digest(), "The time stamp's digest is wrong."
        )
        given = (
            [x509.load_der_x509_certificate(one) for _, _, one in _der(signed[3][1])]
            if signed[3][0] == 0xA0
            else []
        )
        trusted = x509.load_pem_x509_certificates(pinned) if pinned else []
        given += trusted + (x509.load_pem_x509_certificates(extra) if extra else [])
        names = b"".join(attributes.values())  # one of them names the signer's certificate by its hash
        leaf = next(
            one
            for one in given
            if {one.fingerprint(kind) in names for kind in (hashes.SHA256(), hashes.SHA1())} != {False}
        )  # noqa: S303
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        need(
            x509.ExtendedKeyUsageOID.TIME_STAMPING in usage,
            "The time stamp's certificate is for something else.",
        )
        key, message, signature = leaf.public_key(), b"\x31" + signer[3][2][1:], signer[5][1]
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, ec.ECDSA(digest))
        else:
            need(isinstance(key, rsa.RSAPublicKey), "The time stamp's kind of key is not understood.")
            key.verify(signature, message, padding.PKCS1v15(), digest)
        return at, _ends_at(trusted, leaf, given, at, 8)
    except (
        LookupError,
        ValueError,
        TypeError,
        StopIteration,
        InvalidSignature,
        UnsupportedAlgorithm,
        x509.ExtensionNotFound,
    ):
        raise VerificationError("The time stamp is malformed, or its signature is wrong.") from None


def _ends_at(
    trusted: list[x509.Certificate],
    one: x509.Certificate,
    given: list[x509.Certificate],
    at: datetime,
    depth: int,
) -> bool:
    if not one.not_valid_before_utc <= at <= one.not_valid_after_utc or one in trusted or not depth:
        return one in trusted and one.not_valid_before_utc <= at <= one.not_valid_after_utc
    for issuer in given:
        try:
            one.verify_directly_issued_by(issuer)
            if issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                return _ends_at(trusted, issuer, given, at, depth - 1)
        except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            continue
    return False
