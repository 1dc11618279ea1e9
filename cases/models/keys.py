"""The public keys of parties: their witnesses' and their members'."""

from django.db import models

from cases.models.parties import Member, Party
from cases.rules.values import KEY_KINDS, KEY_PURPOSES
from ledger.cosigning import WitnessKey

ENDINGS = {"rotated": "Replaced", "revoked": "Revoked"}


class PartyKey(models.Model):
    """One public key, as the host log's events tell it. The private half never reaches this host."""

    id = models.CharField(primary_key=True, max_length=64, editable=False)  # SHA-256 of the public key
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="keys_held")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, related_name="keys_held")
    alg = models.CharField(max_length=10, choices=list(KEY_KINDS.items()))
    public = models.CharField(max_length=130)
    purpose = models.CharField(max_length=10, choices=list(KEY_PURPOSES.items()))
    name = models.CharField(max_length=120, blank=True)
    registered_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=10, blank=True, choices=list(ENDINGS.items()))
    replaced_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaced")

    class Meta:
        ordering = ["registered_at", "id"]
        indexes = [models.Index(fields=["party", "purpose", "ended_at"], name="cases_partykey_by_party")]

    def __str__(self) -> str:
        return self.name or self.fingerprint

    @property
    def live(self) -> bool:
        """Whether the key is good for new signatures; a disabled member's key signs nothing all the same."""
        return self.ended_at is None

    @property
    def vkey(self) -> str:
        """The one line to pin a witness key by."""
        return WitnessKey(self.name, bytes.fromhex(self.public)).vkey

    @property
    def fingerprint(self) -> str:
        """The key's id as people read it to each other: its first 16 digits in fours."""
        return " ".join(self.id[at : at + 4] for at in range(0, 16, 4))
