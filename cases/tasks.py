"""Celery's tasks: thin. A message is a nudge, rows in the database are the truth, so every task may run
twice."""

from uuid import UUID

from celery import shared_task

from cases import errands, followers, givenback, keyring, regain, stamping
from cases import ingest as steps
from evidence.models import Errand, Ingest
from evidence.vault import vault

MANY = 1_000


# Any failure is counted in the work row, which also ends the attempts; the task itself only tries again.
@shared_task(autoretry_for=(Exception,), max_retries=steps.ATTEMPTS, default_retry_delay=2)
def ingest(item_id: str) -> None:
    """Bring one item as far as it can come."""
    steps.run(UUID(item_id))


@shared_task(autoretry_for=(Exception,), max_retries=steps.ATTEMPTS, default_retry_delay=2)
def errand(errand_id: str) -> None:
    """Hash offered bytes again for their receiver, or take disposed ones out of the vault."""
    errands.run(UUID(errand_id))


@shared_task
def catch_up(log_id: str) -> None:
    """Nudge for everything that waits in one case."""
    for item in Ingest.objects.filter(case=log_id, pending=True).values_list("item", flat=True)[:MANY]:
        followers.nudge(item)


@shared_task
def spread_keys(party_id: str) -> None:
    """Copy a party's key events into the logs of its cases. What a crash leaves, the sweep finds."""
    keyring.spread_all(UUID(party_id), most=MANY)


@shared_task
def sweep() -> None:
    """Nudge for whatever waits: messages may get lost, rows do not. Clear what dead uploads left.

    Runs each minute and when a worker starts, which is at once after one was killed: the item that it was at
    must not wait for the next minute. A nudge too many costs one look at a lock.
    """
    waiting = Ingest.objects.filter(pending=True).order_by("updated_at")
    for item in waiting.values_list("item", flat=True)[:MANY]:
        followers.nudge(item)
    errands_waiting = Errand.objects.filter(pending=True).order_by("updated_at")
    for each in errands_waiting.values_list("pk", flat=True)[:MANY]:
        followers.nudge_errand(each)
    for party in set(keyring.lagging().values_list("party", flat=True)[:MANY]):
        followers.nudge_keys(party)
    vault().sweep()
    givenback.sweep()
    regain.finish_all()


@shared_task
def stamp_due(log_id: str | None = None) -> None:
    """Have stamped what is due, in one case after an act that asks for it, or in all every five minutes."""
    stamping.stamp_due(UUID(log_id) if log_id else None)
