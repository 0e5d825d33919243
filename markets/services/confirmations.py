"""Confirm re-opening: a person's audited word, after seeing what it opens and at which prices (promise A5 iii).

The list and the confirmation share one time: what went wrong after ``as_of`` was not seen and is not confirmed.

Confirming a fixture that is bound to a point feed's match confirms the gaps of that match with it: one word, one record. A gap of a
match can be confirmed by itself too; what opens then are the prices of the fixture bound to it. One market alone cannot be confirmed
past a gap of the match: it holds all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Q
from msgspec import Struct

from markets import db
from markets.domain import facts as tennis_facts
from markets.domain import fences, publish, rules
from markets.domain.heard import DEAF, Ears
from markets.domain.sports.tennis import closed_words, score_words
from markets.domain.values import Phase, Role
from markets.models import Binding, Bookmaker, Confirmation, Fixture, Gap, PointState, Source
from markets.selectors import offer

from . import access, audit, doorbell, revisions, sources
from .actor import Actor
from .errors import NotFound, Refused
from .typed import problem

LISTED = 500
MOST_FIXTURES = 12
BATCH = 50
FRESH = timedelta(minutes=5)
BETWEEN_POINTS = "in progress, between points"


class Target(Struct, frozen=True):
    """What is confirmed: a market, a fixture or a whole feed (one row id), or one gap (``gap`` alone, or of one fixture or market)."""

    source: int | None = None
    fixture: int | None = None
    market: int | None = None
    gap: int | None = None


class Opening(Struct, frozen=True):
    """One selection that would become tradable, and at which price."""

    bookmaker_id: UUID
    bookmaker: str
    fixture_id: int
    fixture: str
    market_id: int
    market: str
    selection_id: int
    selection: str
    price: Decimal


class WouldOpen(Struct, frozen=True):
    """``as_of``: hand it back to :func:`confirm`, so that nothing later is confirmed unseen. ``cut``: more than is listed.

    ``fixtures``: row ids of those that are named or open, the first few. ``unbound``: matches that were named and are bound to no fixture,
    so that nothing opens by them. ``whole``: a gap of a match is confirmed with it, so no market can be chosen alone.
    """

    as_of: datetime
    openings: tuple[Opening, ...]
    cut: bool = False
    fixtures: tuple[int, ...] = ()
    unbound: tuple[str, ...] = ()
    whole: bool = False


class _Place(Struct, frozen=True):
    """A target found in the store, with everything that a confirmation of it names.

    ``of_match``: gaps of the match that the fixture is bound to, confirmed with it.
    """

    source_id: int
    words: str
    fixture_id: int | None = None
    market_id: int | None = None
    gap: Gap | None = None
    of_match: tuple[_Place, ...] = ()

    def word(self, at: datetime) -> rules.Confirmation:
        """As the gate will read it."""
        return rules.Confirmation(at, self.fixture_id, self.market_id, self.gap.pk if self.gap else None)


def would_open(actor: Actor, bookmaker_id: UUID | None, targets: Sequence[Target], *, ears: Ears = DEAF) -> WouldOpen:
    """What :func:`confirm` of these would open now, for one bookmaker or (None; staff) for every one; changes nothing.

    ``ears``: what was announced to this process; without them nothing of a fixture bound to a point feed's match is listed.
    Raises NotFound, Forbidden, Refused for a target that names nothing.
    """
    bookmaker, as_of = _may_confirm(actor, bookmaker_id), db.now()
    places = [_find(bookmaker, t) for t in targets]
    found = _list(bookmaker, places, as_of, ears)
    alone = [msgspec.structs.replace(place, of_match=()) for place in places]
    with_match = any(place.of_match for place in places)
    return msgspec.structs.replace(
        found,
        fixtures=_named_fixtures(bookmaker, places, found),
        unbound=tuple(place.words for place in places if _is_unbound(place)),
        whole=with_match and len(found.openings) > len(_list(bookmaker, alone, as_of, ears).openings),
    )


def confirm(
    actor: Actor,
    bookmaker_id: UUID | None,
    targets: Sequence[Target],
    *,
    as_of: datetime,
    reason: str = "",
    record: Callable[[WouldOpen], None] | None = None,
    ears: Ears = DEAF,
) -> WouldOpen:
    """Confirm what was listed at ``as_of``; one audit record for each target, with what it opened. Returns what opened.

    ``record``: writes the one record instead, in the same transaction, for whom confirming is a part of something larger.
    Raises Refused when the list is older than five minutes or for one market that its match's gap holds, NotFound, Forbidden.
    """
    bookmaker = _may_confirm(actor, bookmaker_id)
    _check_age(as_of, reason)
    places = [_find(bookmaker, t) for t in targets]
    lists = [_list(bookmaker, [place], as_of, ears) for place in places]
    for place, opens in zip(places, lists, strict=True):
        _refuse_alone(bookmaker, place, opens, ears)
    openings = {(o.bookmaker_id, o.selection_id): o for opens in lists for o in opens.openings}
    opened = WouldOpen(as_of, tuple(openings.values()), any(opens.cut for opens in lists))
    with transaction.atomic():
        for place, opens in zip(places, lists, strict=True):
            _write(actor, bookmaker, place, opens, reason.strip())
            if record is None:
                _record(actor, bookmaker, place, opens, reason.strip())
        if record is not None:
            record(opened)
    return opened


def _refuse_alone(bookmaker: Bookmaker | None, place: _Place, opens: WouldOpen, ears: Ears) -> None:
    """A market that opens only when the gap of its match is confirmed too."""
    if place.market_id is None or opens.openings or place.fixture_id is None:
        return
    with_match = msgspec.structs.replace(place, of_match=_gaps_of_match(place.fixture_id))
    if with_match.of_match and _list(bookmaker, [with_match], opens.as_of, ears).openings:
        words = "what holds it is a gap of its match: confirm the whole fixture"
        raise Refused("match", words, {"market": words})


def _may_confirm(actor: Actor, bookmaker_id: UUID | None) -> Bookmaker | None:
    if bookmaker_id is None:
        access.staff(actor)
        return None
    return access.bookmaker(actor, bookmaker_id, Role.TRADER)


def _check_age(as_of: datetime, reason: str) -> None:
    now = db.now()
    if not now - FRESH <= as_of <= now:
        raise Refused("stale", "the list is too old: look again at what would open", {"as_of": "look again"})
    if words := problem(reason):
        raise Refused("invalid", words, {"reason": words})


def _find(of: Bookmaker | None, target: Target) -> _Place:
    gap = _gap(of, target.gap) if target.gap is not None else None
    if target.market is not None:
        market = access.market(of, target.market)
        return _checked(_Place(market.fixture.source_id, f"{market.fixture} · {market.name}", market.fixture_id, market.pk, gap))
    fixture_id = target.fixture if target.fixture is not None else (gap.fixture_id if gap else None)
    if fixture_id is not None:
        fixture = access.fixture(of, fixture_id)
        of_match = () if gap else _gaps_of_match(fixture.pk)
        return _checked(_Place(fixture.source_id, str(fixture), fixture.pk, None, gap, of_match))
    return _feed(of, target.source if target.source is not None else (gap.source_id if gap else None), gap)


def _gaps_of_match(fixture_id: int) -> tuple[_Place, ...]:
    """Every gap that holds the match to which the fixture is bound, each by its name: a quarantined packet is meant as well."""
    binding = Binding.objects.filter(fixture=fixture_id, ended_at=None).select_related("points__source").first()
    if binding is None:
        return ()
    match = binding.points
    open_gaps = Gap.objects.filter(Q(fixture=None) | Q(fixture=match.pk), source=match.source_id, closed_at=None).order_by("pk")
    return tuple(_Place(match.source_id, str(match), match.pk, None, gap) for gap in open_gaps)


def _feed(of: Bookmaker | None, source_id: int | None, gap: Gap | None) -> _Place:
    if source_id is None:
        raise Refused("invalid", "say what to confirm", {"target": "a feed, a fixture, a market or a gap"})
    source = Source.objects.filter(pk=source_id).first()
    if source is None or (of and not of.demo and source.simulated):
        raise NotFound
    return _checked(_Place(source.pk, f"feed {source.name}", gap=gap))


def _gap(of: Bookmaker | None, gap_id: int) -> Gap:
    found = Gap.objects.select_related("source").filter(pk=gap_id, closed_at=None).first()
    if found is None or (of and not of.demo and found.source.simulated):
        raise NotFound
    return found


def _checked(place: _Place) -> _Place:
    """A gap belongs to the same feed, and to the same fixture where it has one."""
    gap = place.gap
    if gap and (gap.source_id != place.source_id or gap.fixture_id not in (None, place.fixture_id)):
        raise NotFound
    return place


def _list(bookmaker: Bookmaker | None, places: Sequence[_Place], as_of: datetime, ears: Ears) -> WouldOpen:
    bookmakers = [bookmaker] if bookmaker else list(Bookmaker.objects.order_by("name"))
    found = list(islice((o for b in bookmakers for o in _openings(b, places, as_of, ears)), LISTED + 1))
    return WouldOpen(as_of, tuple(found[:LISTED]), len(found) > LISTED)


def _named_fixtures(bookmaker: Bookmaker | None, places: Sequence[_Place], found: WouldOpen) -> tuple[int, ...]:
    """Of a whole feed only those that open; a match by the fixture that is bound to it."""
    named = [p for p in places if p.fixture_id is not None]
    reached = Fixture.objects.filter(pk__in=_fixture_ids(bookmaker, named)) if named else Fixture.objects.none()
    ids = reached.exclude(source__provider__in=fences.SPORTS).order_by("pk").values_list("pk", flat=True)
    return tuple(dict.fromkeys((*(o.fixture_id for o in found.openings), *ids)))[:MOST_FIXTURES]


def _is_unbound(place: _Place) -> bool:
    if place.fixture_id is None or not Fixture.objects.filter(pk=place.fixture_id, source__provider__in=fences.SPORTS).exists():
        return False
    return not Binding.objects.filter(points=place.fixture_id, ended_at=None).exists()


def _openings(bookmaker: Bookmaker, places: Sequence[_Place], as_of: datetime, ears: Ears) -> Iterator[Opening]:
    named = [place for p in places for place in (p, *p.of_match)]
    ids = _fixture_ids(bookmaker, named)
    for start in range(0, len(ids), BATCH):
        for each in offer.offers(bookmaker.pk, ids[start : start + BATCH], ears=ears).values():
            yield from _newly_open(bookmaker, each, named, as_of)


def _fixture_ids(bookmaker: Bookmaker | None, places: Sequence[_Place]) -> list[int]:
    """The fixtures that the places reach, of a whole feed all that can open; a match stands for the fixture bound to it."""
    seen = access.fixtures(bookmaker)
    named = {p.fixture_id for p in places if p.fixture_id is not None}
    feeds = {p.source_id for p in places if p.fixture_id is None}
    bound = Binding.objects.filter(Q(points__in=named) | Q(points__source__in=feeds), ended_at=None)
    reached = set(seen.filter(Q(pk__in=named) | Q(pk__in=bound.values("fixture"))).values_list("pk", flat=True))
    if feeds:
        alive = seen.filter(source_id__in=feeds, total_odds__gt=0).exclude(phase=Phase.FINISHED.value)
        reached |= set(alive.values_list("pk", flat=True))
    return sorted(reached)


def _newly_open(bookmaker: Bookmaker, now: offer.Offer, places: Sequence[_Place], as_of: datetime) -> Iterator[Opening]:
    """Publish again as though the words had been given, and compare."""
    then = publish.publish(now.snapshot.markets, now.terms.terms, _as_confirmed(now, places, as_of))
    rows = {row.id: row for row in now.snapshot.markets}
    for before, after in zip(now.published, then, strict=True):
        open_already = {s.id for s in before.selections if s.tradable}
        for s in after.selections:
            if s.tradable and s.id not in open_already and s.price is not None:
                name = rows[after.id].facts.market.name
                yield Opening(bookmaker.pk, bookmaker.name, now.snapshot.id, now.snapshot.name, after.id, name, s.id, s.name, s.price)


def _as_confirmed(now: offer.Offer, places: Sequence[_Place], as_of: datetime) -> rules.Circumstances:
    own = tuple(p.word(as_of) for p in places if p.source_id == now.snapshot.source_id)
    match = now.signs.points
    of_match = tuple(p.word(as_of) for p in places if match is not None and p.source_id == match.source_id)
    signs = msgspec.structs.replace(now.signs, confirmations=(*now.signs.confirmations, *of_match))
    return msgspec.structs.replace(
        now.around,
        confirmations=(*now.around.confirmations, *own),
        fence=fences.fence(signs, now.terms.points, now.now),
    )


def _write(actor: Actor, bookmaker: Bookmaker | None, place: _Place, opens: WouldOpen, reason: str) -> None:
    for each in (place, *place.of_match):
        Confirmation.objects.create(
            bookmaker=bookmaker,
            source_id=each.source_id,
            fixture_id=each.fixture_id,
            market_id=each.market_id,
            gap=each.gap,
            at=opens.as_of,
            by=actor.name[:150],
        )
        if bookmaker is None:
            _close_gaps(actor, each, opens.as_of, reason)
    _tell(bookmaker, place)


def _record(actor: Actor, bookmaker: Bookmaker | None, place: _Place, opens: WouldOpen, reason: str) -> None:
    audit.told(
        actor,
        db.now(),
        action="re-opening confirmed",
        bookmaker_id=bookmaker.pk if bookmaker else None,
        fixture_id=place.fixture_id,
        market_id=place.market_id,
        object_words=place.words,
        after={
            "asOf": opens.as_of.isoformat(),
            "opened": [facts(o) for o in opens.openings],
            "more": opens.cut,
            "gap": _gap_id(place),
            **_match_facts(place),
            **({"gapsOfMatch": [_gap_id(p) for p in place.of_match]} if place.of_match else {}),
        },
        reason=reason,
    )


def _match_facts(place: _Place) -> dict[str, Any]:
    """How the match stood that the fixture is bound to."""
    if place.fixture_id is None:
        return {}
    bound = Binding.objects.filter(Q(fixture=place.fixture_id) | Q(points=place.fixture_id), ended_at=None).select_related("points").first()
    if bound is None:
        return {}
    stored = PointState.objects.filter(pk=bound.points_id).values_list("state", flat=True).first()
    match = tennis_facts.tennis_from(stored) if stored else None
    score = score_words(match.score) if match else ""
    return {"match": {"ref": bound.points.ref, "state": closed_words(match) or BETWEEN_POINTS, "score": score}}


def _close_gaps(actor: Actor, place: _Place, as_of: datetime, reason: str) -> None:
    """Confirmed for all, a gap is over. A quarantined message's is not: it ends by retry or dismissal only (B7)."""
    if place.market_id is not None:
        return
    gaps = Gap.objects.filter(source_id=place.source_id, closed_at=None, sticky=False, opened_at__lt=as_of)
    if place.fixture_id is not None:
        gaps = gaps.filter(fixture_id=place.fixture_id)
    if place.gap:
        gaps = gaps.filter(pk=place.gap.pk)
    for gap in gaps:
        sources.close_gap(gap.pk, actor.name, reason or "re-opening confirmed")


def _tell(bookmaker: Bookmaker | None, place: _Place) -> None:
    if place.fixture_id is None:
        revisions.raise_bookmakers(bookmaker.pk if bookmaker else None)
        return
    reached = [place.fixture_id, *Binding.objects.filter(points=place.fixture_id, ended_at=None).values_list("fixture", flat=True)]
    if bookmaker:
        revisions.raise_fixtures((bookmaker.pk, fixture_id) for fixture_id in reached)
    else:
        revisions.raise_bookmakers(None, *(doorbell.fixture(fixture_id) for fixture_id in reached))


def _gap_id(place: _Place) -> int | None:
    return place.gap.pk if place.gap else None


def facts(opening: Opening) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "bookmaker": opening.bookmaker,
        "fixture": opening.fixture,
        "market": opening.market,
        "selection": opening.selection,
        "price": f"{opening.price:.2f}",
    }
