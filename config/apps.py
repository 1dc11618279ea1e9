"""Makes config's management commands known to Django."""

from django.apps import AppConfig


class ConfigApp(AppConfig):
    """The frame as a Django app: commands only, no models."""

    name = "config"
