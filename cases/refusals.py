"""The few ways in which Countersign says no, each with a sentence fit for a person."""


class Refused(Exception):
    """The command is understood and may not happen now; nothing was changed."""

    def __init__(self, code: str, sentence: str, *, status: int = 409, field: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status
        self.field = field


class Unseen(Refused):
    """What was asked for does not exist as far as this actor may know."""

    def __init__(self) -> None:
        super().__init__("not-found", "There is nothing here that you may see.", status=404)


class Forbidden(Refused):
    """The actor may see the thing but not do this with it."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code, sentence, status=403)


class Invalid(Refused):
    """A value cannot be accepted; `field` names it, `position` the character of a query where it stops making
    sense."""

    def __init__(
        self, field: str, sentence: str, *, code: str = "invalid", position: int | None = None
    ) -> None:
        super().__init__(code, sentence, status=422, field=field)
        self.position = position
