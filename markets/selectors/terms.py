"""What a bookmaker's people decided: margin, limits, overrides, holds, confirmations."""

# ruff: noqa: S608 -- only this module's own names are put into the SQL; every value travels as a parameter

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from msgspec import Struct

from markets.domain.fences import Policy
from markets.domain.pricing import Override
from markets.domain.publish import Terms
from markets.domain.rules import Confirmation, Hold, Limits, Reopening
from markets.domain.values import OverrideKind

from .bundle import NO_ID, Arm, Dialect, by_kind, marks, of, read

Kinds = Mapping[str, list[tuple[int, str]]]


class FixtureTerms(Struct, frozen=True):
    """One bookmaker's side of one fixture. ``bookmaker``: whose, so that its people are told what is for them only (E1).

    ``holds``: every unreleased hold that can reach the fixture, the bookmaker's and staff's (wide ones too; the gate matches them).
    ``confirmations``: the newest of each thing confirmed, of this bookmaker or of staff. ``bookmaker_revision`` never goes down.
    ``points``: what it decided about point feeds; ``points_confirmations``: words on the match that the fixture is bound to.
    """

    terms: Terms
    holds: tuple[Hold, ...]
    confirmations: tuple[Confirmation, ...]
    bookmaker_revision: int
    limits: Limits
    demo: bool = False
    points: Policy = Policy()
    points_confirmations: tuple[Confirmation, ...] = ()
    bookmaker: UUID | None = None


def load(bookmaker_id: UUID, fixture_ids: Collection[int], using: str = "default") -> dict[int, FixtureTerms]:
    """Fixture id → terms, for every id asked; empty when the bookmaker does not exist. One query."""
    ids = tuple(fixture_ids)
    return from_rows(by_kind(read(using, *arms(bookmaker_id, ids, using))), ids)


class _Bookmaker(Struct, frozen=True):
    id: UUID
    margin: Decimal
    low: Decimal
    high: Decimal
    demo: int | bool
    revision: int
    breaks: str


class _Override(Struct, frozen=True):
    id: int
    selection_id: int
    kind: OverrideKind
    value: Decimal
    set_at: datetime
    confirmed_at: datetime | None
    ends_at: datetime
    by: str
    reason: str
    through: int | bool
    owner: str


class _Reopening(Struct, frozen=True):
    type_id: str
    name: str
    seconds: Decimal


class _Version(Struct, frozen=True):
    selection_id: int
    version: int


_bookmaker = msgspec.json.Decoder(_Bookmaker)
_override = msgspec.json.Decoder(_Override)
_breaks = msgspec.json.Decoder(frozenset[str])
_reopening = msgspec.json.Decoder(_Reopening)
_version = msgspec.json.Decoder(_Version)
_revision = msgspec.json.Decoder(int)
_hold = msgspec.json.Decoder(Hold)
_confirmation = msgspec.json.Decoder(Confirmation)


def arms(bookmaker_id: UUID, fixture_ids: Collection[int], using: str) -> list[Arm]:
    """Rows of several kinds (``bookmaker``, ``revision``, ``override`` …), each owned by a fixture, or by 0 for all."""
    d = Dialect(using)
    ids = tuple(fixture_ids) or NO_ID
    own = d.uuid(bookmaker_id)
    return [
        _bookmaker_arm(d, own),
        Arm(
            f"SELECT 'revision', r.fixture_id, {d.text('r.revision')} FROM markets_bookmakerfixture r"
            f" WHERE r.bookmaker_id = %s AND r.fixture_id IN ({marks(ids)})",
            (own, *ids),
        ),
        _override_arm(d, own, ids),
        _version_arm(d, own, ids),
        _hold_arm(d, own, ids),
        _confirmation_arm(d, own, ids),
        _points_confirmation_arm(d, own, ids),
        _required_arm(own, ids),
        _reopening_arm(d, own, ids),
    ]


def _bookmaker_arm(d: Dialect, own: object) -> Arm:
    body = d.json(
        id=d.text("b.id"),
        margin="b.margin_percent",
        low="b.low_price",
        high="b.high_price",
        demo="b.demo",
        revision="b.revision",
        breaks=d.text("b.open_in_breaks"),
    )
    return Arm(f"SELECT 'bookmaker', 0, {body} FROM markets_bookmaker b WHERE b.id = %s", (own,))


