"""Entries of the overrides of the provider's own people (000 "Optional manual overrides"; decision O3). Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from markets.domain.following import SUSPENSION
from markets.domain.messages import Upstream, UpstreamChange

from .offers import group_of, key_of
from .prices import PRICE_NAMES, Price, Standing, price_in, standing_of
from .wire import flag_of, moment_of, text_of


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
    valued = not said.keys().isdisjoint(PRICE_NAMES)
    ends = next((at for name in _END_NAMES if (at := moment_of(said.get(name)))), None)
    return Override(group, market, outcome, price_in(said), closed, ended, text_of(said.get("id"), 60), valued, ends)


def is_override(said: object) -> bool:
    return isinstance(said, dict) and ("oddKey" in said or "odd_key" in said)


def change_of(said: Override) -> UpstreamChange:
    """What an entry does; one whose price cannot be read closes its selection."""
    price = said.price.value
    return UpstreamChange(
        group=group_of(said.group) if said.group else "",
        market=key_of(said.market),
        outcome=key_of(said.outcome),
        override=None if said.ended else Upstream(price, said.suspended or price is None),
        id=said.id,
        value=_set_to(said),
        ends=said.ends.isoformat() if said.ends else "",
    )


def _set_to(said: Override) -> str:
    """The price of an override in its one spelling; an entry that leaves it out is a suspension, unless it only says what ended."""
    if said.price.absent:
        return SUSPENSION if said.valued or not said.ended else ""
    return str(said.price.value.normalize()) if said.price.value is not None else f"?{said.price.text}"
