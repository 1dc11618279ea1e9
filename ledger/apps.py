from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The ledger's tables, triggers and functions."""

    name = "ledger"
    verbose_name = "Ledger"
