"""The ledger's refusals; each carries a sentence fit for a person."""


class LedgerError(Exception):
    """Whatever the ledger refuses or cannot do; `sentence` says it in plain words."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotCanonical(LedgerError):
    """A value lies outside the profile that the ledger can hash: a float, NUL, an odd key, a huge integer."""


class MalformedLeaf(LedgerError):
    """The bytes of an entry are not a leaf as docs/format.md defines it."""


class MalformedNote(LedgerError):
    """A text is not a checkpoint note as docs/format.md defines it."""


class VerificationError(LedgerError):
    """A proof or a signature does not show what it claims to show."""


class CommandIdReused(LedgerError):
    """A command id came back with another body."""


class StaleStream(LedgerError):
    """A stream has moved on since the writer last looked at it."""


class HeadMoved(LedgerError):
    """The log does not stand where the writer's handle says; the write is refused whole."""


class NoSuchEntry(LedgerError):
    """The log has no entry, or no size, as asked for."""


class SignerRefuses(LedgerError):
    """The log does not follow from what the host's key signed before: the database was put back or rewritten.

    Nothing is written to the log until its parties have resolved it.
    """


class LeafTooLarge(LedgerError):
    """What a member's signature would put into a leaf makes it larger than 32 KiB."""


class NotErasable(LedgerError):
    """A field cannot be erased: every event needs it, or the entry's opening does not have it."""


class UnknownKey(LedgerError):
    """None of the signatures is by a key that was expected."""


class FromTheFuture(LedgerError):
    """A cosignature says that it was made later than this host's clock can be wrong."""


class TimeStampFailed(LedgerError):
    """A time stamping authority did not answer, or its answer does not hold."""


class HostKeyError(LedgerError):
    """The host's signing key cannot be read, made or trusted."""


class Misuse(LedgerError):
    """The caller broke the ledger's contract: a programming error, never a user's."""
