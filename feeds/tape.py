"""A raw log on disk, and its replay into an empty desk (promise B6).

The file is gzipped JSON lines: a header with the feeds' settings, then one frame a line, bodies in base64, in the order of application.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
from django.db import transaction
from django.db.models import Case, DateTimeField, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Greatest
from msgspec import Struct

from markets import db
from markets.domain.values import Outcome
from markets.models import Source
from markets.services import sources

from .connection import passes
from .keeping import clean, lane_of, number
from .models import Feed, Frame, ReceivedCount
from .registry import REGISTRY
from .settle import Read, Row, facts_of, read, settle

FORMAT = "tradingdesk raw log 1"
_AT_ONCE = 64
_BYTES_AT_ONCE = 4 * 1024 * 1024
_SLOT = 64  # beyond those of receiving processes


class TapedFeed(Struct, frozen=True):
    """What decides how a feed's frames are applied."""

    slug: str
    provider: str
    name: str
    lease_seconds: float
    coverage_expected: bool
    order_contiguous: bool
    simulated: bool


class Header(Struct, frozen=True):
    format: str
    feeds: list[TapedFeed]


class Taped(Struct, frozen=True):
    """One frame, times as the first desk knew them. ``jumped``: applied though those before it in its stream never came."""

    feed: str
    received_at: datetime
    kept_at: datetime
    content_type: str
    peer: str
    body: bytes
    stream: str = ""
    jumped: bool = False


class NotEmpty(Exception):
    """The desk has fixtures or frames of a feed of the tape; the words name it."""


class NoTape(Exception):
    """The file is no raw log of this version."""


_header = msgspec.json.Decoder(Header)
_taped = msgspec.json.Decoder(Taped)


def export(path: Path, slug: str = "") -> int:
    """Write the raw log of one feed, or of all, to ``path``; how many frames. Frames without outcome come last."""
    feeds = Source.objects.filter(slug=slug) if slug else Source.objects.order_by("slug")
    known = {source.pk: source for source in feeds}
    ids = list(_in_order_of_application(Frame.objects.filter(source_id__in=known)).values_list("id", flat=True))
    with gzip.open(path, "wb", compresslevel=5) as tape:
        tape.write(msgspec.json.encode(Header(FORMAT, [_feed(source) for source in known.values()])) + b"\n")
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            rows = Frame.objects.in_bulk(some)
            tape.writelines(msgspec.json.encode(_frame(rows[id_], known)) + b"\n" for id_ in some if id_ in rows)
    return len(ids)


def _in_order_of_application(frames: QuerySet[Frame]) -> QuerySet[Frame]:
    """A repeat comes after the first frame of its guid, which may have been parked when the repeat was found."""
    repeats = Q(outcome__in=(Outcome.DUPLICATE, Outcome.QUARANTINED)) & ~Q(stream="")
    applied = Frame.objects.filter(
        source_id=OuterRef("source_id"), guid=OuterRef("guid"), outcome__in=(Outcome.APPLIED, Outcome.SUPERSEDED)
    )
    first = Coalesce(Subquery(applied.order_by("id").values("applied_at")[:1]), "applied_at")
    at = Case(When(repeats, then=Greatest("applied_at", first)), default="applied_at", output_field=DateTimeField())
    return frames.order_by(at.asc(nulls_last=True), "id")


def _feed(source: Source) -> TapedFeed:
    return TapedFeed(**{name: getattr(source, name) for name in TapedFeed.__struct_fields__})


def _frame(row: Frame, of: Mapping[int, Source]) -> Taped:
    jumped = row.parked and row.outcome is not None
    slug, body = of[row.source_id].slug, bytes(row.body)
    return Taped(slug, row.received_at, row.kept_at, row.content_type, row.peer, body, row.stream, jumped)


