"""Rows of matches in the lists of SportMicro and Odds360, and what any object says of the match that it is about (feeds.md 3.2). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from .prices import Standing, most_closed, standing_of
from .wire import Object, integer_of, moment_of, ref_of, text_of, word_of


class Named(Struct, frozen=True):
    """An id with its name, either empty where it is not said."""

    id: str = ""
    name: str = ""


class Row(Struct, frozen=True):
    """A match as a list describes it. ``refs``: every id that may be its own. ``statuses``: words of all the names that a status has;
    ``told``: whether there is any. ``region``: what the provider calls the class of the league. ``score``: home and away.
    """

    refs: tuple[str, ...]
    statuses: tuple[str, ...]
    told: bool
    reason: str
    start: datetime | None
    start_text: str
    name: str
    league: Named
    region: Named
    tournament: Named
    season: Named
    home: Named
    away: Named
    sport: str
    score: tuple[int | None, int | None]

    @property
    def describes(self) -> bool:
        """Whether it says anything of the match beside its id."""
        named = (self.home.name, self.away.name, self.home.id, self.away.id, self.name, self.start)
        return self.told or any(named)


_REF_NAMES = ("match_id", "matchId", "id")
_MATCH_NAME = "matchid"
"""However it is spelt."""
_STATUS_WORDS = ("status_type", "statusType", "status")
_OF_MATCH = frozenset(name.replace("_", "").lower() for name in _STATUS_WORDS)
_MORE_STATUS_WORDS = ("match_status", "matchStatus", "match_state", "matchState", "state")
_SHUT = frozenset(
    {"suspended", "interrupted", "finished", "ended", "closed", "settled", "cancelled", "canceled", "abandoned", "postponed", "retired"}
)
"""Words that close what is open, under a name that may as well hold the words of a period: no other word is believed there."""


def refs_of(said: Object) -> tuple[str, ...]:
    """Every id of the match, the SportMicro one first (O6)."""
    return tuple(dict.fromkeys(ref for name in _REF_NAMES if (ref := ref_of(said.get(name)))))


def other_match(said: Object, ref: str, *, by_id: bool = True) -> str:
    """In words, the match that an object is about where that is not readably ``ref``; empty where it is, or none is named.

    ``by_id``: its ``id`` stands for the match unless that is named beside it.
    """
    named = [value for name, value in said.items() if name == _MATCH_NAME or _squeezed(name) == _MATCH_NAME]
    if by_id and "id" in said and all(value is None for value in named):
        named = [said["id"]]
    told = [value for value in named if value is not None]
    if named and not told:
        return "none"
    match = said.get("match")
    inner = other_match(match, ref) if isinstance(match, dict) else ""
    if ref_of(match):
        told.append(match)
    return next((text_of(value, 40) or "unreadable" for value in told if ref_of(value) != ref), inner)


def _squeezed(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum()) if len(name) <= 10 else ""


def standing_of_match(said: Object) -> Standing:
    """What the object of a match says of its prices, beside the status that the match itself has (:func:`row_of`)."""
    beside = {name: value for name, value in said.items() if name.lower().replace("_", "") not in _OF_MATCH}
    shut = any(_status_word(said[name]) in _SHUT for name in _MORE_STATUS_WORDS if name in said)
    return most_closed((standing_of(beside), Standing.CLOSED if shut else Standing.UNSAID))


def row_of(said: Object, above: Object | None = None) -> Row:
    """``above``: the date or league that it was listed under (feeds.md 3.2), which says what the row itself does not."""
    whole = {**{name: value for name, value in (above or {}).items() if name != "matches"}, **said}
    statuses = [said[name] for name in _STATUS_WORDS if said.get(name) not in (None, "")]
    if not statuses and said.get("phase") is not None:
        statuses = [said["phase"]]  # of our own payload (docs/api.md "One match")
    start = next((said[name] for name in ("start_time", "startTime", "start") if said.get(name) is not None), None)
    return Row(
        refs=refs_of(said),
        statuses=tuple(_status_word(one) for one in statuses),
        told=bool(statuses),
        reason=text_of(said.get("status_reason", said.get("statusReason")), 60),
        start=moment_of(start),
        start_text=text_of(start, 40),
        name=text_of(said.get("name"), 300),
        league=_named(whole, "league"),
        region=_named(whole, "class"),
        tournament=_named(said, "tournament"),
        season=_named(said, "season"),
        home=_named(said, "home_team", "homeTeam", "home"),
        away=_named(said, "away_team", "awayTeam", "away"),
        sport=text_of(said.get("sport"), 60),
        score=(integer_of(said.get("home_team_score")), integer_of(said.get("away_team_score"))),
    )


def _status_word(said: object) -> str:
    """The word of a status, also of an object that has it as its type; empty for what is none."""
    if isinstance(said, dict):
        said = said.get("type", said.get("name"))
    return word_of(said)


def _named(said: Object, *prefixes: str) -> Named:
    """``league_id`` and ``league_name``, or an object ``league`` with both."""
    for prefix in prefixes:
        inner = said.get(prefix)
        if isinstance(inner, dict):
            return Named(text_of(inner.get("id"), 40), text_of(inner.get("name"), 300))
        ids, names = (f"{prefix}_id", f"{prefix}Id"), (f"{prefix}_name", f"{prefix}Name")
        found = Named(_first(said, ids, 40), _first(said, names, 300) or text_of(inner, 300))
        if found.id or found.name:
            return found
    return Named()


def _first(said: Object, names: Iterable[str], limit: int) -> str:
    return next((text for name in names if (text := text_of(said.get(name), limit))), "")


def rows_in(said: object) -> Iterator[tuple[Object, Object | None]]:
    """Every object of a list with what it is listed under: bare, or nested by date and league."""
    for one in said if isinstance(said, list) else [said]:
        if isinstance(one, dict) and isinstance(one.get("matches"), list):
            yield from ((match, one) for match in one["matches"] if isinstance(match, dict))
        elif isinstance(one, dict):
            yield one, None
