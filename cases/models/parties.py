"""Who exists on this host."""

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from cases.rules.values import PARTY_KINDS, ROLES


class Party(models.Model):
    """An organisation. Its guardian group carries what it may see."""

    id = models.UUIDField(primary_key=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    short_name = models.CharField(max_length=24, unique=True)
    kind = models.CharField(max_length=20, choices=list(PARTY_KINDS.items()))
    hue = (
        models.PositiveSmallIntegerField()
    )  # 1 to 8: the party's colour on every page, by order of registration
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="party")
    registered_at = models.DateTimeField()
    keys = models.PositiveIntegerField(default=0)  # how many key events the host log has of this party
    signatures_required = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "parties"

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person acting for one party."""

    id = models.UUIDField(primary_key=True, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="member")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="members")
    role = models.CharField(max_length=20, choices=list(ROLES.items()))
    title = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=120)
    email = models.CharField(max_length=254, blank=True)
    active = models.BooleanField()
    admitted_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """An API token as the events tell it. The secret itself is known to its bearer alone."""

    id = models.UUIDField(primary_key=True, editable=False)
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="tokens")
    label = models.CharField(max_length=80, blank=True)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-issued_at"]

    def __str__(self) -> str:
        return self.label or str(self.id)

    @property
    def revoked(self) -> bool:
        """Whether the token was ended before its time."""
        return self.revoked_at is not None
