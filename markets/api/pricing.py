"""A bookmaker's commands on one price. PATCH: an override, a hold, or both, as one command; DELETE: the override's end (P1, P2)."""

from __future__ import annotations

import contextlib
import re
from typing import Any
from uuid import UUID

import msgspec

from markets import db, http
from markets.domain.publish import PublishedMarket, PublishedSelection
from markets.domain.values import OverrideKind, Role, Scope
from markets.live import fences
from markets.models import Hold, Override, Selection
from markets.selectors import offer
from markets.services import access, audit, holds, overrides
from markets.services.actor import Actor
from markets.services.errors import NotFound, Refused
from markets.services.idempotency import Answer

from . import payload
from .schemas import PriceOrder

_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')
_NAMES = {"value": "oddValue", "seconds": "durationSeconds"}
"""The services' words for the fields of the contract."""


def check(order: PriceOrder) -> None:
    """P2; raises Refused with every field that lacks something."""
    problems = {}
    if order.oddValue is None and order.suspended is None:
        problems["oddValue"] = "is required unless suspended is given"
    if order.durationSeconds is None and (order.oddValue is not None or order.suspended):
        problems["durationSeconds"] = "is required with oddValue or suspended: true"
    if problems:
        raise Refused("invalid", "; ".join(f"{field} {words}" for field, words in problems.items()), problems)


def version_of(if_match: str | None) -> int | None:
    """``"3"`` → 3; no header or ``*``: no version was named. Raises Refused for anything else."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        words = 'must be a version in quotes, like "3"'
        raise Refused("invalid", f"If-Match {words}", {"If-Match": words})
    return int(found[1])


class Place(msgspec.Struct, frozen=True):
    """Whose price: row ids of what the address names."""

    bookmaker: UUID
    fixture: int
    selection: int


def selection_id(fixture_id: int, group: str, odd_key: str) -> int:
    """The row id of ``market#outcome`` in a group of a fixture. Raises NotFound where there is none, Refused for what is no such key."""
    market, sign, outcome = odd_key.partition("#")
    if not (market and sign and outcome) or "\0" in odd_key:
        words = "must be market#outcome, as in odds"
        raise Refused("invalid", f"oddKey: {words}", {"oddKey": words})
    rows = Selection.objects.filter(market__fixture=fixture_id, market__type__odd_group=group)
    found = rows.filter(market__key=market[:200], key=outcome[:200]).values_list("id", flat=True).first()
    if found is None:
        raise NotFound
    return found


def apply(actor: Actor, place: Place, order: PriceOrder, version: int | None) -> Answer:
    """Do it and answer with the entry as it is then. Call inside a transaction. Raises what the services raise, in the contract's words.

    A key cannot be asked whether it means it, so the soft limit is confirmed; the hard limit refuses as for everybody.
    """
    try:
        with audit.one_command():
            hold = _do(actor, place.bookmaker, place.selection, order, version)
    except Refused as refused:
        fields = {_NAMES.get(field, field): words for field, words in refused.fields.items()}
        raise Refused(refused.code, refused.words, fields) from refused
    return Answer(200, entry(place, hold, priced=order.oddValue is not None))


def end(actor: Actor, place: Place, version: int | None) -> Answer:
    """End the override in effect and answer with what there is then. Ending what has ended changes nothing, whatever the version was.

    Call inside a transaction. Raises NotFound, Forbidden, Conflict.
    """
    access.bookmaker(actor, place.bookmaker, Role.TRADER)
    if _overridden(place):
        with contextlib.suppress(NotFound):  # its time may end in between
            overrides.cancel(actor, place.bookmaker, place.selection, version)
    return Answer(200, entry(place, None, priced=False))


def _overridden(place: Place) -> bool:
    rows = Override.objects.filter(bookmaker=place.bookmaker, selection=place.selection, ended_at=None, ends_at__gt=db.now())
    return rows.exists()


def _do(actor: Actor, bookmaker_id: UUID, selection: int, order: PriceOrder, version: int | None) -> int | None:
    """The row id of the hold where the order asks for one."""
    if order.oddValue is not None:
        _price(actor, bookmaker_id, selection, order, version)
        version = None  # it was compared, and is one higher now
    if order.suspended:
        return _suspend(actor, bookmaker_id, selection, order, version)
    if order.suspended is False and (order.oddValue is None or _holds(actor, bookmaker_id, selection)):
        holds.resume(_as_trader(actor, bookmaker_id), bookmaker_id, Scope.SELECTION, str(selection), version)
    return None


def _price(actor: Actor, bookmaker_id: UUID, selection: int, order: PriceOrder, version: int | None) -> None:
    if order.oddValue is None or order.durationSeconds is None:
        return
    overrides.set_override(
        actor,
        bookmaker_id,
        selection,
        kind=OverrideKind.PRICE,
        value=order.oddValue,
        seconds=order.durationSeconds,
        reason=order.reason,
        through_points=order.throughPoints,
        version=version,
        confirmed=True,
    )


def _suspend(actor: Actor, bookmaker_id: UUID, selection: int, order: PriceOrder, version: int | None) -> int:
    made = holds.suspend(
        _as_trader(actor, bookmaker_id),
        bookmaker_id,
        Scope.SELECTION,
        str(selection),
        seconds=order.durationSeconds,
        reason=order.reason,
        version=version,
    )
    return made.id


def _holds(actor: Actor, bookmaker_id: UUID, selection: int) -> bool:
    own = Hold.objects.filter(bookmaker=bookmaker_id, owner=actor.id, released_at=None)
    return own.filter(scope=Scope.SELECTION.value, target=str(selection)).exists()


def _as_trader(actor: Actor, bookmaker_id: UUID) -> Actor:
    """A supervisor's resume would free others' holds too; this door frees the caller's own only (P2)."""
    if not actor.may(bookmaker_id, Role.TRADER):
        return actor
    return msgspec.structs.replace(actor, staff=False, roles={bookmaker_id: Role.TRADER})


def entry(place: Place, hold: int | None, *, priced: bool) -> dict[str, Any]:
    """What the command made, as plain JSON: its ``hold`` (row id), with the price where it ``priced``; else what there is now."""
    found = offer.offers(place.bookmaker, [place.fixture], ears=fences.ears()).get(place.fixture)
    if found is None:
        raise NotFound
    market, published = next((m, s) for m in found.published for s in m.selections if s.id == place.selection)
    shown = _shown(found, market, published, hold, priced=priced)
    plain: dict[str, Any] = msgspec.json.decode(http.encode({**shown, "version": published.version}))
    return plain


def _shown(found: offer.Offer, market: PublishedMarket, published: PublishedSelection, hold: int | None, *, priced: bool) -> payload.Json:
    """An override before a hold; one without either when both are gone."""
    override, held = payload.override_entry(found, market, published), payload.hold_entries(found, market, published)
    if hold in held:
        return {**held[hold], "oddValue": override["oddValue"] if priced and override else None}
    gone = {"oddKey": f"{market.key}#{published.key}", "oddValue": None, "suspended": False, "endsAt": None, "by": "", "reason": ""}
    return override or next(iter(held.values()), gone)
