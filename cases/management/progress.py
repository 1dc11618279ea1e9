"""How a long command shows how far it is."""

import time
from types import TracebackType
from typing import Any, Self


class Counter:
    """A line on a terminal that counts up twice a second; on anything else a line every ten seconds."""

    def __init__(self, out: Any, noun: str) -> None:
        self._out = out
        self._noun = noun
        self._live = out.isatty()
        self._told = time.monotonic()
        self._shown = False

    def show(self, done: int, total: int) -> None:
        """Show `done` of `total`, if it is time to."""
        now = time.monotonic()
        if now - self._told < (0.5 if self._live else 10):
            return
        self._told = now
        self._shown = True
        line = f"{done:,} of {total:,} {self._noun}"
        self._out.write(f"\r{line}" if self._live else line, ending="" if self._live else "\n")
        self._out.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live and self._shown:
            self._out.write("")
