"""gzip becomes the bytes it holds: all members, honestly cut where it is cut, and never without bound."""

import gzip
import os
import zlib
from pathlib import Path

import pytest
from django.test import override_settings

from evidence.unpack import NotReadable, TooLarge, Unpacked, packing_of, unpack

LOG = b"".join(b'{"n":%d,"id":"%s"}\n' % (n, os.urandom(8).hex().encode()) for n in range(60_000))


def unpacked(tmp_path: Path, data: bytes) -> tuple[Unpacked, bytes]:
    source = tmp_path / "evidence.gz"
    source.write_bytes(data)
    out = bytearray()

    class Sink:
        def write(self, chunk: bytes, /) -> None:
            out.extend(chunk)

    told: list[tuple[int, int]] = []
    result = unpack(source, Sink(), progress=lambda done, total: told.append((done, total)))
    assert not told or told[-1][0] <= told[-1][1] == len(data)
    return result, bytes(out)


def test_gzip_is_known_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(gzip.compress(b"a"))
    (tmp_path / "log.gz").write_bytes(b"plain text")
    (tmp_path / "empty.gz").write_bytes(b"")
    assert packing_of(tmp_path / "log.txt") == "gzip"
    assert packing_of(tmp_path / "log.gz") is None
    assert packing_of(tmp_path / "empty.gz") is None


def test_one_member(tmp_path: Path) -> None:
    result, out = unpacked(tmp_path, gzip.compress(LOG))
    assert out == LOG
    assert result == Unpacked(len(LOG), 1, complete=True, sentence=None)


def test_several_members_and_padding_are_one_file(tmp_path: Path) -> None:
    parts = [LOG[:1000], LOG[1000:500_000], b"", LOG[500_000:]]
    result, out = unpacked(tmp_path, b"".join(map(gzip.compress, parts)) + bytes(700))
    assert out == LOG
    assert (result.members, result.complete) == (4, True)


@pytest.mark.parametrize("lost", [1, 8, 9, 5000])
def test_a_truncated_file_keeps_its_readable_part_and_says_so(tmp_path: Path, lost: int) -> None:
    result, out = unpacked(tmp_path, gzip.compress(LOG)[:-lost])
    assert LOG.startswith(out)
    assert len(out) > len(LOG) * 0.9
    assert not result.complete
    assert result.sentence is not None
    assert "cut short" in result.sentence


def test_a_damaged_file_keeps_what_came_before_the_damage(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(LOG))
    packed[-6] ^= 1
    result, out = unpacked(tmp_path, bytes(packed))
    assert LOG.startswith(out)
    assert result.sentence is not None
    assert "damaged" in result.sentence


def test_other_bytes_behind_the_last_member_are_told(tmp_path: Path) -> None:
    result, out = unpacked(tmp_path, gzip.compress(LOG) + b"trailing words")
    assert out == LOG
    assert not result.complete
    assert result.sentence == "After 1 gzip members other bytes follow; they were not unpacked."


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotReadable):
        unpacked(tmp_path, gzip.compress(LOG)[:12])


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    bomb = b"".join(packer.compress(zeros) for _ in range(100)) + packer.flush()
    with pytest.raises(TooLarge, match="200 times"):
        unpacked(tmp_path, bomb)


def test_the_installations_cap_holds(tmp_path: Path) -> None:
    with override_settings(UNPACK_CAP=1_000_000), pytest.raises(TooLarge, match="1,000,000 bytes"):
        unpacked(tmp_path, gzip.compress(LOG))
