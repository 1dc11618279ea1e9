"""Celery's tasks: thin. A message is a nudge, rows in the database are the truth, so every task may run
twice."""

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from cases import followers
from cases import ingest as steps
from evidence.models import Ingest
from evidence.vault import vault

QUIET = timedelta(seconds=5)
"""A work row that was touched more recently is being worked on, or was nudged just now."""

MANY = 1_000


# Any failure is counted in the work row, which also ends the attempts; the task itself only tries again.
@shared_task(autoretry_for=(Exception,), max_retries=steps.ATTEMPTS, default_retry_delay=2)
def ingest(item_id: str) -> None:
    """Bring one item as far as it can come."""
    steps.run(UUID(item_id))


@shared_task
def catch_up(log_id: str) -> None:
    """Nudge for everything that waits in one case."""
    for item in Ingest.objects.filter(case=log_id, pending=True).values_list("item", flat=True)[:MANY]:
        followers.nudge(item)


@shared_task
def sweep() -> None:
    """Nudge for whatever waits and has been quiet: messages may get lost, rows do not. Clear what dead
    uploads left."""
    quiet = Ingest.objects.filter(pending=True, updated_at__lt=timezone.now() - QUIET)
    for item in quiet.order_by("updated_at").values_list("item", flat=True)[:MANY]:
        followers.nudge(item)
    vault().sweep()
