"""Binding a fixture to the match of a point feed: confirmed by a person, held by ids, broken when an id changes (decision T7).

A binding is of all bookmakers: it says what is the case, not what one of them offers. Making or ending one never lets a served
revision go down: the fixture's own rises by what its match's had added. Who said it, and why, is for that bookmaker's people only (E1).

Locks are taken in one order by all who touch a binding: the match's row, then the fixture's (of several, by id), then the binding's. A
message of the match holds the match's row already, and one of the fixture the fixture's; neither ever waits for what comes before its own.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from markets import db
from markets.domain import facts
from markets.domain.fences import SPORTS
from markets.domain.matching import Sides, differs, fixture_sides, match_sides
from markets.domain.messages import FixtureDetails
from markets.domain.sports.tennis import Tennis
from markets.domain.values import Role
from markets.models import Binding, Fixture, PointState

from . import access, joining, revisions, sources
from .actor import Actor
from .errors import Conflict, NotFound, Refused

_WHY = "say why it is no longer the same match"
_NOBODY = "the players of {} are not known yet; it can be bound once they are"


def bind(actor: Actor, bookmaker_id: UUID, fixture_id: int, points_id: int, *, team_a_home: bool, why: str = "") -> Binding:
    """Say that the match ``points_id`` (row id of the point feed's fixture) is ``fixture_id``; traders, audited.

    ``why``: the proposal's score and words, or empty for by hand. Raises NotFound, Forbidden, Refused (another sport, players not known,
    words that cannot be stored) and Conflict where either is bound already.
    """
    joining.check_why(why)
    of = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    seen = access.fixture(of, fixture_id)
    with transaction.atomic():
        fixture, match = _locked(seen.pk, points_id)
        if match.simulated != fixture.simulated:
            raise Refused(
                "points", "a simulated match and a real fixture cannot be one", {"points": "simulated" if match.simulated else "real"}
            )
        _refuse_bound(fixture, match, of.pk)
        home, teams = _known(fixture, match)
        binding = Binding.objects.create(
            fixture=fixture,
            points=match,
            home_refs=list(home.first),
            away_refs=list(home.second),
            team_a_refs=list(teams.first),
            team_b_refs=list(teams.second),
            team_a_home=team_a_home,
            bound_at=db.now(),
            bookmaker=of,
            by=actor.name[:150],
            why=(why or "by hand")[:300],
        )
        joining.tell(actor, of.pk, binding, _words(binding), "match bound", after={**_facts(binding), "why": binding.why})
        revisions.raise_shared([fixture.pk])
    return binding


def unbind(actor: Actor, bookmaker_id: UUID, fixture_id: int, reason: str) -> Binding:
    """End a fixture's binding; supervisors, audited. Raises NotFound (also when there is none), Forbidden, Refused (no reason)."""
    of = access.bookmaker(actor, bookmaker_id, Role.SUPERVISOR)
    seen = access.fixture(of, fixture_id)
    joining.check_reason(reason, without=_WHY)
    with transaction.atomic():
        fixture, binding = _locked_binding(seen.pk)
        joining.end(actor, binding)
        joining.tell(actor, of.pk, binding, _words(binding), "match unbound", before=_facts(binding), reason=reason)
        revisions.raise_shared([fixture.pk], binding.points.revision + 1)
        _doubt_prices(fixture, binding)
    return binding


def follow(fixture_ids: Collection[int], cause: str) -> list[Binding]:
    """Break the bindings of these fixtures (of either side) whose competitors are no longer those that were bound; audited.

    Call in the transaction that changed them, while it holds no lock but those of their rows; ``cause`` names the message
    (``feed:<slug>``). One query where nothing is bound.
    """
    either = Q(fixture__in=fixture_ids) | Q(points__in=fixture_ids)
    intact = Binding.objects.filter(either, ended_at=None, broken_at=None).order_by("fixture")
    bound = list(intact.values_list("fixture", flat=True))
    if not bound:
        return []
    revisions.lock_shared(bound)
    return [binding for binding in intact.filter(fixture__in=bound).select_related("fixture", "points") if _breaks(binding, cause)]


