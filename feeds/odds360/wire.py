"""Read what SportMicro and Odds360 send as JSON (000; feeds.md 3.2), leniently in shape and strictly in prices; what it means is in
:mod:`feeds.odds360.mapping`. Pure.

Bytes come from outside: size, depth and counts are limited, and the only error is :class:`feeds.errors.Unreadable`. Numbers keep the text
they were sent as, so that no price ever passes through a float. A name that comes twice in one object has no value at all.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Any, NoReturn

from msgspec import Struct
from msgspec.structs import replace

from feeds.errors import Unreadable

MOST_BYTES = 2 << 20
MOST_DEPTH = 32
MOST_VALUES = 60_000
"""Members of all objects and arrays of a frame: what is read in under a second (E4)."""
MOST_NOTES = 40
MOST_MARKETS = 1_000
MOST_SELECTIONS = 5_000
LOWEST, HIGHEST = Decimal("1.01"), Decimal("1001")
"""A8."""
_LARGEST = 2**63 - 1
_REMEMBERED = 64  # longer texts are rare and hostile: they are read, but never remembered
_MILLISECONDS = 10**11  # a number of seconds this large lies in the year 5138

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]+")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_PRICE = re.compile(r"(?:0|[1-9][0-9]{0,6})(?:\.[0-9]{1,10})?")
_LINE = re.compile(r"[+-]?[0-9]{1,7}(?:\.[0-9]{1,4})?")
_REF = re.compile(r"[1-9][0-9]{0,18}")
_DAY_FIRST = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(.*)", re.DOTALL)


class Number(str):
    """The text of a JSON number."""

    __slots__ = ()


class Twice(Enum):
    """Stands for the value of a name that came twice in one object."""

    VALUE = "named twice"


TWICE = Twice.VALUE
Object = dict[str, Any]


def document(body: bytes) -> Any:
    """The JSON value that a frame holds: an object or an array, with :class:`Number` for numbers and :data:`TWICE` for repeated names."""
    if len(body) > MOST_BYTES:
        raise Unreadable(f"the frame has {len(body)} bytes, more than {MOST_BYTES}")
    try:
        said = json.loads(body.decode(), parse_float=Number, parse_int=Number, parse_constant=_refuse, object_pairs_hook=_once)
    except RecursionError:
        raise Unreadable("the frame is nested too deeply") from None
    except (ValueError, UnicodeError) as error:
        raise Unreadable(f"the frame is no JSON: {error}") from error
    if not isinstance(said, dict | list):
        raise Unreadable("the frame is neither a JSON object nor an array")
    _measure(said)
    return said


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> Object:
    said = dict(pairs)
    if len(said) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                said[name] = TWICE
            seen.add(name)
    return said


def _measure(said: Any) -> None:
    level, values = [said], 0
    for _ in range(MOST_DEPTH):
        values += sum(map(len, level))
        if values > MOST_VALUES:
            raise Unreadable(f"the frame has over {MOST_VALUES} values")
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Unreadable("the frame is nested too deeply")


def _children(said: Any) -> Iterable[Any]:
    values: Iterable[Any] = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return (value for value in values if isinstance(value, dict | list))


def content_digest(body: bytes) -> str:
    """SHA-256 (hex) of the bytes: nothing that Odds360 sends has a name of its own that could come again with other content."""
    return hashlib.sha256(body).hexdigest()


def same_content(a: bytes, b: bytes) -> bool:
    """Whether two frames say the same."""
    return a == b


# Single values


def cleaned(said: str, limit: int) -> str:
    """Without padding, line breaks and what no store takes."""
    return _cleaned(said, limit) if len(said) <= _REMEMBERED else _CONTROL.sub(" ", said[: limit + _REMEMBERED]).strip()[:limit].strip()


@lru_cache(8192)
def _cleaned(said: str, limit: int) -> str:
    return _CONTROL.sub(" ", said).strip()[:limit].strip()


def name_of(key: str, limit: int) -> str:
    """A key as it came, or, where a store would not take it so, told apart from all others by its hash."""
    tidy = cleaned(key, limit)
    return key if tidy == key and key else marked(tidy, key, limit)


def marked(tidy: str, key: str, limit: int) -> str:
    """``tidy`` with a hash of ``key``."""
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{tidy[: limit - 13]}~{mark}"


def ref_of(said: object) -> str:
    """A match id as decimal text; empty for what is none."""
    return str(said) if isinstance(said, str) and _REF.fullmatch(said) and int(said) <= _LARGEST else ""


def text_of(said: object, limit: int = 200) -> str:
    """A number counts as its text; anything else but a text is empty."""
    return cleaned(str(said), limit) if isinstance(said, str) and len(said) <= 10_000 else ""


def flag_of(said: object) -> bool | None:
    """``true``, ``"true"``, ``1`` …; ``None`` for anything else."""
    if isinstance(said, bool):
        return said
    return _FLAGS.get(said.strip().lower()) if isinstance(said, str) and len(said) <= 10 else None


_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def integer_of(said: object) -> int | None:
    found = said.strip() if isinstance(said, str) else ""
    return int(found) if _INTEGER.fullmatch(found) and abs(int(found)) <= _LARGEST else None


def line_of(said: object) -> Decimal | None:
    """A handicap or total, plain and signed."""
    return Decimal(said) if isinstance(said, str) and _LINE.fullmatch(said) else None


def moment_of(said: object) -> datetime | None:
    """ISO 8601 with an offset, or seconds or milliseconds since 1970; with day before month where only that is a date."""
    if isinstance(said, Number):
        return _epoch(said)
    if not isinstance(said, str) or len(said) > 40:
        return None
    found = _iso(said.strip())
    if found is None and (parts := _DAY_FIRST.fullmatch(said.strip())):
        year, day, month, rest = parts.groups()
        found = _iso(f"{year}-{month}-{day}{rest}")
    return found


def _iso(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _epoch(said: Number) -> datetime | None:
    number = integer_of(said)
    if number is None or number < 0:
        return None
    try:
        return datetime.fromtimestamp(number / 1000 if number >= _MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


class Notes:
    """In words, what was tolerated in one frame; bounded."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def add(self, words: str) -> None:
        if words not in self.words and len(self.words) < MOST_NOTES:
            self.words.append(words[:300])


