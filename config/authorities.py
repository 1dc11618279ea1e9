"""The setting TIME_STAMP_AUTHORITIES: who is asked for RFC 3161 time stamps, and trusted by which roots."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.core.exceptions import ImproperlyConfigured

LONGEST_NAME = 80


class TimeStampAuthority(NamedTuple):
    """One authority: what we call it, where it answers, and its trusted roots as PEM."""

    name: str
    url: str
    roots: str


def parse(text: str) -> tuple[TimeStampAuthority, ...]:
    """The authorities in `name|url|path`, separated by commas; ImproperlyConfigured for anything else.

    A name stays with every stamp for good, so no two may share one.
    """
    found = tuple(_one(part.strip()) for part in text.split(",") if part.strip())
    names = [each.name for each in found]
    if len(set(names)) != len(names):
        raise ImproperlyConfigured("TIME_STAMP_AUTHORITIES gives two authorities one name.")
    return found


def _one(text: str) -> TimeStampAuthority:
    parts = [part.strip() for part in text.split("|")]
    if len(parts) != 3 or not all(parts):
        raise ImproperlyConfigured(
            f"TIME_STAMP_AUTHORITIES must be name|url|file of PEM certificates, by commas, not {text!r}."
        )
    name, url, path = parts
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ImproperlyConfigured(
            f"TIME_STAMP_AUTHORITIES: a name is at most {LONGEST_NAME} characters, unlike {name!r}."
        )
    try:
        address = urlsplit(url)
        good = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        good = False
    if not good or any(mark.isspace() for mark in url):
        raise ImproperlyConfigured(f"TIME_STAMP_AUTHORITIES: {name} has no web address: {url!r}.")
    try:
        roots = Path(path).read_text(encoding="ascii")
        certificates = x509.load_pem_x509_certificates(roots.encode())
    except OSError as error:
        raise ImproperlyConfigured(
            f"TIME_STAMP_AUTHORITIES: the roots of {name} cannot be read from {path}: {error.strerror}."
        ) from error
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TIME_STAMP_AUTHORITIES: {path} holds no PEM certificates for {name}."
        ) from error
    return TimeStampAuthority(
        name, url, "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)
    )
