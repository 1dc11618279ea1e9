"""Which database connection may do what."""

from typing import Any


class OwnerMigrates:
    """Only the "owner" alias changes the schema; every query of the app runs as the app's role."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Whether migrations and createcachetable may run on `db`."""
        return db == "owner"
