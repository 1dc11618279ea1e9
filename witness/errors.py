"""What can go wrong for a witness, each with its own exit code."""


class Trouble(Exception):
    """The witness cannot do its work now: network, files, settings. The host is not accused."""

    code = 1


class Absent(Trouble):
    """The host says that it has no such log, or none for this token."""


class Refused(Trouble):
    """The host showed something that does not verify: a signature, a leaf or a root is wrong."""

    code = 2


class RolledBack(Trouble):
    """The host shows less than it once signed: an old backup was put back, or it hides entries."""

    code = 3


class Forked(Trouble):
    """The host signed two histories."""

    code = 4
