"""A fixture's description, results and scoreboard, ready to be shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from markets.domain.messages import BasketballProperties, FixtureDetails, FootballProperties, Market, SelectionResult, TennisProperties
from markets.domain.state import Result
from markets.domain.values import ResultStatus
from markets.live.points import doubt
from markets.selectors.fixture import FixtureSnapshot


class ResultLine(Struct, frozen=True):
    selection: str
    status: str
    extra: str
    won: bool


class MarketResultView(Struct, frozen=True):
    """``withdrawn``: an earlier result was taken back (U10); ``corrected``: a later one replaced it. ``doubt``: it may rest on a
    score that was taken back, in words.
    """

    market: str
    score: str
    revision: int
    corrected: bool
    withdrawn: bool
    lines: tuple[ResultLine, ...]
    doubt: str = ""


def results_of(snapshot: FixtureSnapshot) -> list[MarketResultView]:
    """Every result, those of markets never seen included."""
    rows = {m.facts.market.ref: m.facts for m in snapshot.markets}
    match = snapshot.points.match if snapshot.points else None
    shown = []
    for ref, result in snapshot.results.items():
        row = rows.get(ref)
        names = {s.id: s.name for s in row.market.selections} if row else {}
        view = _result(named(row.market) if row else f"market {ref} (never seen)", result, names)
        shown.append(replace(view, doubt=doubt(match, row)) if row else view)
    return shown


def _result(market: str, result: Result, names: dict[str, str]) -> MarketResultView:
    told = result.result
    score = "–".join("?" if n is None else str(n) for n in told.score) if told.score else ""
    lines = tuple(_result_line(s, names.get(s.selection_id, s.selection_id)) for s in told.selections)
    return MarketResultView(market, score, result.revision, result.revision > 1, told.withdrawn, lines)


def _result_line(told: SelectionResult, name: str) -> ResultLine:
    return ResultLine(name, told.status_text or told.status.value, _extra(told), told.status is ResultStatus.WINNER)


def _extra(result: SelectionResult) -> str:
    told = (
        ("win", result.percentage_win, "%"),
        ("push", result.percentage_push, "%"),
        ("place", result.place, ""),
        ("in place", result.count_in_place, ""),
    )
    return ", ".join(f"{name} {value}{unit}" for name, value, unit in told if value is not None)


def named(market: Market) -> str:
    """With its line, unless the name says it already."""
    line = "" if market.line is None else f" {market.line.normalize():f}"
    return market.name if market.name.endswith(line) else market.name + line


def details_of(snapshot: FixtureSnapshot) -> list[tuple[str, str]]:
    """Name and value of everything that the provider said of the fixture, in reading order; empty for a stub."""
    d = snapshot.details
    return [(name, value) for name, value in _details(d, snapshot) if value] if d else []


def _details(d: FixtureDetails, snapshot: FixtureSnapshot) -> Iterator[tuple[str, str]]:
    yield "Feed id", f"{snapshot.ref} ({snapshot.source})"
    yield "Match id", str(snapshot.match_id or "")
    yield "Type", d.type
    yield "Status", d.status_text
    yield "Start", f"{d.start:%Y-%m-%d %H:%M} UTC" if d.start else ""
    if d.competition:
        region = d.competition.region.name if d.competition.region else ""
        yield "Competition", ", ".join(t for t in (d.competition.name, region, d.competition.gender) if t)
    yield "Season", d.season.name if d.season else ""
    yield "Tour season", d.tour_season.name if d.tour_season else ""
    yield "Round", d.round.name if d.round else ""
    if d.venue:
        yield "Venue", ", ".join(t for t in (d.venue.name, d.venue.region.name if d.venue.region else "") if t)
    if d.first_leg:
        yield "First leg", f"{d.first_leg.current_home_team_score}–{d.first_leg.current_away_team_score}"
    for properties in (d.football, d.tennis, d.basketball):
        yield from _properties(properties)
    yield "Off", "yes" if d.is_off else ""
    yield "External ids", ", ".join(f"{e.source} {e.id}".strip() for e in d.external_ids)


def _properties(properties: FootballProperties | TennisProperties | BasketballProperties | None) -> Iterator[tuple[str, str]]:
    if properties is None:
        return
    for name in properties.__struct_fields__:
        yield name.replace("_", " ").capitalize(), _plain(name, getattr(properties, name))


def _plain(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value // 60} min" if name.endswith("_seconds") and isinstance(value, int) else str(value)


def stream_link(template: str, details: FixtureDetails | None) -> str:
    """The link to the fixture's pictures: the source's template with the association's id; empty unless it is a web address."""
    if not template or details is None or not details.association_fixture_id:
        return ""
    link = template.replace("{id}", quote(details.association_fixture_id, safe=""))
    return link if link.startswith(("https://", "http://")) else ""
