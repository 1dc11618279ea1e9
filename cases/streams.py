"""Sealed bytes on their way out: a piece at a time, and only as long as the reader may have them."""

import time
from collections.abc import Iterator
from typing import Final

from cases.examination import Content, broken_off, may_go_on

CHUNK: Final = 1 << 18
"""No more than this leaves between two questions, however slow the reader is."""
EVERY: Final = 0.5
"""Seconds after which the wall is asked again: a share that ends stops a running download within one."""


class Pieces:
    """A stretch of a download. Django closes it with the response, even if nobody asks for a piece.

    Ending short of Content-Length is how the client learns that it was broken off, or that the file has
    become shorter. That it was broken off is recorded; a crash in between leaves the download's own entry.
    """

    def __init__(self, content: Content, *, first: int, length: int) -> None:
        self._content = content
        self._left = length
        self._sent = 0
        self._asked = time.monotonic()
        content.file.seek(first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._left and not self._may_go_on():
            self._left = 0
            broken_off(self._content, self._sent)
        piece = self._content.file.read(min(CHUNK, self._left)) if self._left else b""
        if not piece:
            raise StopIteration
        self._left -= len(piece)
        self._sent += len(piece)
        return piece

    def close(self) -> None:
        """Close the file."""
        self._content.file.close()

    def _may_go_on(self) -> bool:
        now = time.monotonic()
        if now - self._asked < EVERY:
            return True
        self._asked = now
        return may_go_on(self._content)
