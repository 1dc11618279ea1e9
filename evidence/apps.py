"""Makes evidence a Django app."""

from django.apps import AppConfig


class EvidenceConfig(AppConfig):
    """The app named after its folder."""

    name = "evidence"
