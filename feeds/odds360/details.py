"""What a row says of its match, as the desk's details of a fixture (decisions O6, U12). Pure."""

from __future__ import annotations

import re

from markets.domain.messages import Competition, Competitor, FixtureDetails, MatchState, Ref
from markets.domain.sports.catalogue import SPORT_BY_REF
from markets.domain.values import FixtureStatus

from .rows import Row
from .wire import Notes, word_of

SCORE = "MatchSummary"
"""The match state that shows the score of a row."""
_LONGEST_SLUG = 40
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

_UPCOMING, _LIVE = (FixtureStatus.SCHEDULED, False), (FixtureStatus.SCHEDULED, True)
_BREAK, _DELAY = (FixtureStatus.INTERRUPTED, True), (FixtureStatus.INTERRUPTED, False)
_PUT_OFF, _OFF = (FixtureStatus.POSTPONED, False), (FixtureStatus.CANCELLED, False)
_OVER = (FixtureStatus.FINISHED, False)
STATUSES = {
    "live": _LIVE, "inprogress": _LIVE, "inplay": _LIVE, "playing": _LIVE, "started": _LIVE, "running": _LIVE,
    "upcoming": _UPCOMING, "notstarted": _UPCOMING, "scheduled": _UPCOMING, "prematch": _UPCOMING, "notstartedyet": _UPCOMING,
    "interrupted": _BREAK, "suspended": _BREAK, "paused": _BREAK, "delayed": _DELAY,
    "postponed": _PUT_OFF, "cancelled": _OFF, "canceled": _OFF, "abandoned": _OFF, "deleted": _OFF,
    "finished": _OVER, "ended": _OVER, "closed": _OVER, "complete": _OVER, "completed": _OVER, "over": _OVER, "walkover": _OVER,
    "retired": _OVER, "defaulted": _OVER, "awarded": _OVER,
}  # fmt: skip
"""Words of a status without blanks, hyphens and capitals → what the match is, and whether it is under way."""
_BY_SAFETY = (
    FixtureStatus.FINISHED,
    FixtureStatus.CANCELLED,
    FixtureStatus.POSTPONED,
    FixtureStatus.UNRECOGNISED,
    FixtureStatus.INTERRUPTED,
    FixtureStatus.SCHEDULED,
)


def details_of(row: Row, sport: str, notes: Notes) -> FixtureDetails:
    """``sport``: the slug of the feed, for a row that names none."""
    status, live = _status(row)
    if row.start is None and row.start_text:
        notes.add(f"start_time “{row.start_text}” is no time with an offset: left out")
    if status is FixtureStatus.UNRECOGNISED:
        notes.add(f"the status “{'/'.join(row.statuses)}” is not known")
    sides = _sides(row)
    return FixtureDetails(
        name=row.name or " v ".join(side.name or side.id for side in sides),
        type="Match",
        status=status,
        status_text="" if status is FixtureStatus.UNKNOWN else "/".join(filter(None, (*row.statuses, row.reason))),
        start=row.start,
        sport=_sport(row, sport),
        competition=_competition(row),
        season=Ref(row.season.id, row.season.name) if row.season.id else None,
        competitors=sides,
        is_off=live,
        partial=True,
    )


def _sport(row: Row, feed: str) -> Ref | None:
    said = "-".join(row.sport.lower().split()) or feed
    if not _SLUG.fullmatch(said) or len(said) > _LONGEST_SLUG:
        return None
    known = SPORT_BY_REF.get(said)
    return Ref(said, known.name if known else said.replace("-", " ").title())


def _status(row: Row) -> tuple[FixtureStatus, bool | None]:
    """The most closed of all the words that a row has for it; the reason counts only where it closes."""
    if not row.told:
        return FixtureStatus.UNKNOWN, None
    found = [STATUSES.get(word, (FixtureStatus.UNRECOGNISED, False)) for word in row.statuses]
    why = STATUSES.get(word_of(row.reason))
    if why is not None and why[0] is not FixtureStatus.SCHEDULED:
        found.append(why)
    statuses = {status for status, _ in found}
    return next(status for status in _BY_SAFETY if status in statuses), any(live for _, live in found)


def _sides(row: Row) -> tuple[Competitor, ...]:
    sides = ((row.home, "Home"), (row.away, "Away"))
    if not any(named.id or named.name for named, _ in sides):
        return ()
    return tuple(Competitor(named.id, named.name, home_away=side) for named, side in sides)


def _competition(row: Row) -> Competition | None:
    """The league; a tournament only by its name, since its ids are others."""
    if row.league.id or row.league.name:
        region = Ref(row.region.id, row.region.name) if row.region.id else None
        return Competition(row.league.id, row.league.name, region=region)
    return Competition("", row.tournament.name) if row.tournament.name else None


def score_of(row: Row) -> MatchState:
    home, away = row.score
    return MatchState(SCORE, row.reason, scoreboard={"home": home, "away": away, "phase": row.reason})
