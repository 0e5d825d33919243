"""Whether a message is newer than what last set an entity (decisions U1, U2; promise A6; ADR 0009). Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from msgspec import Struct
from msgspec.structs import replace

from .state import Mark

AHEAD = timedelta(seconds=60)
"""How far ahead of our clock a provider's time is still believed (ADR 0009)."""


class Stamp(Struct, frozen=True):
    """When and in which order a message came. ``order`` is comparable only within ``stream`` (U1).

    ``kept_at`` is database time, ``sent_at`` the provider's own. ``reread``: we asked the provider for its state now (O2), so what
    it answered is newer than whatever it sent before. ``order_lost``: an order was sent that nobody can read. ``retry``: the
    provider's count of tries before this one; what comes at a second try may have been priced long ago (T5).
    """

    kept_at: datetime
    sent_at: datetime | None = None
    order: int | None = None
    stream: str = ""
    reread: bool = False
    order_lost: bool = False
    retry: int = 0

    @property
    def ahead(self) -> bool:
        """Whether the provider's time is too far ahead of ours to be one."""
        return believed(self.sent_at, self.kept_at) is not self.sent_at


class Standing(Enum):
    """What a message may do to one entity."""

    NEWER = "sets it"
    OLDER = "may close or result it, never reprice or re-open"
    LATE = "changes nothing"


def standing(mark: Mark | None, stamp: Stamp) -> Standing:
    """How ``stamp`` compares with what last set the entity; an equal order can only come from another message, so it is no newer."""
    if mark is None:
        return Standing.NEWER
    if stamp.order_lost:
        return Standing.OLDER
    highest = None if stamp.order is None else mark.orders.get(stamp.stream)
    if stamp.order is None or highest is None:
        return _by_time(mark, stamp)
    if stamp.order < highest:
        return Standing.LATE
    if stamp.order == highest:
        return Standing.OLDER
    return Standing.NEWER if mark.stream == stamp.stream else _by_time(mark, stamp)


def _by_time(mark: Mark, stamp: Stamp) -> Standing:
    """Without comparable orders: the provider's time where both have one, else arrival (the time of keeping)."""
    if stamp.reread:
        return Standing.NEWER
    sent_at, newest = believed(stamp.sent_at, stamp.kept_at), believed(mark.sent_at, mark.seen_at)
    if sent_at and newest and sent_at != newest:
        return Standing.NEWER if sent_at > newest else Standing.OLDER
    return Standing.NEWER if stamp.kept_at >= mark.seen_at else Standing.OLDER


def believed(sent_at: datetime | None, ours: datetime) -> datetime | None:
    """The provider's time, unless it lies so far ahead that everything after it would count as older."""
    return None if sent_at and sent_at - ours > AHEAD else sent_at


def set_by(stamp: Stamp) -> Mark:
    """The first mark of an entity."""
    sent_at = believed(stamp.sent_at, stamp.kept_at)
    fresh = (stamp.kept_at, sent_at) if stamp.retry == 0 else (None, None)
    if stamp.order is None:
        return Mark(stamp.kept_at, sent_at, {}, None, *fresh)
    return Mark(stamp.kept_at, sent_at, {stamp.stream: stamp.order}, stamp.stream, *fresh)


def marked(mark: Mark, stamp: Stamp, how: Standing) -> Mark:
    """The mark afterwards. Only a newer message counts as seen; an older one leaves just its order behind."""
    if how is Standing.NEWER:
        return _reset_by(mark, stamp)
    if how is Standing.LATE or stamp.order is None or stamp.stream in mark.orders:
        return mark
    return replace(mark, orders={**mark.orders, stamp.stream: stamp.order})


def _reset_by(mark: Mark, stamp: Stamp) -> Mark:
    ordered = stamp.order is not None
    sent = (believed(mark.sent_at, mark.seen_at), believed(stamp.sent_at, stamp.kept_at))
    fresh = stamp.retry == 0
    return Mark(
        seen_at=max(mark.seen_at, stamp.kept_at),
        sent_at=max(filter(None, sent), default=None),
        orders={**mark.orders, stamp.stream: stamp.order} if stamp.order is not None else mark.orders,
        stream=stamp.stream if ordered else None,
        fresh_kept=stamp.kept_at if fresh else None,
        fresh_sent=sent[1] if fresh else None,
    )
