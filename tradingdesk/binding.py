"""What a trader of the demonstration would do with simulated matches: confirm what the desk proposes (decision T7)."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from markets.models import Binding, Bookmaker
from markets.selectors import bindings as unbound
from markets.selectors.bindings import FixtureRow
from markets.services import bindings, demo
from markets.services.actor import Actor, of_user
from markets.services.errors import ServiceError

TRADER = "demo-trader"
LEFT_EVERY = 4
"""Of so many matches one is left unbound, so that its proposal is seen, and what an unbound match does to its prices."""


def bind_simulated() -> int:
    """Bind simulated fixtures as proposed, by the same service and with the same audit as on the page; how many.

    Does nothing where demo people may not sign in. Whatever a person did stands: what was unbound is not bound again.
    """
    house = Bookmaker.objects.filter(name=demo.NORTH, demo=True).first()
    trader = _trader()
    if house is None or trader is None:
        return 0
    return sum(_bind(trader, house, row) for row in unbound.listing(house.pk).fixtures if row.simulated)


def _trader() -> Actor | None:
    user = get_user_model().objects.filter(username=TRADER, is_active=True).first() if demo.allowed() else None
    return None if user is None else of_user(user, via="command")


def _bind(trader: Actor, house: Bookmaker, row: FixtureRow) -> bool:
    if row.match is None or row.proposal is None or _left(row.match.ref) or Binding.objects.filter(fixture_id=row.id).exists():
        return False
    why = f"{row.proposal.score:.2f}: {row.proposal.why} (confirmed for the demonstration)"
    try:
        bindings.bind(trader, house.pk, row.id, row.match.id, team_a_home=row.proposal.team_a_home, why=why[:300])
    except ServiceError:
        return False  # somebody was there first, or the players are not known yet
    return True


def _left(ref: str) -> bool:
    """By the place in the draw, which ends the event's id."""
    return int(ref[-3:]) % LEFT_EVERY == 0
