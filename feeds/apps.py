from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FeedsConfig(AppConfig):
    name = "feeds"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from markets.selectors import health, points

        from .accounting import oldest_pending, pending_of_streams

        health.register_backlog_reader(oldest_pending)
        points.register_pending_reader(pending_of_streams)
        post_migrate.connect(_make_partitions, sender=self)


def _make_partitions(using: str, **_: Any) -> None:
    from markets import db, partitions

    for table in ("feeds_frame", "markets_pricetick"):
        partitions.ahead(table, db.now(using).date(), using)
