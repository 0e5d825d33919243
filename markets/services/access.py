"""What an actor may reach. A foreign id and one that never existed take the same way out (promise E1)."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q, QuerySet

from markets.domain.values import Role
from markets.models import Bookmaker, Fixture, Market, Selection

from .actor import Actor
from .errors import Forbidden, NotFound


def bookmaker(actor: Actor, bookmaker_id: UUID, needed: Role) -> Bookmaker:
    """The bookmaker, when the actor's role for it reaches ``needed``; NotFound for whoever is nobody there, Forbidden for a lesser role."""
    if not actor.may(bookmaker_id, Role.VIEWER):
        raise NotFound
    if not actor.may(bookmaker_id, needed):
        raise Forbidden
    found = Bookmaker.objects.filter(pk=bookmaker_id).first()
    if found is None:
        raise NotFound
    return found


def staff(actor: Actor) -> None:
    """Forbidden for whoever is not staff."""
    if not actor.staff:
        raise Forbidden("only staff may do this")


def fixtures(of: Bookmaker | None) -> QuerySet[Fixture]:
    """The fixtures a bookmaker may see (its sports; simulated ones only for a demo bookmaker, P5); all of them for staff."""
    if of is None:
        return Fixture.objects.all()
    seen = Fixture.objects.filter(Q(sport__bookmakers=of.pk) | Q(sport=None))
    return seen if of.demo else seen.filter(simulated=False, source__simulated=False)


def fixture(of: Bookmaker | None, fixture_id: int) -> Fixture:
    """One of :func:`fixtures`; NotFound otherwise."""
    found = fixtures(of).filter(pk=fixture_id).first()
    if found is None:
        raise NotFound
    return found


def market(of: Bookmaker | None, market_id: int) -> Market:
    """A market of a fixture that the bookmaker may see; NotFound otherwise."""
    found = Market.objects.filter(pk=market_id, fixture__in=fixtures(of)).select_related("fixture").first()
    if found is None:
        raise NotFound
    return found


def selection(of: Bookmaker | None, selection_id: int) -> Selection:
    """A selection of a fixture that the bookmaker may see, with market and fixture; NotFound otherwise."""
    rows = Selection.objects.filter(pk=selection_id, market__fixture__in=fixtures(of))
    found = rows.select_related("market__fixture").first()
    if found is None:
        raise NotFound
    return found
