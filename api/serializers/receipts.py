"""What many answers end with: a party, and the receipt of what was done."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import PARTY_KINDS, Instant


class PartyAnswer(serializers.Serializer[Any]):
    """An organisation on this host."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    short_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=PARTY_KINDS)


class EntryAnswer(serializers.Serializer[Any]):
    """A place in the ledger."""

    index = serializers.IntegerField()
    leaf_hash = serializers.CharField()


class ReceiptAnswer(serializers.Serializer[Any]):
    """What a writer keeps: where its first entry stands, all its leaf hashes, and the signed checkpoint."""

    log = serializers.UUIDField()
    index = serializers.IntegerField(help_text="Of the first entry.")
    leaf_hash = serializers.CharField(help_text="Of the first entry.")
    entries = EntryAnswer(many=True)
    size = serializers.IntegerField(help_text="Entries in the log after this command.")
    checkpoint = serializers.CharField(help_text="A C2SP tlog-checkpoint note, signed by the host.")
    recorded_at = Instant()
    replayed = serializers.BooleanField(
        help_text="True where the command had been done before and nothing was added."
    )
    proof = serializers.CharField(
        allow_null=True,
        help_text="Where the proof of the first entry is; null for what stands in the host's own log.",
    )