def replay(path: Path) -> list[Source]:
    """Keep and apply every frame of the tape, in its order, as the receiver and the drains would; the feeds it filled.

    Raises :class:`NotEmpty` before anything is written and :class:`NoTape` for another file.
    """
    with gzip.open(path, "rb") as tape:
        try:
            header = _header.decode(tape.readline())
        except (msgspec.DecodeError, gzip.BadGzipFile) as error:
            raise NoTape(f"{path} is no raw log") from error
        if header.format != FORMAT:
            raise NoTape(f"{path} has the format {header.format!r}, not {FORMAT!r}")
        of = {source.slug: source for source in _sources(header.feeds)}
        for batch in _batches(_taped.decode(line) for line in tape):
            _replay(batch, of)
    return list(of.values())


def _sources(feeds: Iterable[TapedFeed]) -> list[Source]:
    slugs = [feed.slug for feed in feeds]
    filled = Source.objects.filter(slug__in=slugs, fixtures__isnull=False).values_list("slug", flat=True).first()
    filled = filled or Frame.objects.filter(source__slug__in=slugs).values_list("source__slug", flat=True).first()
    if filled:
        raise NotEmpty(f"the desk already holds what the feed {filled} sent; replay into an empty one")
    return [_source(feed) for feed in feeds]


def _source(feed: TapedFeed) -> Source:
    """Without secrets: nobody can push to it until an operator gives it one."""
    source, _ = Source.objects.update_or_create(slug=feed.slug, defaults=msgspec.structs.asdict(feed))
    sources.register(source)
    Feed.objects.get_or_create(source=source)
    return source


def _batches(frames: Iterable[Taped]) -> Iterator[list[Taped]]:
    batch: list[Taped] = []
    size = 0
    for one in frames:
        if batch and (len(batch) == _AT_ONCE or size + len(one.body) > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one.body)
    if batch:
        yield batch


def _replay(batch: list[Taped], of: dict[str, Source]) -> None:
    """One transaction: a frame of the tape is not pending, so no drain meets it, unless it waited in its first desk too."""
    try:
        _keep_and_settle(batch, of, careful=False)
    except Exception as error:
        if passes(error):
            raise
        _keep_and_settle(batch, of, careful=True)


def _keep_and_settle(batch: list[Taped], of: dict[str, Source], *, careful: bool) -> None:
    with transaction.atomic():
        rows = [_kept(one, of[one.feed]) for one in batch]
        by_id = {source.pk: facts_of(source) for source in of.values()}
        reads = [_in_lane(read(row, by_id[row.source_id].provider)) for row in rows]
        jumped = {row.id for row, one in zip(rows, batch, strict=True) if one.jumped}
        settle(reads, by_id, db.now(), careful=careful, live=False, jumped=jumped)


def _kept(one: Taped, source: Source) -> Row:
    hint = REGISTRY[source.provider].hint(one.body[:4096], one.stream)
    guid, fixture = clean(hint.guid, 64), clean(hint.fixture_ref, 64)
    lane, day = lane_of(source.pk, fixture), one.kept_at.date()
    frame = Frame.objects.create(
        day=day, source=source, lane=lane, received_at=one.received_at, kept_at=one.kept_at, content_type=one.content_type, peer=one.peer,
        size=len(one.body), body=one.body, hint_guid=guid, hint_fixture=fixture, hint_seq=number(hint), guid=guid, fixture_ref=fixture,
        stream=one.stream, parked=one.jumped,
    )  # fmt: skip
    ReceivedCount.objects.get_or_create(source=source, slot=_SLOT)
    ReceivedCount.objects.filter(source=source, slot=_SLOT).update(received=F("received") + 1)
    return Row(frame.pk, day, source.pk, lane, one.kept_at, guid, fixture, one.body, one.stream)


def _in_lane(one: Read) -> Read:
    right = lane_of(one.row.source_id, one.fixture_ref)
    if one.message is None or right == one.row.lane:
        return one
    Frame.objects.filter(pk=one.row.id).update(lane=right)
    return msgspec.structs.replace(one, row=msgspec.structs.replace(one.row, lane=right))
