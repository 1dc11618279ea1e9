"""The Celery application; its settings are the CELERY_ ones in settings.py."""

import os
import signal
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready

from config.processes import follow_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("countersign")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def sweep_at_start(**_: Any) -> None:
    """Pick up what the last worker left, without waiting for the first beat."""
    app.send_task("cases.tasks.sweep")


@worker_process_init.connect
def die_with_the_worker(**_: Any) -> None:
    """A pool process ends with its parent, or a killed worker's ingest would go on beside its retry."""
    follow_parent(signal.SIGKILL)
