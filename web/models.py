"""What this site must remember for browsers, and no ledger needs to know."""

from django.db import models


class Passkey(models.Model):
    """By what name a browser finds the passkey of a registered key again.

    No secret and no fact of a case: lost, the browser asks its owner which passkey to take.
    """

    key = models.CharField(primary_key=True, max_length=64, editable=False)  # the id of the PartyKey
    credential = models.CharField(max_length=1400)  # base64url; WebAuthn allows 1,023 bytes
