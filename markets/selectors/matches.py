"""The lists of matches of the Odds360 contract (000 "Load the table tennis match list with prices" and "Use the raw Odds360 REST service";
decisions O4, O7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.fields.json import KT
from msgspec import Struct

from markets.domain.dialect import Asked, Condition, Either, Op
from markets.domain.values import Phase
from markets.models import Bookmaker

from . import board, points
from .bundle import Dialect, marks
from .bundle import rows as read_rows

PAGE_SIZE = 100


_COLUMNS = ("match_id", "competition_ref", "competition_name", "home_name", "away_name", "start", "joint", "total_odds")


class MatchRow(Struct, frozen=True):
    """One row as served; ``id`` and ``match_id`` are the same number (O6), ``start_time`` is UTC.

    ``linkedMatchIds``: under which other numbers the same match is listed, since another feed knows it too (ADR 0013).
    """

    id: int
    match_id: int
    league_id: str | None
    league_name: str
    home_team_name: str
    away_team_name: str
    start_time: datetime | None
    status_type: str
    totalOdds: int
    linkedMatchIds: tuple[int, ...] = ()


class Filters(Struct, frozen=True):
    """``league``, ``home`` and ``away``: part of the name, whatever the case; empty: any. ``status``: both when ``None``."""

    page: int = 0
    league: str = ""
    home: str = ""
    away: str = ""
    status: Phase | None = None


class Card(Struct, frozen=True):
    """A bookmaker as it sees itself; sports as slugs."""

    id: UUID
    name: str
    sports: tuple[str, ...]


def card(bookmaker_id: UUID, using: str = "default") -> Card | None:
    """Two queries."""
    found = Bookmaker.objects.using(using).filter(pk=bookmaker_id).only("id", "name").first()
    return Card(found.pk, found.name, tuple(found.sports.order_by("slug").values_list("slug", flat=True))) if found else None


def page(bookmaker_id: UUID, sport: str, filters: Filters, using: str = "default") -> list[MatchRow]:
    """One page, by start; empty past the end. One query.

    Names are compared here and not by the database, because SQLite knows upper case in ASCII only.
    """
    first = filters.page * PAGE_SIZE
    if not (filters.league or filters.home or filters.away):
        return [_row(*row) for row in _listed(bookmaker_id, sport, filters.status, using, (PAGE_SIZE, first))]
    every = _listed(bookmaker_id, sport, filters.status, using)
    chosen = [row for row in every if _named(row[2], filters.league) and _named(row[3], filters.home) and _named(row[4], filters.away)]
    return [_row(*row) for row in chosen[first : first + PAGE_SIZE]]


def _listed(bookmaker_id: UUID, sport: str, status: Phase | None, using: str, part: tuple[int, int] | None = None) -> list[Any]:
    """Columns of the matches of :func:`board.listed` that have prices, by start; ``part``: how many, from which on.

    As one text, because building it anew costs the ORM several times what the database needs for the answer; the words of the
    condition are those of the index ``matches_with_prices``.
    """
    d = Dialect(using)
    wanted, phases = (f"{_JOINT} = %s", (status.value,)) if status else (_NOT_OVER, ())
    limit = "LIMIT %s OFFSET %s" if part else ""
    sql = _LISTED.format(
        start=d.time_text("f.start"),
        joint=_JOINT,
        wanted=wanted,
        providers=marks(points.PROVIDERS),
        real=_REAL,
        linked=_LINKED,
        limit=limit,
    )
    own = d.uuid(bookmaker_id)
    return read_rows(using, sql, (sport, own, *points.PROVIDERS, own, True, False, True, *phases, *(part or ())))


_REAL = "SELECT 1 FROM markets_source r WHERE r.simulated = %s AND r.enabled = %s"
_JOINT = "CASE WHEN p.phase IN ('finished', 'live') THEN p.phase ELSE f.phase END"
_LINKED = """SELECT MIN(o.match_id) FROM markets_link l
   JOIN markets_fixture o ON o.id = CASE WHEN l.fixture_id = f.id THEN l.other_id ELSE l.fixture_id END
   WHERE l.ended_at IS NULL AND (l.fixture_id = f.id OR l.other_id = f.id)"""
_NOT_OVER = "(p.phase IS NULL OR p.phase <> 'finished')"
"""Of what is live or upcoming itself; PostgreSQL knows that most are, and so takes the index."""
_LISTED = """
 SELECT f.match_id, f.competition_ref, f.competition_name, f.home_name, f.away_name, {start}, {joint}, f.total_odds,
  ({linked})
 FROM markets_fixture f JOIN markets_source s ON s.id = f.source_id
 LEFT JOIN markets_binding b ON b.fixture_id = f.id AND b.ended_at IS NULL AND b.broken_at IS NULL
 LEFT JOIN markets_fixture p ON p.id = b.points_id
 WHERE f.sport_id = (
   SELECT t.id FROM markets_sport t JOIN markets_bookmaker_sports o ON o.sport_id = t.id WHERE t.slug = %s AND o.bookmaker_id = %s)
  AND f.phase IN ('live', 'upcoming') AND f.total_odds > 0 AND f.match_id IS NOT NULL AND f.status <> 'Deleted'
  AND s.provider NOT IN ({providers})
  AND (NOT f.simulated OR (EXISTS (SELECT 1 FROM markets_bookmaker k WHERE k.id = %s AND k.demo = %s) AND NOT EXISTS ({real})))
  AND {wanted}
 ORDER BY f.start, f.match_id {limit}"""


class Chosen(Struct, frozen=True):
    """A match of the public list: the fixture's row id beside what is served of it. Its links are told by the match's own payload."""

    fixture_id: int
    row: MatchRow


def chosen(bookmaker_id: UUID, sport: str, asked: Asked, using: str = "default") -> list[Chosen]:
    """Live and upcoming matches with prices, by start; those that the query names by number whatever their phase. One query."""
    numbers = [value for value in asked.values("match_id") or asked.values("id") if isinstance(value, int)]
    rows = board.listed(bookmaker_id, using).filter(total_odds__gt=0)
    if numbers:
        rows = points.with_joint_phase(board.visible(bookmaker_id, using).filter(match_id__in=numbers))
    rows = rows.filter(_where(asked), sport__slug=sport, match_id__isnull=False)
    listed = rows.order_by("start", "match_id").values_list("id", *_COLUMNS)
    end = asked.offset + asked.limit
    part = asked.plain.get("league", "")
    if not part:
        return [Chosen(fixture, _row(*row)) for fixture, *row in listed[asked.offset : end]]
    return [Chosen(fixture, _row(*row)) for fixture, *row in listed if _named(row[2], part)][asked.offset : end]


class League(Struct, frozen=True):
    """A league that has live or upcoming matches with prices; its class is the region that its feed gives it with any of them."""

    id: str | None
    name: str
    class_id: str | None
    class_name: str | None
    matches: int


class Class(Struct, frozen=True):
    """A region with such leagues."""

    id: str
    name: str
    leagues: int
    matches: int


def leagues(bookmaker_id: UUID, sport: str, asked: Asked, using: str = "default") -> list[League]:
    """By name. One query."""
    found = (league for league in _leagues(bookmaker_id, sport, using) if _named(league.name, asked.plain.get("league", "")))
    return list(found)[asked.offset : asked.offset + asked.limit]


def classes(bookmaker_id: UUID, sport: str, asked: Asked, using: str = "default") -> list[Class]:
    """By name; a league of which no match names a region has no class. One query."""
    regions: dict[str, list[League]] = {}
    for league in _leagues(bookmaker_id, sport, using):
        if league.class_id:
            regions.setdefault(league.class_id, []).append(league)
    found = sorted((_class(id_, own) for id_, own in regions.items()), key=lambda one: (one.name, one.id))
    return found[asked.offset : asked.offset + asked.limit]


def _class(id_: str, own: list[League]) -> Class:
    """Named as most of its matches name it, of those that do."""
    name = max((bool(league.class_name), league.matches, league.class_name or "") for league in own)[2]
    return Class(id_, name, len(own), sum(league.matches for league in own))


def _leagues(bookmaker_id: UUID, sport: str, using: str) -> list[League]:
    """By name; each id and name once. One query."""
    rows = board.listed(bookmaker_id, using).filter(sport__slug=sport, match_id__isnull=False, total_odds__gt=0)
    grouped = rows.annotate(region=KT("details__competition__region__id"), region_name=KT("details__competition__region__name"))
    names = ("competition_ref", "competition_name", "region", "region_name")
    counted = grouped.order_by(*names[1::-1], *names[2:]).values_list(*names).annotate(matches=Count("pk"))
    regions: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for ref, name, region, of, matches in counted:
        regions.setdefault((ref, name), []).append((region or "", of or "", matches))
    return [_league(ref, name, told) for (ref, name), told in regions.items()]


def _league(ref: str, name: str, told: list[tuple[str, str, int]]) -> League:
    """``told``: region id, its name, matches that name them; most name the league's class, of those that name any."""
    region, of, _ = max(told, key=lambda one: (bool(one[0]), one[2], one))
    return League(ref or None, name, region or None, of or None, sum(matches for _, _, matches in told))


