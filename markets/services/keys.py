"""Public keys: made once, unique where they are used, never re-derived from a changed name (docs/architecture.md "Identity")."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db import connection
from django.db.models import Max
from django.utils.text import slugify

from markets.domain.messages import Market, Selection
from markets.models import Fixture

LONGEST = 120
ALLOCATED_FROM = 9_000_000_000_000


class Keys:
    """The keys in use in one place. Each base remembers where its numbers go on: thousands of one name must not be counted anew each."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._next: dict[str, int] = {}

    def free(self, key: str) -> bool:
        return key not in self._taken

    def give(self, base: str) -> str:
        """``base``, or with the lowest number from 2 that makes it unique; from now on it is taken."""
        key, number = base, self._next.get(base, 2)
        while key in self._taken:
            key, number = f"{base}-{number}", number + 1
        self._next[base] = number
        self._taken.add(key)
        return key


def market_key(market: Market, keys: Keys) -> str:
    """The provider's own, else of the market type's name and the sequence: ``match-result``, ``next-goal-3``; the line is not part of it,
    because it moves. The same key in a second odd group is told apart by its group (``winner-set-time``)."""
    if _public(market.key) and "#" not in market.key:
        return keys.give(market.key if keys.free(market.key) else f"{market.key}-{market.group}"[:LONGEST])
    name = slugify(market.type_name) or slugify(market.name) or f"market-{slugify(market.id)}"
    return keys.give(f"{name[:LONGEST]}-{market.sequence}" if market.sequence else name[:LONGEST])


def outcome_key(selection: Selection, keys: Keys) -> str:
    """The provider's own, else of the outcome's name, the selection's, its id; with its range where it has one (``home-3-1``)."""
    if _public(selection.key):
        return keys.give(selection.key)
    outcome = slugify(selection.outcome.name) if selection.outcome else ""
    name = outcome or slugify(selection.name) or slugify(selection.id) or "selection"
    ends = [_plain(end) for end in (selection.range_low, selection.range_high) if end is not None]
    return keys.give("-".join([name[:LONGEST], *ends]))


def _public(key: str) -> bool:
    """Whether a provider's key can be ours as it is."""
    return 0 < len(key) <= LONGEST and key.isprintable() and key == key.strip()


class Numbers:
    """Gives public numbers of fixtures (O6) in one transaction, and remembers those it gave that are not stored yet."""

    def __init__(self) -> None:
        self._given: dict[int, set[int]] = {}

    def give(self, sport_id: int, ref: str) -> int:
        """The provider's id unless taken in that sport, else one of our own."""
        _one_at_a_time()
        wanted = int(ref) if ref.isascii() and ref.isdigit() and len(ref) < 13 else 0
        number = wanted if 0 < wanted < ALLOCATED_FROM and not self.taken(sport_id, wanted) else self._own(sport_id)
        self._given.setdefault(sport_id, set()).add(number)
        return number

    def taken(self, sport_id: int, number: int) -> bool:
        """Whether a fixture of the sport has this number."""
        return number in self._given.get(sport_id, ()) or Fixture.objects.filter(sport_id=sport_id, match_id=number).exists()

    def _own(self, sport_id: int) -> int:
        stored = Fixture.objects.filter(sport_id=sport_id).aggregate(highest=Max("match_id"))["highest"] or 0
        return max([ALLOCATED_FROM, stored + 1, *(number + 1 for number in self._given.get(sport_id, ()))])


def _one_at_a_time() -> None:
    """Two fixtures that get their number at once must not get the same; SQLite's pen sees to it by itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('markets.match_id'))")


def _plain(number: Decimal) -> str:
    return slugify(format(number.normalize(), "f").replace("-", "minus ").replace(".", "_"))