# Prices


class Standing(IntEnum):
    """What a price, market or group says of being offered, the more closed the higher; ``UNSAID`` where it says nothing."""

    UNSAID = 0
    OPEN = 1
    SUSPENDED = 2
    CLOSED = 3
    UNKNOWN = 4

    @property
    def word(self) -> str:
        return "" if self is Standing.UNSAID else self.name.lower()


class Price(Struct, frozen=True):
    """``value`` only where it is whole (A8), else ``problem`` in words; ``text`` as sent. ``absent``: none was sent, which is no fault."""

    value: Decimal | None = None
    text: str = ""
    problem: str = ""
    absent: bool = False


NO_PRICE = Price(problem="no price", absent=True)
_LONGEST_PRICE = 40
_PRICE_NAMES = ("value", "odds", "price", "oddValue", "odd", "decimal")
_SUSPENDED_NAMES = ("suspended", "isSuspended", "blocked")
_ACTIVE_NAMES = ("active", "isActive", "open", "isOpen", "enabled", "available", "tradable", "isTradable")
_STATUS_NAMES = ("status", "tradingStatus", "status_type", "statusType")
_FLAG_NAMES = frozenset({*_SUSPENDED_NAMES, *_ACTIVE_NAMES, *_STATUS_NAMES})
_STANDINGS = {
    "open": Standing.OPEN, "active": Standing.OPEN, "trading": Standing.OPEN, "live": Standing.OPEN, "available": Standing.OPEN,
    "suspended": Standing.SUSPENDED, "inactive": Standing.SUSPENDED, "blocked": Standing.SUSPENDED, "paused": Standing.SUSPENDED,
    "closed": Standing.CLOSED, "settled": Standing.CLOSED, "resulted": Standing.CLOSED, "finished": Standing.CLOSED,
}  # fmt: skip


def price_of(said: object) -> Price:
    """Of a number or a text: a plain decimal within A8's range. No sign, exponent, grouping or NaN."""
    if said is None:
        return NO_PRICE
    if said is TWICE:
        return Price(problem="named twice in one message")
    if not isinstance(said, str):
        return Price(problem="its price is neither a number nor a text")
    return _plain_price(said.strip() if len(said) <= _LONGEST_PRICE else said[:_LONGEST_PRICE] + "…")


