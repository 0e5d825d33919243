"""What a kept frame is: the kind of answer or stream it came by, and the match it is about.

``Arrived.stream`` carries it as ``"<kind>/<match id>"``, with ``"@<sport>"`` where that is known, for the frame itself says neither (000;
feeds.md 3.2). ``"<kind>/<match id>~"`` is a frame of which nobody knows when it was said.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

_UNPLACED = "~"


class Kind(StrEnum):
    """``match``: one object of a list. ``odds``: a whole payload asked for by REST (O2). ``updates``, ``overrides``: a stream's frame.

    ``verify``: the answer of ``…/verify``.
    """

    MATCH = "match"
    ODDS = "odds"
    UPDATES = "updates"
    OVERRIDES = "overrides"
    VERIFY = "verify"


class Subject(NamedTuple):
    """``ref``: the match id as decimal text, empty where an answer names none that can be read. ``sport``: slug of the feed, where said.
    ``unplaced``: a frame without a number on a stream that counts, or of an older revision than was told.
    """

    kind: Kind
    ref: str
    sport: str = ""
    unplaced: bool = False


def subject(kind: Kind, ref: str = "", sport: str = "") -> str:
    """``sport``: slug of the feed's sport, for rows that do not name it themselves: ``"match/2450840@table-tennis"``."""
    return f"{kind}/{ref}@{sport}" if sport else f"{kind}/{ref}"


def unplaced(kind: Kind, ref: str) -> str:
    """A frame without a number on a stream that counts, or of an older revision than was told: ``"updates/2450840~"``."""
    return f"{kind}/{ref}{_UNPLACED}"


def parted(stream: str) -> Subject:
    """All that :func:`subject` put into ``stream``. Raises ``ValueError`` for what it never made."""
    kind, slash, rest = stream.partition("/")
    if not slash:
        raise ValueError(f"no subject of Odds360: {stream[:64]}")
    ref, _, sport = rest.partition("@")
    return Subject(Kind(kind), ref.removesuffix(_UNPLACED), sport, ref.endswith(_UNPLACED))
