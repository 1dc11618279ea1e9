"""Makes ledger a Django app."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The app named after its folder."""

    name = "ledger"