def _where(asked: Asked) -> Q:
    every = Q()
    for condition in asked.where:
        every &= _either(condition) if isinstance(condition, Either) else _q(condition)
    return every


def _either(conditions: Either) -> Q:
    one = Q()
    for condition in conditions.of:
        one |= _q(condition)
    return one


def _q(condition: Condition) -> Q:
    column, value = _FILTERS[condition.column], condition.values[0]
    match condition.op:
        case Op.EQ:
            return Q(**{column: value})
        case Op.NEQ:
            return ~Q(**{column: value})
        case Op.IN:
            return Q(**{f"{column}__in": condition.values})
        case _:
            return Q(**{f"{column}__{condition.op.value}": value})


_FILTERS = {"id": "match_id", "match_id": "match_id", "league_id": "competition_ref", "start_time": "start", "status_type": "joint"}


def fixture_id(bookmaker_id: UUID, sport: str, match_id: int, using: str = "default") -> int | None:
    """The row id of a match that this bookmaker may know of, finished ones too. One query."""
    rows = board.visible(bookmaker_id, using).filter(sport__slug=sport, match_id=match_id)
    return rows.values_list("id", flat=True).first()


def covers(bookmaker_id: UUID, sport: str, using: str = "default") -> bool:
    """Whether the bookmaker exists and has the sport. One query."""
    return Bookmaker.objects.using(using).filter(pk=bookmaker_id, sports__slug=sport).exists()


def _named(name: str, part: str) -> bool:
    return part.casefold() in name.casefold()


def _row(
    match_id: int,
    league: str,
    league_name: str,
    home: str,
    away: str,
    start: datetime | str | None,
    phase: str,
    total: int,
    linked: int | None = None,
) -> MatchRow:
    """Times come as texts from the list, as times from the ORM."""
    start = datetime.fromisoformat(start) if isinstance(start, str) else start
    return MatchRow(match_id, match_id, league or None, league_name, home, away, start, phase, total, () if linked is None else (linked,))
