"""System checks: an odd or unsafe environment refuses to start, every problem listed at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def check_environment(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """One error for each problem that ``tradingdesk.env`` found."""
    return [Error(problem.words, id=problem.id) for problem in settings.DESK.problems]
