"""Which of two states of a match is newer, where the sender counts (A6): what is told by streams, against what is asked for. Pure.

A sender may count twice: ``revision`` for the match, ``bookmakerRevision`` for what its own people and its gate do (docs/api.md). Neither
ever goes down, so a state is behind another as soon as one of its numbers is, and newer only where none is and one is higher.
"""

from __future__ import annotations

from typing import NamedTuple

from .leg import Envelope, number_of


class Revision(NamedTuple):
    """``None`` where a number is not told; those compare to nothing."""

    match: int | None = None
    bookmaker: int | None = None

    @property
    def told(self) -> bool:
        return self.match is not None

    def behind(self, other: Revision) -> bool:
        """Whether it is certainly older."""
        return any(one is not None and two is not None and one < two for one, two in zip(self, other, strict=True))

    def beyond(self, other: Revision) -> bool:
        """Whether it is certainly newer: it has every number that ``other`` has, none lower, and each of the latter's kinds moved on,
        since a suspension may raise only one of them, or show the one it was last told."""
        pairs = [(one, two) for one, two in zip(self, other, strict=True) if two is not None]
        return bool(pairs) and all(one is not None and one > two for one, two in pairs)

    def highest(self, other: Revision) -> Revision:
        return Revision(_higher(self.match, other.match), _higher(self.bookmaker, other.bookmaker))


UNTOLD = Revision()


def revision_of(said: Envelope) -> Revision:
    return Revision(number_of(said.revision), number_of(said.bookmakerRevision))


def _higher(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)