def _override_arm(d: Dialect, own: object, ids: tuple[int, ...]) -> Arm:
    body = d.json(
        **of("o", "id", "selection_id", "kind", "value", "by", "reason", "owner"),
        set_at=d.time("o.set_at"),
        confirmed_at=d.time("o.confirmed_at"),
        ends_at=d.time("o.ends_at"),
        through="o.through_points",
    )
    where = f"o.bookmaker_id = %s AND o.ended_at IS NULL AND o.fixture_id IN ({marks(ids)})"
    return Arm(f"SELECT 'override', o.fixture_id, {body} FROM markets_override o WHERE {where}", (own, *ids))


def _version_arm(d: Dialect, own: object, ids: tuple[int, ...]) -> Arm:
    body = d.json(selection_id="v.selection_id", version="v.version")
    joined = "markets_selectionbook v JOIN markets_selection s ON s.id = v.selection_id JOIN markets_market m ON m.id = s.market_id"
    where = f"v.bookmaker_id = %s AND m.fixture_id IN ({marks(ids)})"
    return Arm(f"SELECT 'version', m.fixture_id, {body} FROM {joined} WHERE {where}", (own, *ids))


def _hold_arm(d: Dialect, own: object, ids: tuple[int, ...]) -> Arm:
    body = d.json(
        **of("h", "id", "scope", "target", "by", "reason"),
        owner="h.owner_kind",
        since=d.time("h.since"),
        ends_at=d.time("h.ends_at"),
        bookmaker=d.text("h.bookmaker_id"),
    )
    where = (
        f"h.released_at IS NULL AND (h.bookmaker_id = %s OR h.bookmaker_id IS NULL)"
        f" AND (h.fixture_id IS NULL OR h.fixture_id IN ({marks(ids)}))"
    )
    return Arm(f"SELECT 'hold', COALESCE(h.fixture_id, 0), {body} FROM markets_hold h WHERE {where}", (own, *ids))


def _confirmation_arm(d: Dialect, own: object, ids: tuple[int, ...]) -> Arm:
    """The newest word on each thing is enough: what an older one opened, it opens too."""
    return _words_arm("confirmation", "f.id", "markets_fixture f", _Asked(d, own, ids))


def _points_confirmation_arm(d: Dialect, own: object, ids: tuple[int, ...]) -> Arm:
    """The same of the match that a fixture is bound to, and of its feed."""
    bound = "markets_binding b JOIN markets_fixture f ON f.id = b.points_id AND b.ended_at IS NULL"
    return _words_arm("points-confirmation", "b.fixture_id", bound, _Asked(d, own, ids))


class _Asked(Struct, frozen=True):
    """By whom and for which fixtures."""

    d: Dialect
    own: object
    ids: tuple[int, ...]


def _words_arm(kind: str, owner: str, fixtures: str, asked: _Asked) -> Arm:
    """Words on ``fixtures``, whose alias is ``f``; each belongs to the fixture ``owner``."""
    d = asked.d
    body = d.json(at=d.time("MAX(c.at)"), fixture_id="c.fixture_id", market_id="c.market_id", gap_id="c.gap_id")
    joined = (
        f"{fixtures} JOIN markets_confirmation c ON c.source_id = f.source_id AND (c.fixture_id IS NULL OR c.fixture_id = f.id)"
        " LEFT JOIN markets_gap g ON g.id = c.gap_id"
    )
    where = (
        f"{owner} IN ({marks(asked.ids)}) AND (c.bookmaker_id = %s OR c.bookmaker_id IS NULL) AND (c.gap_id IS NULL OR g.closed_at IS NULL)"
    )
    grouped = f"{owner}, c.fixture_id, c.market_id, c.gap_id"
    return Arm(f"SELECT '{kind}', {owner}, {body} FROM {joined} WHERE {where} GROUP BY {grouped}", (*asked.ids, asked.own))


