"""How the time stamping authorities behave: a note for the operator, no read model."""

from django.db import models


class AuthorityHealth(models.Model):
    """When an authority last answered, and since when and why it does not. Lost, it is written anew."""

    name = models.CharField(primary_key=True, max_length=80)
    answered_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    sentence = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
