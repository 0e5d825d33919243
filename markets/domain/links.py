"""One match that two feeds of prices know: which of them each odd group is taken from (docs/architecture.md 5). Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Link(Struct, frozen=True):
    """A link as one of its two fixtures sees it.

    ``own``, ``other``: slugs of the two feeds; ``leads``: groups that nobody chose a feed for are taken from ``own``.
    ``chosen``: odd group (kebab-case) → slug; a feed that is neither of the two means nothing here. ``broken_at``: competitor ids have
    changed since it was made (database time), ``broken_cause`` in words.
    """

    other_id: int
    own: str
    other: str
    leads: bool
    crossed: bool = False
    chosen: dict[str, str] = {}
    broken_at: datetime | None = None
    broken_cause: str = ""

    def taken_from(self, group: str) -> str:
        """Slug of the feed whose markets of ``group`` are offered; those of the other feed are shown and stay suspended."""
        chosen = self.chosen.get(group)
        if chosen in (self.own, self.other):
            return str(chosen)
        return self.own if self.leads else self.other
