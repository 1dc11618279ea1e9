"""Makes cases a Django app."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """The app named after its folder."""

    name = "cases"