def _breaks(binding: Binding, cause: str) -> bool:
    words = _disagreement(binding)
    if not words:
        return False
    now = db.now()
    Binding.objects.filter(pk=binding.pk).update(broken_at=now, broken_cause=words[:300])
    joining.tell_broken(binding, _words(binding), "binding broken", at=now, cause=cause, before=_facts(binding), reason=words)
    revisions.raise_shared([binding.fixture_id])
    return True


def _disagreement(binding: Binding) -> str:
    """In words; empty while every id is the one that was bound."""
    bound_fixture = Sides(tuple(binding.home_refs), tuple(binding.away_refs))
    bound_match = Sides(tuple(binding.team_a_refs), tuple(binding.team_b_refs))
    if differs(bound_fixture, fixture_sides(_details(binding.fixture))):
        return "the fixture's competitors are others than those that were bound"
    if differs(bound_match, match_sides(_details(binding.points), _match(binding.points_id))):
        return "the match's players are others than those that were bound"
    return ""


def _locked_binding(fixture_id: int) -> tuple[Fixture, Binding]:
    """The fixture and the binding that stands, locked in the order of all."""
    standing = Binding.objects.filter(fixture=fixture_id, ended_at=None)
    points_id = standing.values_list("points", flat=True).first()
    if points_id is not None:
        revisions.lock_shared([points_id])
        revisions.lock_shared([fixture_id])
        binding = standing.select_related("points").filter(points=points_id).first()
        if binding is not None:
            return Fixture.objects.get(pk=fixture_id), binding
    raise NotFound("the fixture is bound to no match")


def _locked(fixture_id: int, points_id: int) -> tuple[Fixture, Fixture]:
    """Both rows, locked in the order of all."""
    revisions.lock_shared([points_id])
    revisions.lock_shared([fixture_id])
    found = Fixture.objects.select_related("source", "sport").in_bulk((fixture_id, points_id))
    match = found.get(points_id)
    if fixture_id not in found or match is None or match.source.provider not in SPORTS:
        raise NotFound("there is no such match")
    fixture = found[fixture_id]
    if fixture.source.provider in SPORTS or fixture.sport is None or fixture.sport.slug not in SPORTS:
        raise Refused("fixture", "the fixture's sport has no point feed", {"fixture": "its sport has no point feed"})
    return fixture, match


def _refuse_bound(fixture: Fixture, match: Fixture, bookmaker_id: UUID) -> None:
    """By whom is told to the people of the same bookmaker only (E1)."""
    taken = Binding.objects.filter(Q(fixture=fixture) | Q(points=match), ended_at=None).select_related("fixture", "points").first()
    if taken is not None:
        own = taken.bookmaker_id == bookmaker_id
        current = {"fixture": taken.fixture_id, "match": taken.points.ref, "by": taken.by if own else ""}
        raise Conflict(f"{_words(taken)} were bound {f'by {taken.by} ' if own else ''}already", current)


def _known(fixture: Fixture, match: Fixture) -> tuple[Sides, Sides]:
    sides, teams = fixture_sides(_details(fixture)), match_sides(_details(match), _match(match.pk))
    if not sides.known:
        raise Refused("fixture", _NOBODY.format("the fixture"), {"fixture": "competitors not known"})
    if not teams.known:
        raise Refused("points", _NOBODY.format("the match"), {"points": "players not known"})
    return sides, teams


def _details(fixture: Fixture) -> FixtureDetails | None:
    return facts.details_from(fixture.details) if fixture.details else None


def _match(points_id: int) -> Tennis | None:
    stored = PointState.objects.filter(pk=points_id).values_list("state", flat=True).first()
    return facts.tennis_from(stored) if stored else None


def _doubt_prices(fixture: Fixture, binding: Binding) -> None:
    """A match under way: nobody tells any more whether a point is in play, so nothing opens on a price from before the binding's end."""
    match = _match(binding.points_id)
    if match is not None and match.started and not match.ended:
        sources.open_gap(fixture.source_id, "its match was unbound while it was played", fixture_ref=fixture.ref)


def _words(binding: Binding) -> str:
    return f"{binding.fixture} and match {binding.points.ref}"


def _facts(binding: Binding) -> dict[str, object]:
    return {
        "match": binding.points.ref,
        "teamA": "home" if binding.team_a_home else "away",
        "teamARefs": binding.team_a_refs,
        "teamBRefs": binding.team_b_refs,
        "homeRefs": binding.home_refs,
        "awayRefs": binding.away_refs,
    }
