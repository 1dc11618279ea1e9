"""guardian's rows about evidence: who may do what with which item, from when until when."""

from collections.abc import Sequence
from typing import ClassVar

from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from cases.models.evidence import EvidenceItem
from cases.models.sharing import Share


class EvidenceItemGroupObjectPermission(GroupObjectPermissionBase):
    """What a party (group `party:<id>`), or a role in it (`party:<id>:<role>`), may do with an item, by which
    share; without a share it is the owner's own. A projection like any other table here."""

    id = models.UUIDField(primary_key=True, editable=False)
    content_object = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE)
    share = models.ForeignKey(Share, on_delete=models.CASCADE, null=True, related_name="group_rows")
    not_before = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = False
        unique_together: ClassVar[list[Sequence[str]]] = []
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "group", "permission", "share"],
                nulls_distinct=False,
                name="cases_wall_of_groups",
            )
        ]


class EvidenceItemUserObjectPermission(UserObjectPermissionBase):
    """The same for members whom a share names."""

    id = models.UUIDField(primary_key=True, editable=False)
    content_object = models.ForeignKey(EvidenceItem, on_delete=models.CASCADE)
    share = models.ForeignKey(Share, on_delete=models.CASCADE, null=True, related_name="user_rows")
    not_before = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = False
        unique_together: ClassVar[list[Sequence[str]]] = []
        constraints = [
            models.UniqueConstraint(
                fields=["content_object", "user", "permission", "share"],
                nulls_distinct=False,
                name="cases_wall_of_users",
            )
        ]
