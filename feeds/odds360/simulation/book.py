"""The odds of one match: two groups of markets, priced from how the match stands, closed and resulted when they are decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct

from feeds.playing.table_tennis import Play, Side

from . import chances

SET_TIME, FULL_TIME = "setTime", "fullTime"
GROUPS = (SET_TIME, FULL_TIME)
ODD_TYPES = {"set-time": SET_TIME, "full-time": FULL_TIME}
"""An odd group in an address → its name in JSON (000)."""
GAME_TOTAL, GAME_HANDICAP, MATCH_HANDICAP = 18.5, 2.5, 1.5
TOTALS_APART = 6.0
SIDES, OVER_UNDER = (("home", "Home"), ("away", "Away")), (("over", "Over"), ("under", "Under"))
OPEN, CLOSED = "Open", "Closed"
WINNER, LOSER = "Winner", "Loser"


class Kind(Struct, frozen=True):
    """A market's kind. ``chance(p, play, line)``: that the first of ``outcomes`` wins. ``decided(play, line)``: whether it did, once that
    is known. ``of_game``: there is one for each game, of which ``decided`` is asked when it ends.
    """

    id: str
    key: str
    name: str
    outcomes: tuple[tuple[str, str], tuple[str, str]]
    chance: Callable[[float, Play, float], float]
    decided: Callable[[Play, float], bool | None]
    of_game: bool = False


def _match_winner(play: Play, line: float) -> bool | None:
    return play.games.ahead is Side.HOME if play.over else None


def _match_handicap(play: Play, line: float) -> bool | None:
    return play.games.home + line > play.games.away if play.over else None


def _match_total(play: Play, line: float) -> bool | None:
    return True if play.total > line else False if play.over else None


def _game_winner(play: Play, line: float) -> bool:
    return play.played[-1].ahead is Side.HOME


def _game_handicap(play: Play, line: float) -> bool:
    return play.played[-1].home + line > play.played[-1].away


def _game_total(play: Play, line: float) -> bool:
    return play.played[-1].sum > line


MATCH_WINNER = Kind("322", "match-winner", "Match winner", SIDES, lambda p, play, _: chances.match_won(p, play), _match_winner)
HANDICAP = Kind("990301", "games-handicap", "Games handicap", SIDES, chances.games_beyond, _match_handicap)
TOTAL = Kind("990302", "total-points", "Total points", OVER_UNDER, chances.total_over, _match_total)
GAME_WINNER = Kind("990311", "winner", "winner", SIDES, lambda p, play, _: chances.game_won(p, play.points), _game_winner, True)
POINTS_HANDICAP = Kind("990312", "points-handicap", "points handicap", SIDES, chances.points_beyond, _game_handicap, True)
GAME_POINTS = Kind("990313", "total-points", "total points", OVER_UNDER, chances.game_total_over, _game_total, True)


@dataclass
class Selection:
    """``price``: decimal odds, ``None`` where there are none."""

    id: str
    key: str
    name: str
    competitor: int | None
    price: float | None = None
    result: str | None = None


@dataclass
class Market:
    """``game``: the number of the game that it is about; ``key`` never changes and holds whatever tells it from its likes."""

    kind: Kind
    group: str
    key: str
    name: str
    line: float | None
    game: int | None
    selections: tuple[Selection, Selection]
    status: str = OPEN
    suspended: bool = False

    @property
    def open(self) -> bool:
        return self.status == OPEN and not self.suspended


@dataclass
class Changed:
    """What a step changed: selections by their market's key, and markets that are not listed any more."""

    selections: dict[str, list[Selection]] = field(default_factory=dict)
    gone: tuple[Market, ...] = ()

    def add(self, market: Market, *selections: Selection) -> None:
        found = self.selections.setdefault(market.key, [])
        found += [one for one in selections if one not in found]

    def __bool__(self) -> bool:
        return bool(self.selections or self.gone)


