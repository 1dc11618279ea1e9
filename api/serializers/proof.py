"""Proofs and what witnesses hand in, as the API takes and gives them."""

from typing import Any

from rest_framework import serializers

HASHES = "Hashes in hex, in the order of RFC 9162."


class ConsistencyAnswer(serializers.Serializer[Any]):
    """That the log of the larger size begins with all of the log of the smaller one."""

    origin = serializers.CharField()
    size1 = serializers.IntegerField()
    size2 = serializers.IntegerField()
    root1 = serializers.CharField(help_text="The root at size1, in hex.")
    root2 = serializers.CharField(help_text="The root at size2, in hex.")
    proof = serializers.ListField(child=serializers.CharField(), help_text=HASHES)
