"""Settings, URLs, Celery, health and the launcher; imports everything, imported by nothing."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