class Book:
    """All markets of a match by key, in the order in which they were opened. ``home`` and ``away``: the players' ids."""

    def __init__(self, match_id: int, home: int, away: int, p: float, play: Play) -> None:
        self._ids = (f"{match_id}{n:03d}" for n in range(1, 1000))
        self._players = {"home": home, "away": away}
        self.markets: dict[str, Market] = {}
        self._gone: set[str] = set()
        ahead = -MATCH_HANDICAP if p >= 0.5 else MATCH_HANDICAP
        middle = round(chances.expected_total(p, play)) + 0.5
        self._open(MATCH_WINNER, FULL_TIME)
        self._open(HANDICAP, FULL_TIME, ahead)
        for line in (middle - TOTALS_APART / 2, middle + TOTALS_APART / 2):
            self._open(TOTAL, FULL_TIME, line)
        self._open_game(play.number, p)
        self.reprice(p, play)

    def reprice(self, p: float, play: Play) -> Changed:
        """Prices as the match stands; what is decided is closed and resulted, and a new game has its own markets."""
        changed = Changed(gone=self._delisted())
        for market in list(self.markets.values()):
            self._settle(market, play, changed)
        if not play.over and f"set-{play.number}-winner" not in self.markets:
            self._open_game(play.number, p, changed)
        for market in self.markets.values():
            if market.status == OPEN:
                _price(market, p, play, changed)
        return changed

    def offered(self) -> Iterator[Market]:
        """What is listed: everything of the match, and of its games only the one in play."""
        latest = max(market.game or 0 for market in self.markets.values())
        return (market for market in self.markets.values() if market.game in (None, latest))

    def suspend(self, suspended: bool) -> Changed:
        """Every open market, or none."""
        changed = Changed()
        for market in self.markets.values():
            if market.status == OPEN and market.suspended != suspended:
                market.suspended = suspended
                changed.add(market, *market.selections)
        return changed

    def _delisted(self) -> tuple[Market, ...]:
        """Of games before the one in play, each once; the step before this one told their results."""
        listed = list(self.offered())
        found = tuple(market for market in self.markets.values() if market not in listed and market.key not in self._gone)
        self._gone.update(market.key for market in found)
        return found

    def find(self, odd_key: str) -> tuple[Market, Selection] | None:
        """By ``market#outcome``; only what is listed."""
        name, _, outcome = odd_key.partition("#")
        market = next((market for market in self.offered() if market.key == name), None)
        selection = next((one for one in market.selections if one.key == outcome), None) if market else None
        return (market, selection) if market and selection else None

    def _settle(self, market: Market, play: Play, changed: Changed) -> None:
        if market.status == CLOSED or (market.game is not None and market.game > len(play.played)):
            return
        won = market.kind.decided(play, market.line or 0.0)
        if won is None:
            return
        market.status = CLOSED
        first, second = market.selections
        first.result, second.result = (WINNER, LOSER) if won else (LOSER, WINNER)
        changed.add(market, first, second)

    def _open_game(self, number: int, p: float, changed: Changed | None = None) -> None:
        ahead = -GAME_HANDICAP if p >= 0.5 else GAME_HANDICAP
        for kind, line in ((GAME_WINNER, None), (POINTS_HANDICAP, ahead), (GAME_POINTS, GAME_TOTAL)):
            market = self._open(kind, SET_TIME, line, number)
            if changed is not None:
                changed.add(market, *market.selections)

    def _open(self, kind: Kind, group: str, line: float | None = None, game: int | None = None) -> Market:
        key, name = kind.key, kind.name
        if game is not None:
            key, name = f"set-{game}-{key}", f"Set {game} {name}"
        if line is not None:
            key, name = f"{key}-{abs(line)}", name if kind.outcomes is SIDES else f"{name} {line:g}"
        self.markets[key] = market = Market(kind, group, key, name, line, game, self._selections(kind))
        return market

    def _selections(self, kind: Kind) -> tuple[Selection, Selection]:
        first, second = (Selection(next(self._ids), key, name, self._players.get(key)) for key, name in kind.outcomes)
        return first, second


def _price(market: Market, p: float, play: Play, changed: Changed) -> None:
    chance = market.kind.chance(p, play, market.line or 0.0)
    for selection, share in zip(market.selections, (chance, 1 - chance), strict=True):
        price = chances.price(share)
        if price != selection.price:
            selection.price = price
            changed.add(market, selection)
