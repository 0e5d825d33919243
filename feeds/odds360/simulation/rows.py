"""Rows of the provider's lists, as SportMicro and Odds360 name their columns (000; feeds.md 3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby

from .contest import Card, Contest, Status
from .dialect import Row
from .people import LEAGUES

_REASONS = {Status.UPCOMING: "Not started", Status.FINISHED: "Ended", Status.POSTPONED: "Postponed"}
_STATUS, _BY_TYPE = ("status", "status_reason"), ("status_type",)


def record(contest: Contest) -> Row:
    """Everything that a list may say of a match, under all its names."""
    card, league = contest.card, contest.card.league
    return {
        "id": card.id,
        "match_id": card.id,
        "name": f"{card.home.name} v {card.away.name}",
        "status_type": contest.status.value,
        "status": contest.status.value,
        "status_reason": _REASONS.get(contest.status) or f"Set {contest.play.number}",
        "duration": _duration(contest),
        "class_id": league.class_id,
        "class_name": league.class_name,
        "league_id": league.id,
        "league_name": league.name,
        "league_hash_image": None,
        "season_id": league.id * 10 + 1,
        "season_name": f"{league.name} {card.start.year}",
        "tournament_id": league.id * 10 + 2,
        "tournament_name": league.name,
        "home_team_id": card.home.id,
        "home_team_name": card.home.name,
        "home_team_score": contest.play.games.home if contest.started_at else None,
        "away_team_id": card.away.id,
        "away_team_name": card.away.name,
        "away_team_score": contest.play.games.away if contest.started_at else None,
        "start_time": start_time(card),
    }


def match_row(contest: Contest) -> Row:
    """Of ``matches``: by ``id``, with ``status_type``."""
    return _without(record(contest), "match_id", *_STATUS)


def live_row(contest: Contest) -> Row:
    """Of ``matches-live``: by ``match_id``, with ``status_type``."""
    return _without(record(contest), "id", *_STATUS)


def dated_row(contest: Contest) -> Row:
    """Of the lists by date: by ``id``, with ``status`` and ``status_reason``."""
    return _without(record(contest), "match_id", *_BY_TYPE)


def priced_row(contest: Contest) -> Row:
    """Of ``/table-tennis``: list columns, and the whole payload beside them."""
    return _without(record(contest), *_STATUS) | {"totalOdds": contest.voice.total_odds()} | contest.voice.payload()


def listed_row(contest: Contest) -> Row:
    """Of ``/bookmaker/{id}/table-tennis/matches`` (decision O4)."""
    names = ("id", "match_id", "league_id", "league_name", "home_team_name", "away_team_name", "start_time", "status_type")
    row = record(contest)
    return {name: row[name] for name in names} | {"totalOdds": contest.voice.total_odds()}


def over_row(id_: int, start: datetime) -> Row:
    """A match of which nothing else is known but that it is over."""
    return {"id": id_, "status_type": Status.FINISHED.value, "start_time": start.isoformat(timespec="seconds")}


def by_date(contests: Iterable[Contest]) -> list[Row]:
    """``{date, matches}``, by the day in UTC."""
    days = groupby(contests, key=lambda one: one.card.start.astimezone(UTC).date())
    return [{"date": day.isoformat(), "matches": [dated_row(one) for one in among]} for day, among in days]


def by_date_and_league(contests: Iterable[Contest]) -> list[Row]:
    """``{date, league_id, league_name, league_hash_image, matches}``."""
    key = lambda one: (one.card.start.astimezone(UTC).date().isoformat(), one.card.league.id, one.card.league.name)  # noqa: E731
    found = groupby(sorted(contests, key=key), key=key)
    return [
        {"date": day, "league_id": league, "league_name": name, "league_hash_image": None, "matches": [dated_row(one) for one in among]}
        for (day, league, name), among in found
    ]


def ticks(contest: Contest) -> list[Row]:
    """Of ``/table-tennis-history``: each price that was published, in time."""
    return [
        {
            "match_id": contest.card.id,
            "odd_type": tick.group,
            "odd_key": tick.odd_key,
            "value": tick.value,
            "suspended": tick.suspended,
            "at": tick.at.isoformat(timespec="milliseconds"),
        }
        for tick in contest.ticks
    ]


def leagues() -> list[Row]:
    return [{"id": one.id, "name": one.name, "class_id": one.class_id, "class_name": one.class_name, "hash_image": None} for one in LEAGUES]


def classes() -> list[Row]:
    return [{"id": id_, "name": name} for id_, name in sorted({(one.class_id, one.class_name) for one in LEAGUES})]


def start_time(card: Card) -> str:
    """By the clock of the league's place, with its offset."""
    return card.start.astimezone(timezone(timedelta(hours=card.league.offset))).isoformat(timespec="seconds")


def _duration(contest: Contest) -> int | None:
    """Seconds of play so far."""
    if contest.started_at is None:
        return None
    return int(((contest.ended_at or datetime.now(UTC)) - contest.started_at).total_seconds())


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
