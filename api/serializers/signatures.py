"""Signatures as the API takes them: over a key's statement, over an act's intent."""

from rest_framework import serializers

from api.serializers.fields import KEY_KINDS, StrictSerializer


class SignatureParts(StrictSerializer):
    """A signature as its key made it: base64. The last two only from a passkey, as WebAuthn names them."""

    sig = serializers.CharField(max_length=8_192)
    authenticator_data = serializers.CharField(max_length=8_192, required=False, default="", allow_blank=True)
    client_data = serializers.CharField(max_length=8_192, required=False, default="", allow_blank=True)


class AuthorshipParts(SignatureParts):
    """The member's own signature over an intent; what `countersign-sign` prints, as it is."""

    key = serializers.CharField(max_length=64, help_text="The key's id: SHA-256 of its public half, in hex.")
    alg = serializers.ChoiceField(choices=KEY_KINDS)
    intent = serializers.CharField(
        max_length=4_096, trim_whitespace=False, help_text="The exact text that was signed."
    )
