from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MarketsConfig(AppConfig):
    name = "markets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_forget_facts, sender=self)


def _forget_facts(**_: Any) -> None:
    """A flushed or migrated database holds none of what is in memory."""
    from markets.services.factstore import CACHE

    CACHE.clear()