@lru_cache(8192)
def _plain_price(text: str) -> Price:
    if not text:
        return NO_PRICE
    if not _PRICE.fullmatch(text):
        return Price(None, cleaned(text, _LONGEST_PRICE), f"“{cleaned(text, _LONGEST_PRICE)}” is no plain decimal")
    value = Decimal(text)
    if not LOWEST <= value <= HIGHEST:
        return Price(None, text, f"the price {text} is not within {LOWEST} and {HIGHEST}")
    return Price(value, text)


def _price_in(said: Object) -> Price:
    """Of an object: one of the names that a price may have; two that disagree are none."""
    found = [price_of(said[name]) for name in _PRICE_NAMES if said.get(name) is not None]
    if not found:
        return NO_PRICE
    if any((one.value, one.problem) != (found[0].value, found[0].problem) for one in found):
        return Price(problem="it has two prices that differ")
    return found[0]


def standing_of(said: Object) -> Standing:
    """The most closed of everything that an object says of itself; what it says unreadably counts as unknown."""
    if _FLAG_NAMES.isdisjoint(said):
        return Standing.UNSAID
    return most_closed(_flag(name, said[name]) for name in said if name in _FLAG_NAMES and said[name] is not None)


def standing_beside(said: Object) -> Standing:
    """What the object of a match says of its prices, beside the status that the match itself has (:func:`row_of`)."""
    return standing_of({name: said[name] for name in said.keys() - set(_STATUS_WORDS) if name in _FLAG_NAMES})


def opens(word: str) -> bool:
    """Whether a word of a status, as :attr:`Row.statuses` has it, says that prices are offered."""
    return _STANDINGS.get(word) is Standing.OPEN


def most_closed(standings: Iterable[Standing]) -> Standing:
    return max(standings, default=Standing.UNSAID)


def _flag(name: str, said: object) -> Standing:
    if name in _STATUS_NAMES:
        return _STANDINGS.get(_word(said), Standing.UNKNOWN)
    return (
        _flagged(said, Standing.SUSPENDED, Standing.OPEN) if name in _SUSPENDED_NAMES else _flagged(said, Standing.OPEN, Standing.SUSPENDED)
    )


def _flagged(said: object, if_true: Standing, if_false: Standing) -> Standing:
    flag = flag_of(said)
    return Standing.UNKNOWN if flag is None else if_true if flag else if_false


def _word(said: object) -> str:
    return "".join(c for c in text_of(said, 60).lower() if c.isalnum())


# Odds: group → market → outcome → price


class Outcome(Struct, frozen=True):
    """``key`` verbatim; ``result``: the object that says what became of it, where there is one; ``gone``: ``null`` stands in its place."""

    key: str
    price: Price
    standing: Standing = Standing.UNSAID
    name: str = ""
    competitor_id: str = ""
    result: Object | None = None
    gone: bool = False


class Market(Struct, frozen=True):
    """``group``, ``key`` verbatim. ``readable`` is false where something stood there that holds no outcomes; ``gone``: ``null`` did."""

    group: str
    key: str
    outcomes: tuple[Outcome, ...]
    standing: Standing = Standing.UNSAID
    readable: bool = True
    name: str = ""
    line: Decimal | None = None
    gone: bool = False


class Odds(Struct, frozen=True):
    """``unreadable``: groups that hold no markets that could be read; ``gone``: those in whose place ``null`` stands."""

    markets: tuple[Market, ...]
    unreadable: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    standing: Standing = Standing.UNSAID


_CONTAINERS = ("outcomes", "selections", "odds", "prices", "values")
_ATTRIBUTES = frozenset(
    {
        "id", "name", "key", "line", "handicap", "total", "spread", "sequence", "type", "typeId", "type_id", "group", "marketId",
        "market_id", "timestamp", "ts", "time", "updatedAt", "updated_at", "lastUpdate", "last_update", "margin", "overround", "limit",
        "maxStake", "max_stake", "inPlay", "in_play", "validForMs", "version", "revision", "seq", "tradable", "reasons", "expiry",
        *_SUSPENDED_NAMES, *_ACTIVE_NAMES, *_STATUS_NAMES, *_CONTAINERS,
    }
)  # fmt: skip
_KEY_NAMES = ("outcome", "outcomeKey", "outcome_key", "key", "name", "id")


