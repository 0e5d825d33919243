"""``Feed.settings`` of an Odds360 feed: hosts, paths, intervals and rates are settings, never constants (feeds.md 3)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import Struct

from feeds.conversion import converter
from feeds.errors import Hopeless
from feeds.outgoing import Pace
from feeds.transport import address
from markets.domain.sports.catalogue import SPORTS

from .leg import Habits
from .subjects import Kind

KNOWN_SPORTS = tuple(sorted(sport.slug for sport in SPORTS))
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class Paths(Struct, frozen=True, forbid_unknown_fields=True):
    """Where things are (000 "Recommended integration flow"), with places for bookmaker, sport, match, stream and odd type.

    The first five are of the data host, ``public`` and ``stream`` of the Odds360 host, the rest of the dashboard.
    """

    matches_live: str = "/matches-live"
    matches_by_date: str = "/matches-by-date"
    matches: str = "/matches"
    leagues: str = "/leagues"
    classes: str = "/classes"
    public: str = "/{sport}"
    public_classes: str = "/{sport}-classes"
    public_leagues: str = "/{sport}-leagues"
    stream: str = "/live/{bookmaker}/{sport}/{match}/{stream}"
    bookmaker: str = "/bookmaker/{bookmaker}"
    dashboard_matches: str = "/bookmaker/{bookmaker}/{sport}/matches"
    payload: str = "/bookmaker/{bookmaker}/{sport}/{match}"
    verify: str = "/bookmaker/{bookmaker}/{sport}/{match}/verify"
    override: str = "/bookmaker/{bookmaker}/{sport}/{match}/{type}"


class Rates(Struct, frozen=True, forbid_unknown_fields=True):
    """How often a host is asked, a second: for what is live, with ``burst`` at once; for ``connects``; for the slow ``lists``."""

    requests: float = 40.0
    burst: int = 40
    connects: float = 50.0
    lists: float = 2.0


class Intervals(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between two readings of each slow list, of ``verify`` for each live match, of what the bookmaker may see."""

    matches_by_date: float = 300.0
    matches: float = 600.0
    leagues: float = 3600.0
    classes: float = 3600.0
    public: float = 120.0
    dashboard: float = 120.0
    verify: float = 300.0
    access: float = 300.0


class Odds360Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """``host``: SportMicro's data; ``odds_host``: the public Odds360 side, the same one when empty; ``stream_host``: its streams, and
    ``dashboard_host``: the dashboard's routes, the Odds360 side's when empty. ``bookmaker``: UUID that Odds360 assigned, without which
    there are no streams and no dashboard. ``dashboard_token_env``: environment variable of the dashboard's own credential, if it has one.

    ``page``: rows of a list asked for at once (SportMicro gives at most 50); ``most_pages`` of a list are read, and ``most_rows`` of
    a page; ``most_matches`` are followed at a time: what is beyond is told, and nothing is concluded from what such a list does not have.
    ``request_seconds``: after which an answer is late. ``forget``: a match that is in no list for so long is over.

    ``send_overrides``: send ours upstream (O3); ``overrides_of``: those of which bookmaker of this desk, by its UUID. Upstream one is
    ended by ``end_overrides_by``: ``patch`` (the same price for one second more, which 000 has) or ``delete`` (which we serve).
    """

    host: str
    odds_host: str = ""
    stream_host: str = ""
    dashboard_host: str = ""
    dashboard_token_env: str = ""
    bookmaker: str = ""
    sport: str = "table-tennis"
    lang: str = "en"
    paths: Paths = Paths()
    pace: Pace = Pace(forget=300.0)
    habits: Habits = Habits()
    rates: Rates = Rates()
    intervals: Intervals = Intervals()
    page: int = 50
    most_pages: int = 60
    most_rows: int = 2_000
    most_matches: int = 1_000
    request_seconds: float = 5.0
    send_overrides: bool = False
    overrides_of: str = ""
    end_overrides_by: str = "patch"


_typed = converter(Odds360Settings)


class Places(Struct, frozen=True):
    """The addresses of a feed, each without its last slash."""

    data: str
    odds: str
    streams: str
    dashboard: str


def settings_of(said: dict[str, Any]) -> Odds360Settings:
    """Raises ``Hopeless`` with the words of what is wrong."""
    try:
        settings = _typed(said)
    except msgspec.ValidationError as error:
        raise Hopeless(f"the settings of the feed are wrong: {error}") from None
    if (wrong := _problem(settings)) is not None:
        raise Hopeless(f"the settings of the feed are wrong: {wrong}")
    places(settings)
    return settings


def places(settings: Odds360Settings) -> Places:
    """Raises ``Hopeless`` for a host that is none, or is reached in plain text beyond this machine."""
    odds = settings.odds_host or settings.host
    return Places(
        address.base(settings.host),
        address.base(odds),
        address.base(settings.stream_host or odds),
        address.base(settings.dashboard_host or odds),
    )


def filled(path: str, settings: Odds360Settings, *, ref: str = "", stream: Kind | str = "", odd_type: str = "") -> str:
    """A path with its places filled in."""
    said = {"bookmaker": settings.bookmaker, "sport": settings.sport, "match": ref, "stream": stream, "type": odd_type}
    for name, value in said.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _problem(settings: Odds360Settings) -> str | None:
    checks = {
        f"“{settings.sport[:40]}” is no sport that the desk knows, such as table-tennis": settings.sport in KNOWN_SPORTS,
        "bookmaker is a UUID": not settings.bookmaker or _is_uuid(settings.bookmaker),
        "overrides_of is the UUID of a bookmaker of this desk": not settings.overrides_of or _is_uuid(settings.overrides_of),
        "send_overrides needs bookmaker and overrides_of": not settings.send_overrides or (settings.bookmaker and settings.overrides_of),
        "end_overrides_by is patch or delete": settings.end_overrides_by in ("patch", "delete"),
        "a match without streams is read again within 30 s": 0 < settings.habits.poll <= 30,
        "a live match is read again within 25 s": 0 < settings.habits.live_reread <= 25,
        "page is 1 to 100": 1 <= settings.page <= 100,
        "most_pages, most_rows and most_matches are above 0": min(settings.most_pages, settings.most_rows, settings.most_matches) > 0,
        "discovery is above 0, at most 300 s": 0 < settings.pace.discovery <= 300,
        "rates are above 0": min(settings.rates.requests, settings.rates.connects, settings.rates.lists) > 0,
        "intervals are above 0": all(getattr(settings.intervals, name) > 0 for name in Intervals.__struct_fields__),
        "dashboard_token_env names a variable that is not the desk's own": _is_variable(settings.dashboard_token_env),
    }
    return next((words for words, right in checks.items() if not right), None)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_variable(name: str) -> bool:
    return not name or (_VARIABLE.fullmatch(name) is not None and not name.startswith("DESK_"))
