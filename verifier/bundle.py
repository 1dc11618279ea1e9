"""A bundle on disk: a folder or its zip, read by expected names alone and never further than a limit."""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import DuplicateExtension, ExtensionNotFound, InvalidVersion

from verifier.merkle import VerificationError, need

EXPECTED = re.compile(
    r"bundle\.json|README\.txt|checkpoint|(leaves|openings|evidence)\.jsonl|checkpoints/([0-9]{1,19}\.note)?|"
    r"timestamps/([0-9]{1,19}\.[0-9]{1,9}\.(tsr|pem|note))?"
)
BROKEN = (  # whatever reading hostile bytes raises
    *(VerificationError, OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError),
    *(EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error, struct.error),
    *(InvalidSignature, UnsupportedAlgorithm, ExtensionNotFound, DuplicateExtension, InvalidVersion),
)
LARGEST, PLAIN = 1 << 20, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def told(error: BaseException) -> str:
    """What broke a check, in a sentence."""
    plain = isinstance(error, VerificationError | OSError)
    return str(error) if plain else f"It is malformed, or its signature is wrong ({type(error).__name__})."


class Bundle:
    """The files of a bundle or, not `strict`, of a witness's mirror, which may hold others beside."""

    def __init__(self, path: Path, *, strict: bool = True) -> None:
        self.path, self.zip = path, None if path.is_dir() else zipfile.ZipFile(path)
        packed = {one.filename: one for one in self.zip.infolist()} if self.zip else {}
        inner = [one for one in path.rglob("*") if one.is_symlink() or not one.is_dir()]
        self.names = sorted([*packed, *(str(one.relative_to(path)) for one in inner)])
        odd = [name for name in self.names if strict and not EXPECTED.fullmatch(name)]
        odd += [str(one) for one in inner if one.is_symlink() or not one.is_file()]
        odd += [name for name, one in packed.items() if stat.S_ISLNK(one.external_attr >> 16)]
        odd += [name for name, one in packed.items() if one.compress_type not in PLAIN]
        need(not odd, f"The bundle holds {odd[:1]}, which is no part of a bundle.")
        missing = {"checkpoint", "leaves.jsonl", "openings.jsonl", "evidence.jsonl"} - {*self.names}
        need(not strict or not missing, f"The bundle lacks {sorted(missing)}.")
        need(not self.zip or len(packed) == len(self.zip.infolist()), "The zip holds two files of one name.")

    def open(self, name: str) -> io.BufferedReader:
        """A file of the bundle, as a stream of bytes."""
        need(name in self.names, f"There is no file {name}.")
        file = self.zip.open(name) if self.zip else (self.path / name).open("rb")
        return io.BufferedReader(cast("io.RawIOBase", file), 1 << 18)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file without their newlines, one by one."""
        with self.open(name) as file:
            while line := file.readline(LARGEST + 1):
                need(line.endswith(b"\n"), f"{name} holds a line that is too long or has no end.")
                yield line[:-1]

    def read(self, name: str) -> bytes:
        """A small file whole."""
        with self.open(name) as file:
            data = file.read(LARGEST + 1)
        need(len(data) <= LARGEST, f"{name} is larger than it may be.")
        return data