def odds_of(said: Object, about: object = None) -> Odds:
    """``said``: the open map of groups; ``about``: what a ``markets`` object beside it tells of each market (docs/api.md)."""
    markets: list[Market] = []
    unreadable: list[str] = []
    described = about if isinstance(about, dict) else {}
    beside = Standing.UNKNOWN if about and not isinstance(about, dict) else Standing.UNSAID
    for group, value in said.items():
        if group in _FLAG_NAMES and not isinstance(value, dict | list):
            continue
        found = _group(group, value, ChainMap(_described_under(described.get(group)), described))
        if found is None:
            unreadable.append(group)
        else:
            markets += found
    _bound(markets)
    gone = tuple(group for group, value in said.items() if value is None)
    standing = standing_of({name: said[name] for name in _FLAG_NAMES if _is_flag(said.get(name))})
    return Odds(tuple(markets), tuple(unreadable), gone, most_closed((beside, standing)))


def closed_beside(odds: Odds, about: object) -> tuple[Market, ...]:
    """Markets that a ``markets`` object closes without their odds being told; ``group`` is empty where none is said."""
    told = {market.key for market in odds.markets}
    entries = ((key, said) for key, said in about.items() if said is not None and key not in told) if isinstance(about, dict) else ()
    found = (_market(text_of(said.get("group"), 60) if isinstance(said, dict) else "", key, {}, said) for key, said in entries)
    closed = [market for market in found if market.standing not in (Standing.UNSAID, Standing.OPEN)]
    _bound([*odds.markets, *closed])
    return tuple(closed)


def _described_under(said: object) -> Object:
    """Of a ``markets`` object that has its markets by group: those of one."""
    return {key: about for key, about in said.items() if isinstance(about, dict)} if isinstance(said, dict) else {}


def _is_flag(said: object) -> bool:
    return said is not None and not isinstance(said, dict | list)


def _bound(markets: list[Market]) -> None:
    if len(markets) > MOST_MARKETS:
        raise Unreadable(f"it has {len(markets)} markets, more than {MOST_MARKETS}")
    if (count := sum(len(market.outcomes) for market in markets)) > MOST_SELECTIONS:
        raise Unreadable(f"it has {count} selections, more than {MOST_SELECTIONS}")


def _group(group: str, said: object, described: Mapping[str, Any]) -> list[Market] | None:
    """``None`` for what is no group. ``null`` is an empty one."""
    if said is None:
        return []
    if not isinstance(said, dict):
        return None
    standing = standing_of({name: said[name] for name in _FLAG_NAMES if _is_flag(said.get(name))})
    flat: dict[str, Object] = {}
    markets: list[Market] = []
    for key, value in said.items():
        if key in _FLAG_NAMES and _is_flag(value):
            continue
        market, sharp, outcome = key.partition("#")
        if sharp and outcome:
            flat.setdefault(market, {})[outcome] = value
        else:
            markets.append(_market(group, key, value, described.get(key)))
    markets += [_market(group, key, value, described.get(key)) for key, value in flat.items()]
    return [_under(standing, market) for market in markets]


def _under(standing: Standing, market: Market) -> Market:
    """What a group says of itself holds for each of its markets."""
    if standing in (Standing.UNSAID, Standing.OPEN):
        return market
    return replace(market, standing=most_closed((standing, market.standing)))


def _holds_outcomes(said: object) -> bool:
    """Whether an object is a market rather than a price."""
    return isinstance(said, dict) and not any(_is_flag(said.get(name)) for name in _PRICE_NAMES)


