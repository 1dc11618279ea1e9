"""RFC 3161 time stamps: imprint, signature, chain. Whether a certificate was revoked is not looked up."""

import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from verifier.merkle import need

SIGNED_DATA, TST_INFO = bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d0109100104")
DIGEST, SHA = bytes.fromhex("2a864886f70d010904"), bytes.fromhex("6086480165030402")
HASHES = {SHA + b"\1": hashes.SHA256(), SHA + b"\2": hashes.SHA384(), SHA + b"\3": hashes.SHA512()}


def _der(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The tag, content and whole bytes of the DER values that stand side by side, sorted or not."""
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


def check(answer: bytes, message: bytes, extra: bytes, pinned: bytes) -> tuple[datetime, bool]:
    """When a TSA signed a message's SHA-256, and whether its chain ends at a pinned certificate.

    Whatever is raised means that it did not; a malformed answer raises what its reading happens to.
    """
    token = _der(_in(answer, 0))[1][2]
    signed, info = _der(_in(token, 0, 1, 0)), _in(token, 0, 1, 0, 2, 1, 0)
    signer, stamp = _der(_in(signed[-1][1], 0)), _der(_in(info, 0))
    imprint, time, digest = stamp[2][1], stamp[4][1].decode(), HASHES[_in(signer[2][1], 0)]
    good = _in(token, 0, 0) == SIGNED_DATA and _in(signed[2][1], 0) == TST_INFO
    good = good and _in(imprint, 0, 0) == SHA + b"\1" and _in(imprint, 1) == hashlib.sha256(message).digest()
    need(good, "The time stamp is of something else than the note beside it.")
    at = datetime.strptime(time[:14] + "+0000", "%Y%m%d%H%M%S%z").astimezone(UTC)
    attributes = {_in(one, 0): _in(one, 1, 0) for _, one, _ in _der(signer[3][1])}
    need(attributes[DIGEST] == hashlib.new(digest.name, info).digest(), "The time stamp's digest is wrong.")
    trusted = x509.load_pem_x509_certificates(pinned) if pinned else []
    given = trusted + (x509.load_pem_x509_certificates(extra) if extra else [])
    if signed[3][0] == 0xA0:
        given += [x509.load_der_x509_certificate(one) for _, _, one in _der(signed[3][1])]
    names = b"".join(attributes.values())  # one of them names the signer's certificate by its hash
    kinds = hashes.SHA256(), hashes.SHA1()  # noqa: S303 - RFC 2634 knows no other; the signature covers it
    chain = [one for one in given if any(one.fingerprint(kind) in names for kind in kinds)][:1]
    usage = chain[0].extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    need(ExtendedKeyUsageOID.TIME_STAMPING in usage, "The signer's certificate is for something else.")
    key, message, signature = chain[0].public_key(), b"\x31" + signer[3][2][1:], signer[5][1]
    need(isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey), "The kind of key is not understood.")
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, padding.PKCS1v15(), digest)
    while chain[-1] not in trusted:
        issuers = [one for one in given if one.subject == chain[-1].issuer and one not in chain]
        if not issuers:
            return at, False
        chain[-1].verify_directly_issued_by(issuers[0])
        basic = issuers[0].extensions.get_extension_for_class(x509.BasicConstraints).value
        need(basic.ca, "A certificate in the chain may not issue others.")
        chain.append(issuers[0])
    return at, all(one.not_valid_before_utc <= at <= one.not_valid_after_utc for one in chain)
