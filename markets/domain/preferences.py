"""What a person keeps of the desk's pages, of no consequence for any price. Pure."""

from __future__ import annotations

from msgspec import Struct

MOST_VIEWS = 12


class BoardView(Struct, frozen=True):
    """A view of the board: which tab, the words of the filter, and the column that it is sorted by (empty: as it comes).

    It names no fixture and no price, so that it shows only what its owner may see wherever it is used.
    """

    name: str
    tab: str
    words: str = ""
    sort: str = ""
    down: bool = False


def kept(views: tuple[BoardView, ...], new: BoardView) -> tuple[BoardView, ...]:
    """With the new one, in the place of an older one of that name. Raises ``ValueError`` beyond :data:`MOST_VIEWS`."""
    if any(view.name == new.name for view in views):
        return tuple(new if view.name == new.name else view for view in views)
    if len(views) >= MOST_VIEWS:
        raise ValueError(f"{MOST_VIEWS} views are kept already: forget one first")
    return (*views, new)
