"""The star on the board: a person follows a fixture, or no longer."""

from __future__ import annotations

from django.db import transaction

from markets.models import Watch


def toggle(user_id: int, fixture_id: int) -> bool:
    """Whether the person follows the fixture now."""
    with transaction.atomic():
        watch, new = Watch.objects.get_or_create(user_id=user_id, fixture_id=fixture_id)
        if not new:
            watch.delete()
        return new
