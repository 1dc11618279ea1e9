"""What a search may answer instead of a result; each carries a sentence fit for a person."""

from __future__ import annotations


class QueryError(Exception):
    """The query, the cursor or a parameter cannot be understood; `position` is the 0-based character where
    it stops making sense.
    """

    def __init__(self, sentence: str, position: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.position = position


class SearchLimit(Exception):
    """The search hit its time or memory limit and was stopped; nothing is wrong with the evidence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