def _market(group: str, key: str, said: object, about: object) -> Market:
    told = about if isinstance(about, dict) else {}
    if said is None:
        return Market(group, key, (), gone=True)
    line = line_of(told.get("line"))
    name = text_of(told.get("name"))
    status = standing_of(told) if told or about is None or about == {} else Standing.UNKNOWN
    outcomes = _outcomes(said)
    if outcomes is None:
        return Market(group, key, (), Standing.UNKNOWN, False, name, line)
    if isinstance(said, dict):
        line = next((found for n in ("line", "handicap") if (found := line_of(said.get(n))) is not None), line)
        status = most_closed((status, standing_of({n: said[n] for n in _FLAG_NAMES if _says_so(said.get(n))})))
        name = name or text_of(said.get("name"))
    return Market(group, key, tuple(outcomes), status, True, name, line)


def _says_so(said: object) -> bool:
    """Whether a member of a market is about the market: an outcome may well be called “open”, and then has a price."""
    return _is_flag(said) and not (isinstance(said, str) and price_of(said).value is not None)


def _outcomes(said: object) -> list[Outcome] | None:
    """Of an object or array of outcomes; ``None`` for what holds none that could be read."""
    if isinstance(said, list):
        return _listed(said)
    if not isinstance(said, dict):
        return None
    inner = [said[name] for name in _CONTAINERS if _is_container(said.get(name))]
    if len(inner) > 1:
        return None
    if inner:
        return _outcomes(inner[0])
    return [_outcome(key, value) for key, value in said.items() if _is_outcome(key, value)]


def _is_container(said: object) -> bool:
    return isinstance(said, list) or _holds_outcomes(said)


def _is_outcome(key: str, said: object) -> bool:
    """Names that tell of the market are outcomes only where they clearly have a price object."""
    if key not in _ATTRIBUTES:
        return True
    return isinstance(said, dict) and not _holds_outcomes(said)


def _listed(said: list[Any]) -> list[Outcome] | None:
    found: dict[str, Outcome] = {}
    for one in said:
        key = next((text for name in _KEY_NAMES if (text := text_of(one.get(name)))), "") if isinstance(one, dict) else ""
        if not key:
            return None
        found[key] = Outcome(key, Price(problem="named twice in one message")) if key in found else _outcome(key, one)
    return list(found.values())


def _outcome(key: str, said: object) -> Outcome:
    if not isinstance(said, dict):
        return Outcome(key, price_of(said), gone=said is None)
    result = said.get("result")
    return Outcome(
        key=key,
        price=_price_in(said),
        standing=standing_of(said),
        name=text_of(said.get("name")),
        competitor_id=text_of(said.get("competitorId"), 40),
        result=result if isinstance(result, dict) else None,
    )


# Overrides


class Override(Struct, frozen=True):
    """One entry of the provider's overrides (000 "Optional manual overrides"); ``group`` is empty where it names none. ``valued``: it says
    something of its price, were it ``null``; ``ends``: when it ends, where that is said."""

    group: str
    market: str
    outcome: str
    price: Price
    suspended: bool
    ended: bool
    id: str = ""
    valued: bool = True
    ends: datetime | None = None


_END_NAMES = ("endsAt", "ends_at", "expiresAt", "expires_at")
_ENDED_NAMES = ("ended", "deleted", "removed", "cancelled", "expired")
_GROUP_NAMES = ("oddType", "odd_type", "group")


def override_of(said: object) -> Override | None:
    """``None`` for what names no selection. Whatever says unreadably whether it is suspended counts as suspended."""
    if not isinstance(said, dict):
        return None
    market, sharp, outcome = key.partition("#") if isinstance(key := said.get("oddKey", said.get("odd_key")), str) else ("", "", "")
    if not (market and sharp and outcome):
        return None
    standing = standing_of(said)
    ended = any(flag_of(said.get(name)) is True for name in _ENDED_NAMES)
    group = next((text for name in _GROUP_NAMES if (text := text_of(said.get(name), 60))), "")
    closed = standing not in (Standing.UNSAID, Standing.OPEN)
    valued = not said.keys().isdisjoint(_PRICE_NAMES)
    ends = next((at for name in _END_NAMES if (at := moment_of(said.get(name)))), None)
    return Override(group, market, outcome, _price_in(said), closed, ended, text_of(said.get("id"), 60), valued, ends)


def is_override(said: object) -> bool:
    return isinstance(said, dict) and ("oddKey" in said or "odd_key" in said)


# Rows of matches


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
    return _word(said)


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
