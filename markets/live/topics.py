"""One bookmaker's topic: what it shows, what its sockets were last sent, and the frame between the two.

:class:`Topic` is what the hub knows of any; :class:`PageTopic` is that of the desk's pages. What a socket asks for is its
:class:`Subject`, which opens the topic for the first who asks.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from markets.selectors.offer import Offer

from .cells import board_cells, fixture_cells
from .frames import BOARD, Beat, Cells, FeedCell, FixtureCell, Frame, MarketCell, PriceCell, Snapshot, encode, fixture_topic, milliseconds
from .panes import Pane, added, board_pane, fixture_pane, removed, replaced
from .reader import Listing
from .sockets import Key, Packed, Socket
from .standing import Standing

log = logging.getLogger(__name__)
QUIET = 0.07
"""Seconds between two frames of a topic: the first change after a quiet spell goes at once, then fourteen a second at most."""
NOTHING = Pane(Cells(), {})
Cell = TypeVar("Cell", FixtureCell, MarketCell, PriceCell)


class Column(Generic[Cell]):
    """One kind of cells: as they are now, and which of them the sockets do not know yet."""

    def __init__(self) -> None:
        self.now: dict[int, Cell] = {}
        self._sent: dict[int, Cell] = {}
        self._changed: set[int] = set()

    def show(self, cells: Mapping[int, Cell]) -> None:
        for row_id, cell in cells.items():
            self.now[row_id] = cell
            if self._sent.get(row_id) == cell:
                self._changed.discard(row_id)
            else:
                self._changed.add(row_id)

    def drop(self, row_id: int) -> None:
        self.now.pop(row_id, None)
        self._sent.pop(row_id, None)
        self._changed.discard(row_id)

    def sent(self, row_id: int) -> Cell | None:
        return self._sent.get(row_id)

    def take(self) -> dict[int, Cell]:
        """What changed, now counted as sent."""
        changed = {row_id: self.now[row_id] for row_id in self._changed}
        self._sent.update(changed)
        self._changed.clear()
        return changed

    def __bool__(self) -> bool:
        return bool(self._changed)


class Topic(ABC):
    """``fixtures``: what it shows, ``None`` until known. ``listing``: what the store is asked for that list; ``None``: it never changes.

    ``sockets``: all that listen; ``waiting``: those that need snapshots, of these parts or (``None``) of everything. ``quiet``: seconds
    between two frames. ``closing``: something that was sent as open is not, so that the next frame makes haste.
    """

    confirms: ClassVar[bool] = False
    """Whether its beats say for how long each price may be believed, so that the gate is asked before each (A12)."""

    def __init__(self, bookmaker: UUID, name: str, fixtures: tuple[int, ...] | None, listing: Listing | None = None) -> None:
        self.key: Key = (bookmaker, name)
        self.bookmaker = bookmaker
        self.name = name
        self.fixtures = fixtures
        self.listing = listing
        self.sockets: set[Socket] = set()
        self.waiting: dict[Socket, frozenset[int] | None] = {}
        self.due_at = 0.0
        self.quiet = QUIET

    @property
    @abstractmethod
    def whole(self) -> bool:
        """Whether everything that it shows has been worked out once (promise A10)."""

    @property
    @abstractmethod
    def changed(self) -> bool:
        """Whether there is something to send."""

    @property
    @abstractmethod
    def closing(self) -> bool: ...

    def lists(self, fixtures: tuple[int, ...]) -> None:
        """What it shows from now on; what is gone is taken away at once. Said to topics with a ``listing`` only."""
        self.fixtures = fixtures

    @abstractmethod
    def take(self, offer: Offer) -> None:
        """What is offered of a fixture now."""

    def confirm(self, offer: Offer) -> None:
        """What is offered of a fixture as a beat falls due."""
        self.take(offer)

    @abstractmethod
    def fail(self, fixture_id: int, words: str) -> None:
        """What could not be worked out is suspended."""

    @abstractmethod
    def snapshots(self, parts: Collection[int] | None, now: datetime, feeds: Mapping[int, FeedCell]) -> list[Packed]:
        """These parts, or (``None``) everything, under the count as it stands; what comes next continues it."""

    @abstractmethod
    def frames(self, now: datetime) -> list[Packed]:
        """What changed, now counted as sent."""

    @abstractmethod
    def beat(self, now: datetime, feeds: Mapping[int, FeedCell], reason: str) -> Packed:
        """Confirms what is open, unless there is a ``reason`` not to."""

    def farewell(self, now: datetime) -> list[Packed]:
        """What a socket is told last that may not listen any more."""
        return []

    def sources(self) -> set[int]:
        """The feeds whose liveness its beats tell."""
        return set()


class Subject(Protocol):
    """What a socket asks to hear."""

    def name(self, standing: Standing) -> str:
        """The name of its topic, unique for the bookmaker."""

    def open(self, standing: Standing, bookmaker: UUID) -> Topic:
        """That topic, for the first who asks."""


class BoardPage:
    """The board."""

    def name(self, standing: Standing) -> str:
        return BOARD

    def open(self, standing: Standing, bookmaker: UUID) -> Topic:
        return PageTopic(bookmaker, BOARD, None)


class FixturePage:
    """One fixture, all its markets."""

    def __init__(self, fixture_id: int) -> None:
        self._fixture_id = fixture_id

    def name(self, standing: Standing) -> str:
        return fixture_topic(self._fixture_id)

    def open(self, standing: Standing, bookmaker: UUID) -> Topic:
        return PageTopic(bookmaker, self.name(standing), self._fixture_id)


class PageTopic(Topic):
    """The board (``fixture_id`` ``None``) or a fixture's page."""

    closing = False

    def __init__(self, bookmaker: UUID, name: str, fixture_id: int | None) -> None:
        shown = None if fixture_id is None else (fixture_id,)
        super().__init__(bookmaker, name, shown, Listing(bookmaker) if fixture_id is None else None)
        self.seq = 0
        self._panes: dict[int, Pane] = {}
        self._fixtures: Column[FixtureCell] = Column()
        self._markets: Column[MarketCell] = Column()
        self._prices: Column[PriceCell] = Column()
        self._html: list[str] = []
        self._opened = False

    @property
    def whole(self) -> bool:
        return self.fixtures is not None and all(f in self._panes for f in self.fixtures)

    @property
    def changed(self) -> bool:
        return bool(self._html or self._fixtures or self._markets or self._prices)

    def lists(self, fixtures: tuple[int, ...]) -> None:
        """Rows that are gone are taken away at once, new ones come with their panes."""
        super().lists(fixtures)
        for gone in self._panes.keys() - set(fixtures):
            self._drop(gone)

    def take(self, offer: Offer) -> None:
        self.show(offer.snapshot.id, fixture_pane(fixture_cells(offer)) if self.listing is None else board_pane(board_cells(offer)))

    def show(self, fixture_id: int, pane: Pane) -> None:
        """The newest pane of a fixture."""
        before = self._panes.get(fixture_id)
        self._panes[fixture_id] = pane
        self._restructure(before, pane)
        self._closing_of(pane)
        self._fixtures.show(pane.cells.fixtures)
        self._markets.show(pane.cells.markets)
        self._prices.show(pane.cells.prices)

    def fail(self, fixture_id: int, words: str) -> None:
        pane = self._panes.get(fixture_id, NOTHING)
        self.show(fixture_id, msgspec.structs.replace(pane, cells=_suspended(pane.cells, words)))

    def snapshots(self, parts: Collection[int] | None, now: datetime, feeds: Mapping[int, FeedCell]) -> list[Packed]:
        self._opened = True
        cells = (self._fixtures.now, self._markets.now, self._prices.now)
        return [Packed(encode(Snapshot(self.name, self.seq, milliseconds(now), feeds, *cells)))]

    def frames(self, now: datetime) -> list[Packed]:
        """The HTML of new structure, then what changed."""
        html, self._html, self.closing = self._html, [], False
        before, self.seq = self.seq, self.seq + 1
        changed = (self._fixtures.take(), self._markets.take(), self._prices.take())
        frame = Frame(self.name, self.seq, before, milliseconds(now), *changed)
        return [Packed(text) for text in (*(["".join(html)] if html else []), encode(frame))]

    def beat(self, now: datetime, feeds: Mapping[int, FeedCell], reason: str) -> Packed:
        return Packed(encode(Beat(self.name, self.seq, self.seq, milliseconds(now), not reason, feeds, reason)))

    def sources(self) -> set[int]:
        return {cell.source for cell in self._fixtures.now.values()}

    def _closing_of(self, pane: Pane) -> None:
        for row_id, cell in pane.cells.prices.items():
            sent = self._prices.sent(row_id)
            if sent is not None and sent.open and not cell.open:
                self.closing = True

    def _restructure(self, before: Pane | None, after: Pane) -> None:
        old = before.pieces if before else {}
        if before:
            self._forget(before.cells, after.cells)
        if not self._opened:
            return
        for element_id, piece in after.pieces.items():
            if element_id not in old:
                self._say(partial(added, piece))
            elif old[element_id].structure != piece.structure:
                self._say(partial(replaced, element_id, piece))
        self._html += [removed(e, p) for e, p in old.items() if e not in after.pieces]

    def _drop(self, fixture_id: int) -> None:
        pane = self._panes.pop(fixture_id)
        self._forget(pane.cells, Cells())
        if self._opened:
            self._html += [removed(e, p) for e, p in pane.pieces.items()]
            self.closing = True

    def _say(self, render: Callable[[], str]) -> None:
        """A fragment that cannot be made is left out: the browser sees at its next snapshot that it lacks something, and asks."""
        try:
            self._html.append(render())
        except Exception:
            log.exception("a fragment of %s could not be made", self.name)

    def _forget(self, before: Cells, after: Cells) -> None:
        _drop_from(self._fixtures, before.fixtures, after.fixtures)
        _drop_from(self._markets, before.markets, after.markets)
        _drop_from(self._prices, before.prices, after.prices)


def _drop_from(column: Column[Cell], before: Mapping[int, Cell], after: Mapping[int, Cell]) -> None:
    for row_id in before.keys() - after.keys():
        column.drop(row_id)


def _suspended(cells: Cells, words: str) -> Cells:
    prices = {
        i: msgspec.structs.replace(c, open=False, state="suspended" if c.value else "none", reason=words, ttl=0, until=None)
        for i, c in cells.prices.items()
    }
    markets = {i: msgspec.structs.replace(c, open=False, words=words) for i, c in cells.markets.items()}
    fixtures = {
        i: msgspec.structs.replace(c, state="stale", state_words="STALE", suspended=c.suspended + c.open, open=0, reason=words)
        for i, c in cells.fixtures.items()
    }
    return Cells(fixtures, markets, prices)
