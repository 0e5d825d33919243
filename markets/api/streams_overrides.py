"""The ``overrides`` stream of one match."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from markets.domain.publish import IN_PLAY_MS
from markets.domain.rules import Code, Survey, survey
from markets.live.sockets import ALIVE, Packed
from markets.selectors.offer import Offer

from . import payload
from .streams_frames import Json, OverrideBeat, OverrideSnapshot, OverrideUpdate
from .streams_matches import MatchStream


class OverrideStream(MatchStream):
    """The ``overrides`` stream: what the bookmaker's people, or staff, hold and price of the match."""

    def __init__(self, offer: Offer, part: int) -> None:
        super().__init__(offer, part)
        self._entries: dict[str, Json] = {}
        self._holds: Json = {}
        self._valid_ms = 0
        self.take(offer)
        self._told_entries, self._told_holds = self._entries, self._holds

    @property
    def changed(self) -> bool:
        return self._entries != self._told_entries or self._holds != self._told_holds

    @property
    def closing(self) -> bool:
        return False

    def take(self, offer: Offer) -> None:
        seen = survey(offer.around)
        self.offer = offer
        self._entries, self._holds = _entries(offer), _holds(offer, seen)
        self._valid_ms = 0 if any(reason.code is Code.STORE for reason in seen.wide) else IN_PLAY_MS

    def fail(self, words: str) -> None:
        self._valid_ms = 0

    def snapshot(self, now: datetime) -> Packed:
        return self._packed(OverrideSnapshot(**self._numbered(None), **self._said(self._entries.values()), now=now))

    def frame(self, now: datetime) -> Packed:
        before = self._count()
        told, self._told_entries, self._told_holds = self._told_entries, self._entries, self._holds
        new = [entry for key, entry in self._entries.items() if told.get(key) != entry]
        ended = [{**entry, "ended": True} for key, entry in told.items() if key not in self._entries]
        return self._packed(OverrideUpdate(**self._numbered(before), **self._said([*new, *ended]), now=now))

    def beat(self, now: datetime) -> Packed:
        return self._packed(OverrideBeat(**self._numbered(self.seq), **self._revisions(), valid_for_ms=self._valid_ms, now=now), ALIVE)

    def _said(self, entries: Iterable[Json]) -> Json:
        return {**self._revisions(), "override": list(entries), "holds": self._holds, "valid_for_ms": self._valid_ms}

    def _revisions(self) -> Json:
        return {"revision": self.offer.revision, "bookmaker_revision": self.offer.bookmaker_revision}


def _entries(offer: Offer) -> dict[str, Json]:
    """By ``id``: one for each override in effect, one for each hold of a very selection."""
    return {str(entry["id"]): entry for entry in payload.overrides(offer)}


def _holds(offer: Offer, seen: Survey) -> Json:
    """What holds more than one selection of the match, in words."""
    keys = {str(market.id): market.key for market in offer.published}
    wide = [payload.words(reason) for reason in seen.wide if reason.code is Code.HOLD]
    markets = {keys[target]: [payload.words(r) for r in reasons] for target, reasons in seen.on_market.items() if target in keys}
    return {"all": wide, "markets": markets}
