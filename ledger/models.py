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
    """What an entry's commitment hides: the body and one salt a field, in the order of the fields' names."""

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

    class Meta:
        db_table = "ledger_opening"
        constraints = [
            models.UniqueConstraint(fields=["log", "stream", "version"], name="ledger_opening_stream")
        ]
