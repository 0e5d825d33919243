"""What a hold's scope and target name, for one bookmaker or for all."""

from __future__ import annotations

from msgspec import Struct

from markets.domain.values import Scope
from markets.models import Bookmaker, Fixture, Sport

from . import access, standing
from .errors import NotFound, Refused


class Reach(Struct, frozen=True):
    """A target that exists and that the bookmaker may see; row ids where the scope has them."""

    scope: Scope
    target: str
    words: str
    fixture_id: int | None = None
    market_id: int | None = None
    selection_id: int | None = None


def resolve(of: Bookmaker | None, scope: Scope, target: str) -> Reach:
    """``of`` None: for all.

    ``target``: a selection's, market's or fixture's row id, ``<source id>:<competition ref>``, a sport's slug, or empty for everything.
    Raises NotFound for what does not exist or is not the bookmaker's to see, Refused for a target that everything cannot have.
    """
    if "\0" in target:
        raise NotFound
    match scope:
        case Scope.SELECTION:
            return _selection(of, _number(target))
        case Scope.MARKET:
            market = access.market(of, _number(target))
            return Reach(scope, str(market.pk), f"{market.fixture} · {market.name}", market.fixture_id, market.pk)
        case Scope.FIXTURE:
            fixture = access.fixture(of, _number(target))
            return Reach(scope, str(fixture.pk), str(fixture), fixture.pk)
        case Scope.COMPETITION:
            return _competition(of, target)
        case Scope.SPORT:
            return _sport(of, target)
        case Scope.EVERYTHING:
            if target:
                raise Refused("invalid", "everything has no target", {"target": "leave it empty"})
            return Reach(scope, "", "everything")


def _number(target: str) -> int:
    if not (target.isascii() and target.isdigit() and len(target) <= 18):
        raise NotFound
    return int(target)


def _selection(of: Bookmaker | None, selection_id: int) -> Reach:
    row = access.selection(of, selection_id)
    return Reach(Scope.SELECTION, str(row.pk), standing.words_of(row), row.market.fixture_id, row.market_id, row.pk)


def _competition(of: Bookmaker | None, target: str) -> Reach:
    source, _, ref = target.partition(":")
    seen: Fixture | None = None
    if ref:
        seen = access.fixtures(of).filter(source_id=_number(source), competition_ref=ref).order_by("-id").first()
    if seen is None:
        raise NotFound
    return Reach(Scope.COMPETITION, f"{seen.source_id}:{ref}", seen.competition_name or ref)


def _sport(of: Bookmaker | None, slug: str) -> Reach:
    sports = Sport.objects.filter(slug=slug)
    found = (sports if of is None else sports.filter(bookmakers=of.pk)).first()
    if found is None:
        raise NotFound
    return Reach(Scope.SPORT, found.slug, found.name)
