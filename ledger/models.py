"""The ledger's tables.

Nobody writes them through these models: `ledger.log` does, and the database refuses the rest.
"""

from django.db import models


class LogHead(models.Model):
    """Where a log stands. Its row lock makes one writer a log.

    Its peaks are all that an append reads of the tree.
    """

    log = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=8)
    origin = models.CharField(max_length=300)
    size = models.BigIntegerField()
    root = models.BinaryField()
    peaks = models.BinaryField()  # the hashes of the largest complete subtrees, left to right
    recorded_at = models.DateTimeField(null=True)  # of the last entry

    class Meta:
        db_table = "ledger_head"
        constraints = [models.UniqueConstraint(fields=["origin"], name="ledger_head_origin")]


class Entry(models.Model):
    """A sealed event: its exact bytes and their hash. `recorded_at` and `party` repeat what the leaf says."""

    pk = models.CompositePrimaryKey("log", "index")
    log = models.UUIDField()
    index = models.BigIntegerField()
    leaf = models.BinaryField()
    leaf_hash = models.BinaryField()
    recorded_at = models.DateTimeField()
    party = models.UUIDField()

    class Meta:
        db_table = "ledger_entry"


class Node(models.Model):
    """A complete subtree above the leaves, filed under the leaf that completed it: both grow in one order."""

    pk = models.CompositePrimaryKey("log", "last_leaf", "level")
    log = models.UUIDField()
    last_leaf = models.BigIntegerField()
    level = models.SmallIntegerField()
    hash = models.BinaryField()

    class Meta:
        db_table = "ledger_node"


class Checkpoint(models.Model):
    """One append: the command that asked for it and the signed note over the log's new size.

    The receipt, kept.
    """

    pk = models.CompositePrimaryKey("log", "size")
    log = models.UUIDField()
    size = models.BigIntegerField()
    first = models.BigIntegerField()
    root = models.BinaryField()
    note = models.TextField()
    command = models.UUIDField()
    command_digest = models.CharField(max_length=128)
    recorded_at = models.DateTimeField()
    skew_us = models.BigIntegerField()  # how far the clock stood behind the log, in microseconds

    class Meta:
        db_table = "ledger_checkpoint"
        constraints = [models.UniqueConstraint(fields=["log", "command"], name="ledger_checkpoint_command")]


class Opening(models.Model):
    """What an entry's commitment hides: the body and one salt a field, in the order of the fields' names.

    `erased` keeps the digests of fields whose salt and value were destroyed.
    """

    pk = models.CompositePrimaryKey("log", "index")
    log = models.UUIDField()
    index = models.BigIntegerField()
    stream = models.CharField(max_length=100)
    version = models.BigIntegerField()
    type = models.CharField(max_length=60)
    schema = models.IntegerField()
    command = models.UUIDField()
    body = models.JSONField()
    salts = models.BinaryField()
    erased = models.JSONField(null=True)  # field name → field digest in hex

    class Meta:
        db_table = "ledger_opening"
        constraints = [
            models.UniqueConstraint(fields=["log", "stream", "version"], name="ledger_opening_stream")
        ]


class Cosignature(models.Model):
    """A party's witness vouches for a checkpoint: the first cosignature of each key for each size."""

    pk = models.CompositePrimaryKey("log", "size", "key_name", "key_id")
    log = models.UUIDField()
    size = models.BigIntegerField()
    key_name = models.CharField(max_length=300)
    key_id = models.BinaryField()
    public = models.BinaryField()
    timestamp = models.BigIntegerField()  # the witness's own clock, seconds since 1970
    signature = models.BinaryField()
    received_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_cosignature"
        # Where a key stands, and the first it said above an entry: one step in this index each.
        indexes = [models.Index(fields=["log", "key_name", "key_id", "size"], name="ledger_cosignature_key")]


class TimeStamp(models.Model):
    """An authority's RFC 3161 word that a note, as it lies here byte for byte, existed at a time."""

    pk = models.CompositePrimaryKey("log", "size", "authority")
    log = models.UUIDField()
    size = models.BigIntegerField()
    authority = models.CharField(max_length=200)
    note = models.TextField()
    response = models.BinaryField()  # DER of the whole answer, the token in it
    chain = models.TextField()  # PEM: the certificates that came with the token and the trusted root
    stamped_at = models.DateTimeField()  # the token's own time
    received_at = models.DateTimeField()

    class Meta:
        db_table = "ledger_timestamp"


class Refeed(models.Model):
    """Entries that came back from a mirror without their openings, from `first` up to `size`."""

    pk = models.CompositePrimaryKey("log", "first")
    log = models.UUIDField()
    first = models.BigIntegerField()
    size = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "ledger_refeed"
