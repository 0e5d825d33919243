"""What the audit says of an applied message that suspends or re-opens (promise F1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from markets.domain.fold import Folded
from markets.domain.messages import Market
from markets.domain.offering import closers, offered
from markets.domain.state import FixtureState

from . import audit
from .factstore import Held

NAMED = 5


class Shift(Struct, frozen=True):
    """What a message closed and opened, with both sides as JSON values; ``reason`` in words."""

    action: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


def shift(before: FixtureState, folded: Folded) -> Shift | None:
    """``None`` when the message suspends and re-opens nothing."""
    after = folded.state
    moved = tuple(dict.fromkeys((*folded.closed, *folded.opened, *folded.line_moved)))
    was, now = _fixture_words(before, after)
    in_points = bool(folded.point_closed) or folded.point_opened
    held = (*map(_unknown, folded.unknown), *folded.doubts)
    if not moved and not folded.resulted and not held and was == now and not in_points:
        return None
    sides = (_side(before, moved, folded.resulted, was), _side(after, moved, folded.resulted, [*now, *held]))
    if in_points:
        sides = (sides[0] | {"between points": not folded.point_opened}, sides[1] | {"between points": folded.point_opened})
    return Shift(_action(folded, was, now), *sides, _reason(folded, was, now))


def record(shift: Shift, slug: str, held: Held, guid: str, at: datetime) -> audit.Record:
    """The record of one message of a source."""
    return audit.Record(
        at=at,
        actor=f"feed:{slug}",
        actor_name=slug,
        action=shift.action,
        fixture_id=held.id,
        object_words=held.name or f"fixture {held.ref}",
        before=shift.before,
        after=shift.after,
        reason=shift.reason,
        message=guid,
    )


def _fixture_words(before: FixtureState, after: FixtureState) -> tuple[list[str], list[str]]:
    """Compared only where something else than markets changed."""
    same = (
        before.details is after.details
        and before.coverage is after.coverage
        and before.started == after.started
        and before.match_states == after.match_states
    )
    return ([], []) if same else (list(closers(before)), list(closers(after)))


def _action(folded: Folded, was: list[str], now: list[str]) -> str:
    closes = bool(
        folded.closed
        or folded.resulted
        or folded.unknown
        or folded.doubts
        or folded.line_moved
        or folded.point_closed
        or set(now) - set(was)
    )
    opens = bool(folded.opened or folded.point_opened or set(was) - set(now))
    if closes and opens:
        return "feed suspends and opens"
    return "feed suspends" if closes else "feed opens"


def _side(state: FixtureState, moved: tuple[str, ...], resulted: tuple[str, ...], words: list[str]) -> dict[str, Any]:
    side: dict[str, Any] = {"markets": {ref: _market(state.markets.get(ref)) for ref in moved}, "closed by": words}
    if resulted:
        side["results"] = {ref: _result(state, ref) for ref in resulted}
    return {name: value for name, value in side.items() if value}


def _market(market: Market | None) -> dict[str, Any] | None:
    if market is None:
        return None
    line = None if market.line is None else str(market.line)
    return {"name": market.name, "status": market.status.value, "offered": sorted(offered(market)), "line": line}


def _result(state: FixtureState, ref: str) -> str:
    if (result := state.results.get(ref)) is None:
        return "none"
    return f"withdrawn ({result.revision})" if result.result.withdrawn else f"result {result.revision}"


def _reason(folded: Folded, was: list[str], now: list[str]) -> str:
    names = {ref: market.name for ref, market in folded.state.markets.items()}
    told = (
        ("suspended", folded.closed),
        ("opened", folded.opened),
        ("line moved", folded.line_moved),
        ("resulted", folded.resulted),
        ("unknown", folded.unknown),
        ("in doubt", folded.doubts),
        ("closed by", tuple(word for word in now if word not in was)),
        ("no longer", tuple(word for word in was if word not in now)),
        ("in-play suspended", (folded.point_closed,) if folded.point_closed else ()),
        ("in-play waits for", ("a price from after the point",) if folded.point_opened else ()),
    )
    return "; ".join(f"{verb}: {_listed([names.get(ref, ref) for ref in refs])}" for verb, refs in told if refs)


def _listed(words: list[str]) -> str:
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _unknown(element: str) -> str:
    return f"unknown {element}"
