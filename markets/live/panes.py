"""What a topic shows of one fixture: the cells that frames carry, and the pieces of HTML that they live in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from django.template.loader import render_to_string
from msgspec import Struct

from .cells import BoardRow, FixtureView, MarketView
from .frames import Cells
from .points import MatchView

BOARD_ROWS = "board-rows"
MARKETS = "markets"
MATCH_ALERTS = "points-head"
MATCH_CARD = "points"


class Piece(Struct, frozen=True):
    """An element with a fixed id. ``structure`` is what only new HTML can change; ``home`` the id of the element that holds it."""

    structure: tuple[object, ...]
    home: str
    render: Callable[[], str]


class Pane(Struct, frozen=True):
    """``pieces`` by element id."""

    cells: Cells
    pieces: Mapping[str, Piece]


def board_pane(row: BoardRow) -> Pane:
    """One row of the board."""
    markets = (row.main,) if row.main else ()
    render = partial(render_to_string, "board/_row.html", {"row": row})
    cells = Cells({row.id: row.cell}, {m.id: m.cell for m in markets}, {p.id: p.cell for m in markets for p in m.prices})
    return Pane(cells, {f"f-{row.id}": Piece(row.structure, BOARD_ROWS, render)})


def fixture_pane(view: FixtureView) -> Pane:
    """A whole fixture page."""
    cells = Cells({view.id: view.cell}, {m.id: m.cell for m in view.markets}, {p.id: p.cell for m in view.markets for p in m.prices})
    match = _match_pieces(view.points) if view.points else {}
    return Pane(cells, {f"m-{m.id}": _market_piece(m) for m in view.markets} | match)


def _match_pieces(match: MatchView) -> dict[str, Piece]:
    """What was told of a bound match, apart from its score."""
    context = {"match": match}
    return {
        "points-alerts": Piece((match.version,), MATCH_ALERTS, partial(render_to_string, "points/_alerts.html", context)),
        "points-stuck": Piece((match.stuck,), MATCH_ALERTS, partial(render_to_string, "points/_stuck.html", context)),
        "points-card": Piece((match.version,), MATCH_CARD, partial(render_to_string, "points/_card.html", context)),
    }


def _market_piece(market: MarketView) -> Piece:
    return Piece(market.structure, MARKETS, partial(render_to_string, "fixture/_market.html", {"market": market}))


def added(piece: Piece) -> str:
    """A new element at the end of its home. The wrapper is a ``tbody`` for rows, which may stand in nothing else."""
    wrapper = "tbody" if piece.home == BOARD_ROWS else "div"
    return f'<{wrapper} hx-swap-oob="beforeend:#{piece.home}">{piece.render().strip()}</{wrapper}>'


def replaced(element_id: str, piece: Piece) -> str:
    """The element anew, in its place: rare, since it takes the focus from what it holds."""
    start, _, rest = piece.render().strip().partition(f'id="{element_id}"')
    return f'{start}id="{element_id}" hx-swap-oob="outerHTML"{rest}'


def removed(element_id: str, piece: Piece) -> str:
    """Takes the element away."""
    tag = "tr" if piece.home == BOARD_ROWS else "div"
    return f'<{tag} id="{element_id}" hx-swap-oob="delete"></{tag}>'
