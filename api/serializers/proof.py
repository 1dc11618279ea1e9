"""Proofs and what witnesses hand in, as the API takes and gives them."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import PARTS, Instant

HASHES = "Hashes in hex, in the order of RFC 9162."


class WitnessedAnswer(serializers.Serializer[Any]):
    """How far the witnesses of one party have come."""

    party = serializers.UUIDField()
    part = serializers.ChoiceField(choices=PARTS)
    needed = serializers.BooleanField(help_text="Whether entries wait for this party: lead and partners.")
    vkeys = serializers.ListField(
        child=serializers.CharField(), help_text="Its witnesses' keys in use; none: no witness is registered."
    )
    size = serializers.IntegerField(help_text="Entries that it has countersigned.")
    at = Instant(allow_null=True, help_text="When, by its witness's clock.")


class StampAnswer(serializers.Serializer[Any]):
    """An authority's word (RFC 3161) that the log had this size by then."""

    authority = serializers.CharField()
    size = serializers.IntegerField()
    at = Instant()


class CountersignedAnswer(serializers.Serializer[Any]):
    """When a party's witness first vouched for an entry."""

    party = serializers.UUIDField()
    at = Instant()


class ConsistencyAnswer(serializers.Serializer[Any]):
    """That the log of the larger size begins with all of the log of the smaller one."""

    origin = serializers.CharField()
    size1 = serializers.IntegerField()
    size2 = serializers.IntegerField()
    root1 = serializers.CharField(help_text="The root at size1, in hex.")
    root2 = serializers.CharField(help_text="The root at size2, in hex.")
    proof = serializers.ListField(child=serializers.CharField(), help_text=HASHES)


class CosignatureAnswer(serializers.Serializer[Any]):
    """A cosignature as the host holds it."""

    vkey = serializers.CharField(help_text="The witness's key as one line.")
    at = Instant(help_text="When, by the witness's own clock.")
    line = serializers.CharField(help_text="The signature line, as it stands in the note.")


class CosignaturesAnswer(serializers.Serializer[Any]):
    """What is held now of the keys that signed: of each key the first cosignature for this size."""

    size = serializers.IntegerField()
    cosignatures = CosignatureAnswer(many=True)


class StagedAnswer(serializers.Serializer[Any]):
    """How far the entries reach that wait for their checkpoint."""

    next = serializers.IntegerField(help_text="The index that comes next.")


class RegainedAnswer(serializers.Serializer[Any]):
    """Where the log stands, and what is still missing of it."""

    size = serializers.IntegerField()
    missing = serializers.IntegerField(help_text="Entries that came back and do not say yet what they mean.")
    first_missing = serializers.IntegerField(allow_null=True)
    doubt = serializers.CharField(
        allow_null=True, help_text="Why nothing is written to the log now; null where all is well."
    )
