"""How log lines look: one record a line, UTC with microseconds."""

import logging
from datetime import UTC, datetime


class OneLine(logging.Formatter):
    """Format a record on one line, so that text from outside cannot forge a second one."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """The record's time in UTC."""
        return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The record's line with control characters escaped; a traceback follows on its own lines."""
        return super().formatMessage(record).translate(_CONTROL)


_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127)}
