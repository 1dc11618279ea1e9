"""The operator's console: what exists and whether it works, never what a case or its evidence says."""

from cases.admin import evidence, parties

__all__ = ["evidence", "parties"]