def _required_arm(own: object, ids: tuple[int, ...]) -> Arm:
    """Fixtures of a sport whose in-play markets need a point feed (A13)."""
    joined = "markets_fixture f JOIN markets_bookmaker_point_sports p ON p.sport_id = f.sport_id"
    where = f"p.bookmaker_id = %s AND f.id IN ({marks(ids)})"
    return Arm(f"SELECT 'required', f.id, '1' FROM {joined} WHERE {where}", (own, *ids))


def _reopening_arm(d: Dialect, own: object, ids: tuple[int, ...]) -> Arm:
    body = d.json(type_id="t.ref", name="t.name", seconds="r.seconds")
    joined = (
        "markets_reopenrule r JOIN markets_markettype t ON t.id = r.type_id JOIN markets_source s ON s.provider = t.provider"
        " JOIN markets_fixture f ON f.source_id = s.id"
    )
    where = f"r.bookmaker_id = %s AND f.id IN ({marks(ids)})"
    return Arm(f"SELECT 'reopening', f.id, {body} FROM {joined} WHERE {where}", (own, *ids))


def from_rows(kinds: Kinds, fixture_ids: Collection[int]) -> dict[int, FixtureTerms]:
    """Terms of each fixture from the rows of :func:`arms`."""
    if not (found := kinds.get("bookmaker")):
        return {}
    bookmaker = _bookmaker.decode(found[0][1])
    decided = _Decided(kinds)
    return {fixture_id: decided.terms(bookmaker, fixture_id) for fixture_id in fixture_ids}


class _Decided:
    """The rows decoded and put beside the fixture they belong to; 0 stands for every fixture."""

    def __init__(self, kinds: Kinds) -> None:
        self.revisions = {owner: _revision.decode(body) for owner, body in kinds.get("revision", ())}
        self.overrides = _grouped(kinds, "override", _override)
        self.versions = _grouped(kinds, "version", _version)
        self.holds = _grouped(kinds, "hold", _hold)
        self.confirmations = _grouped(kinds, "confirmation", _confirmation)
        self.points_confirmations = _grouped(kinds, "points-confirmation", _confirmation)
        self.required = {owner for owner, _ in kinds.get("required", ())}
        self.reopenings = _grouped(kinds, "reopening", _reopening)

    def terms(self, bookmaker: _Bookmaker, fixture_id: int) -> FixtureTerms:
        overrides = {o.selection_id: _to_domain(o) for o in self.overrides.get(fixture_id, ())}
        versions = {v.selection_id: v.version for v in self.versions.get(fixture_id, ())}
        return FixtureTerms(
            terms=Terms(bookmaker.margin, overrides, versions),
            holds=(*self.holds.get(0, ()), *self.holds.get(fixture_id, ())),
            confirmations=tuple(self.confirmations.get(fixture_id, ())),
            bookmaker_revision=bookmaker.revision + self.revisions.get(fixture_id, 0),
            limits=Limits(bookmaker.low, bookmaker.high),
            demo=bool(bookmaker.demo),
            points=self._policy(bookmaker, fixture_id),
            points_confirmations=tuple(self.points_confirmations.get(fixture_id, ())),
            bookmaker=bookmaker.id,
        )

    def _policy(self, bookmaker: _Bookmaker, fixture_id: int) -> Policy:
        return Policy(
            required=fixture_id in self.required,
            open_in_breaks=_breaks.decode(bookmaker.breaks or "[]"),
            reopenings=tuple(
                Reopening(r.type_id, r.name, timedelta(seconds=float(r.seconds))) for r in self.reopenings.get(fixture_id, ())
            ),
            tolerance=timedelta(milliseconds=settings.DESK_POINT_SLACK_MS),
        )


T = TypeVar("T")


def _grouped(kinds: Kinds, kind: str, decoder: msgspec.json.Decoder[T]) -> dict[int, list[T]]:
    groups: dict[int, list[T]] = {}
    for owner, body in kinds.get(kind, ()):
        groups.setdefault(owner, []).append(decoder.decode(body))
    return groups


def _to_domain(row: _Override) -> Override:
    return Override(
        id=row.id,
        kind=row.kind,
        value=row.value,
        set_at=row.set_at,
        confirmed_at=row.confirmed_at,
        ends_at=row.ends_at,
        by=row.by,
        reason=row.reason,
        through_points=bool(row.through),
        owner_id=row.owner,
    )
