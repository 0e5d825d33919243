"""Give frames their outcomes: read, compare by guid, apply, write down — one transaction (promises B2, B5, B7)."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
from django.db import connections, transaction
from msgspec import Struct

from markets import db
from markets.domain.messages import Message
from markets.domain.sports.tennis import TURN
from markets.domain.values import Outcome
from markets.models import Source, SourceLiveness
from markets.services import audit, ingest, sources, streams

from . import parking
from .connection import passes
from .errors import Unreadable
from .keeping import clean, lane_of
from .models import Frame, MessageGuid
from .nudge import nudge
from .registry import REGISTRY

logger = logging.getLogger(__name__)

SLOW = timedelta(seconds=2)
QUICK = timedelta(seconds=1)
QUIET = timedelta(seconds=3)
_MICROSECOND = timedelta(microseconds=1)
_COMPARED = 16
"""Most quarantined frames that a repeat is compared with."""
_SPELLED_ANEW = 1_000_000
"""Bytes of them that are read whole, for the same content in another spelling; beyond, only equal bytes count as a repeat."""
_EQUAL_BYTES = 16_000_000
"""Bytes of them that are looked at in all."""
_RETRY_DIGITS = 18
"""By how much frames of equal bytes may differ in size: the header's ``Retry`` does not count."""


class Row(Struct, frozen=True):
    """A pending frame as the drain takes it."""

    id: int
    day: date
    source_id: int
    lane: int
    kept_at: datetime
    hint_guid: str
    hint_fixture: str
    body: bytes
    stream: str = ""
    taken_up_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        """Since when it could have been applied."""
        return self.taken_up_at or self.kept_at


COLUMNS = Row.__struct_fields__


def row_of(values: Sequence[Any]) -> Row:
    """A row of ``COLUMNS``, read by the ORM or by a plain query."""
    id_, day, source_id, lane, kept_at, hint_guid, hint_fixture, body, stream, taken_up_at = values
    due = db.utc(taken_up_at) if taken_up_at else None
    return Row(id_, day, source_id, lane, db.utc(kept_at), hint_guid, hint_fixture, bytes(body), stream, due)


class Read(Struct, frozen=True):
    """A frame after the parser: its message, or in ``problem`` why there is none. ``fixture_refs`` may come from the hint then."""

    row: Row
    guid: str
    fixture_refs: tuple[str, ...]
    digest: str
    message: Message | None = None
    problem: str = ""

    @property
    def fixture_ref(self) -> str:
        """The one fixture that it is about; empty where it names none, or several."""
        return self.fixture_refs[0] if len(self.fixture_refs) == 1 else ""


class Verdict(Struct, frozen=True):
    """What became of a frame. ``alarm``: somebody must look at it now. ``reached``: how far its stream has come by it, where it moved."""

    read: Read
    outcome: Outcome
    reason: str = ""
    notes: tuple[str, ...] = ()
    alarm: bool = False
    reached: int | None = None


class SourceFacts(Struct, frozen=True):
    """What settling needs to know of a source; ``markets.services.ingest.SourceLike``."""

    id: int
    slug: str
    name: str
    provider: str
    simulated: bool
    order_contiguous: bool


SOURCE_COLUMNS = SourceFacts.__struct_fields__
Sources = Mapping[int, SourceFacts]


def facts_of(source: Source) -> SourceFacts:
    return SourceFacts(**{name: getattr(source, name) for name in SOURCE_COLUMNS})


def read(row: Row, provider: str) -> Read:
    """Parse one frame. Whatever the parser raises ends here: a frame that cannot be read is an outcome, not an error."""
    protocol = REGISTRY[provider]
    try:
        message = protocol.parse(row.body, row.stream)
        return Read(row, clean(message.guid, 64), _refs(message.fixture_ref), protocol.digest(row.body), message)
    except Unreadable as error:
        return _unreadable(row, provider, error.words, error.guid, _refs(*(error.fixture_refs or (_match_of(row),))))
    except Exception as error:
        logger.exception("frame %d: the reader failed", row.id)
        return _unreadable(row, provider, f"internal error: {type(error).__name__}: {error}", refs=_refs(row.hint_fixture))


def _match_of(row: Row) -> str:
    """The match on whose stream it came; pushed frames are about what the parser could read."""
    return row.hint_fixture if row.stream else ""


def _refs(*said: str) -> tuple[str, ...]:
    return tuple(clean(ref, 64) for ref in said if ref)


def _unreadable(row: Row, provider: str, problem: str, guid: str = "", refs: tuple[str, ...] = ()) -> Read:
    try:
        digest = REGISTRY[provider].digest(row.body)
    except Exception:
        logger.exception("frame %d: no digest", row.id)
        digest = hashlib.sha256(row.body).hexdigest()
    return Read(row, clean(guid, 64), refs, digest, problem=problem)


def settle(
    reads: Sequence[Read],
    of: Sources,
    now: datetime,
    *,
    careful: bool = False,
    live: bool = True,
    jumped: Container[int] = (),
) -> list[Verdict]:
    """Outcomes for frames of one lane, in order, with all that follows from them. Call inside ``transaction.atomic()``.

    A frame beyond a gap of its stream gets none and is parked, unless it is among those of ``jumped`` (row ids), whose gaps are given up.
    ``now``: database time since the lane was taken. ``live``: the frames' age says how far behind the feed is; not so when a person or a
    replay has them applied later.

    Raises what applying raises, having written nothing that outlives the transaction; with ``careful`` every message stands alone, and one
    that cannot be applied is quarantined while the others go on.
    """
    if not reads:
        return []
    repeats = _repeats(reads, of)
    fresh = [one for one in reads if one.row.id not in repeats and one.message is not None]
    applied, beyond = _apply(fresh, of, _Way(careful, jumped))
    settled = [one for one in reads if one.row.id not in beyond]
    verdicts = [repeats.get(one.row.id) or applied.get(one.row.id) or _refused(one) for one in settled]
    _follow(verdicts, of, now)
    _park([one for one in reads if one.row.id in beyond])
    _take_up(verdicts, now)
    if live:
        _watch_age(verdicts, now)
    return verdicts


class _Way(Struct, frozen=True):
    """How to apply: each message alone, and which frames may leave a gap behind them."""

    careful: bool
    jumped: Container[int]


def in_order(reads: Sequence[Read]) -> list[Read]:
    """As they came, but numbered ones of a stream by their numbers: what overtook another within a batch leaves no gap."""
    places: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, one in enumerate(reads):
        if one.row.stream and parking.number_of(one.message) is not None:
            places[one.row.source_id, one.row.stream].append(place)
    ordered = list(reads)
    for own in places.values():
        by_number = sorted((reads[place] for place in own), key=lambda one: parking.number_of(one.message) or 0)
        for place, one in zip(own, by_number, strict=True):
            ordered[place] = one
    return ordered


def _refused(one: Read) -> Verdict:
    return Verdict(one, Outcome.QUARANTINED, one.problem)


# Gaps of streams


def _park(beyond: Sequence[Read]) -> None:
    turns = _turns(beyond)
    parking.park(
        parking.Parked(
            one.row.id,
            one.row.day,
            turns.get(_stream(one), 0) * TURN + number,
            one.guid,
            one.fixture_ref,
            f"number {number} waits for those before it",
        )
        for one in beyond
        if (number := parking.number_of(one.message)) is not None
    )


def _turns(beyond: Sequence[Read]) -> dict[parking.Stream, int]:
    """How often each of their streams was begun anew, where it was."""
    refs: dict[int, set[str]] = defaultdict(set)
    for source_id, ref in map(_stream, beyond):
        refs[source_id].add(ref)
    return {(source_id, ref): turn for source_id, own in refs.items() for ref, turn in streams.turns(source_id, own).items()}


def _stream(one: Read) -> parking.Stream:
    return one.row.source_id, one.row.stream


def _take_up(verdicts: Sequence[Verdict], now: datetime) -> None:
    """Whoever filled a gap makes work of what waited behind it; the drain at hand, or the next, finds it."""
    moved = [verdict for verdict in verdicts if verdict.reached is not None and verdict.read.row.stream]
    reached = {(one.read.row.source_id, one.read.row.stream): one.reached for one in moved if one.reached is not None}
    if reached and parking.take_up(reached, now):
        transaction.on_commit(partial(nudge, {one.read.row.lane for one in moved}))


# Repeats (decision U8)


def _repeats(reads: Sequence[Read], of: Sources) -> dict[int, Verdict]:
    """Verdicts of those whose guid was there before; the others' guids are taken."""
    firsts: dict[tuple[int, str], Read] = {}
    for one in reads:
        if one.guid:
            firsts.setdefault((one.row.source_id, one.guid), one)
    taken = _take_guids(sorted(firsts.items()))
    known = _known_guids(key for key in firsts if key not in taken)
    verdicts: dict[int, Verdict] = {}
    conflicts: dict[tuple[int, str], list[Read]] = defaultdict(list)
    for one in reads:
        key = (one.row.source_id, one.guid)
        if not one.guid or (key in taken and firsts[key] is one):
            continue
        first_id, digest = known.get(key) or (firsts[key].row.id, firsts[key].digest)
        if first_id == one.row.id:
            continue
        verdict = _repeat(one, (first_id, digest), conflicts[key], of[one.row.source_id].provider)
        if verdict.outcome is Outcome.QUARANTINED:
            conflicts[key].append(one)
        verdicts[one.row.id] = verdict
    return verdicts


def _take_guids(firsts: Sequence[tuple[tuple[int, str], Read]]) -> set[tuple[int, str]]:
    """Guids that nobody had: sorted, so that two drains never wait for each other crosswise."""
    if not firsts:
        return set()
    values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(firsts))
    params = [value for key, one in firsts for value in (*key, one.digest, one.row.id, one.row.day)]
    with connections["default"].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO feeds_messageguid (source_id, guid, digest, frame_id, day) VALUES {values}"  # noqa: S608
            " ON CONFLICT (source_id, guid) DO NOTHING RETURNING source_id, guid",
            params,
        )
        return {(source_id, guid) for source_id, guid in cursor.fetchall()}


def _known_guids(keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, str]]:
    by_source: dict[int, list[str]] = defaultdict(list)
    for source_id, guid in keys:
        by_source[source_id].append(guid)
    return {
        (source_id, row.guid): (row.frame_id, row.digest)
        for source_id, guids in by_source.items()
        for row in MessageGuid.objects.filter(source_id=source_id, guid__in=guids)
    }


def _repeat(one: Read, first: tuple[int, str], conflicts: Iterable[Read], provider: str) -> Verdict:
    first_id, digest = first
    if one.digest in {digest, *(other.digest for other in conflicts)} or _same_as_any(one, first_id, provider):
        return Verdict(one, Outcome.DUPLICATE, f"repeat of a frame with the guid of frame {first_id}")
    return Verdict(one, Outcome.QUARANTINED, f"ALARM: the same guid as frame {first_id} with other content", alarm=True)


def _same_as_any(one: Read, first_id: int, provider: str) -> bool:
    """Whether it says what the first frame of its guid said, or what a quarantined one with that guid did.

    Bounded, one body at a time: a guid that comes with ever other content must not cost ever more (E4). The rest counts as other.
    """
    protocol, spelled, looked_at = REGISTRY[provider], 0, 0
    for frame_id, size in _earlier(one, first_id):
        spelled += size
        whole = spelled <= _SPELLED_ANEW or frame_id == first_id
        if not whole and (abs(size - len(one.row.body)) > _RETRY_DIGITS or looked_at + size > _EQUAL_BYTES):
            continue
        looked_at += size
        body = bytes(Frame.objects.filter(pk=frame_id).values_list("body", flat=True).first() or b"")
        if protocol.digest(body) == one.digest or (whole and protocol.same(body, one.row.body)):
            return True
    return False


def _earlier(one: Read, first_id: int) -> list[tuple[int, int]]:
    """(Id, bytes) of the frames that it is compared with: the first, then the newest quarantined ones."""
    first = Frame.objects.filter(pk=first_id).values_list("id", "size")
    others = Frame.objects.filter(source_id=one.row.source_id, guid=one.guid, outcome=Outcome.QUARANTINED)
    newest = others.exclude(pk__in=(one.row.id, first_id)).order_by("-id").values_list("id", "size")[:_COMPARED]
    return [*first, *newest]


# Applying


def _apply(fresh: Sequence[Read], of: Sources, way: _Way) -> tuple[dict[int, Verdict], set[int]]:
    """Verdicts by row id, and the rows that lie beyond a gap of their stream, of which nothing was done."""
    by_source: dict[int, list[Read]] = defaultdict(list)
    for one in fresh:
        by_source[one.row.source_id].append(one)
    verdicts: dict[int, Verdict] = {}
    for source_id, ones in by_source.items():
        batches = [[one] for one in ones] if way.careful else [ones]
        for batch in batches:
            apply = _apply_alone if way.careful else _apply_batch
            verdicts.update((verdict.read.row.id, verdict) for verdict in apply(of[source_id], batch, way))
    return verdicts, {one.row.id for one in fresh if one.row.id not in verdicts}


def _apply_batch(source: SourceFacts, batch: Sequence[Read], way: _Way) -> list[Verdict]:
    incoming = [ingest.Incoming(one.message, one.row.kept_at, one.row.id, jumps=_jumps(one, way)) for one in batch if one.message]
    applied = ingest.apply(source, incoming)
    return [
        Verdict(one, done.outcome, notes=done.notes, reached=done.reached)
        for one, done in zip(batch, applied, strict=True)
        if done.outcome is not None
    ]


def _jumps(one: Read, way: _Way) -> bool:
    """Whether it is applied although those before it never came; what no stream numbers cannot wait for any."""
    return not one.row.stream or one.row.id in way.jumped


def _apply_alone(source: SourceFacts, batch: Sequence[Read], way: _Way) -> list[Verdict]:
    try:
        with transaction.atomic():
            return _apply_batch(source, batch, way)
    except Exception as error:
        if passes(error):
            raise
        (one,) = batch
        logger.exception("frame %d: applying it failed", one.row.id)
        return [Verdict(one, Outcome.QUARANTINED, f"internal error: {type(error).__name__}: {error}", alarm=True)]


# What follows


def _follow(verdicts: Sequence[Verdict], of: Sources, now: datetime) -> None:
    for verdict in verdicts:
        if verdict.outcome is Outcome.QUARANTINED:
            _hold(verdict, of[verdict.read.row.source_id], now)
    write(verdicts, now)
    count([(verdict.read.row.source_id, verdict.read.row.lane, verdict.outcome, 1) for verdict in verdicts])


def _hold(verdict: Verdict, source: SourceFacts, now: datetime) -> None:
    """Close what a frame that cannot be applied may have changed: the fixtures it names, else its feed until a person decides (B7)."""
    one = verdict.read
    words = f"message quarantined: {verdict.reason}"
    for ref in one.fixture_refs or (None,):
        sticky = not REGISTRY[source.provider].again and (ref is None or bool(one.row.stream))  # no later packet says again what it said
        sources.open_gap(source.id, words, fixture_ref=ref, sticky=sticky, frame_id=one.row.id, at=one.row.kept_at)
    audit.record(
        at=now,
        actor=f"feed:{source.slug}",
        actor_name=source.name,
        action="quarantined",
        fixture_id=sources.ensure_fixture(source.id, one.fixture_ref) if one.fixture_ref else None,
        object_words=f"fixture {', '.join(one.fixture_refs)}" if one.fixture_refs else f"feed {source.slug}",
        reason=verdict.reason,
        message=one.guid,
    )
    log = logger.error if verdict.alarm else logger.warning
    log("frame %d of %s quarantined: %s", one.row.id, source.slug, verdict.reason)


_WRITE = """
UPDATE feeds_frame SET outcome = %s, reason = %s, notes = %s, guid = %s, fixture_ref = %s, retry = %s, applied_at = %s
WHERE id = %s AND day = %s
"""


def write(verdicts: Sequence[Verdict], now: datetime) -> None:
    """The outcomes onto their rows; their times tell the order in which they were given."""
    connection = connections["default"]
    at, day_of = connection.ops.adapt_datetimefield_value, connection.ops.adapt_datefield_value
    rows = [
        (*_facts(verdict), at(now + place * _MICROSECOND), verdict.read.row.id, day_of(verdict.read.row.day))
        for place, verdict in enumerate(verdicts)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE, rows)


def _facts(verdict: Verdict) -> tuple[str, str, str, str, str, int]:
    one = verdict.read
    notes = (*(one.message.notes if one.message else ()), *verdict.notes)
    kept_notes = msgspec.json.encode([clean(note, 500) for note in dict.fromkeys(notes)][:200]).decode()
    retry = min(one.message.retry, 2**31 - 1) if one.message else 0
    return (verdict.outcome.value, clean(verdict.reason, 500), kept_notes, one.guid, one.fixture_ref, retry)


_COUNT = """
INSERT INTO feeds_outcomecount (source_id, lane, applied, superseded, duplicate, quarantined) VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (source_id, lane) DO UPDATE SET applied = feeds_outcomecount.applied + EXCLUDED.applied,
    superseded = feeds_outcomecount.superseded + EXCLUDED.superseded, duplicate = feeds_outcomecount.duplicate + EXCLUDED.duplicate,
    quarantined = feeds_outcomecount.quarantined + EXCLUDED.quarantined
"""


def count(changes: Iterable[tuple[int, int, Outcome, int]]) -> None:
    """Add (source, lane, outcome, by how many) to the books."""
    sums: Counter[tuple[int, int, Outcome]] = Counter()
    for source_id, lane, outcome, number in changes:
        sums[source_id, lane, outcome] += number
    rows = [(*key, *(sums[*key, outcome] for outcome in Outcome)) for key in sorted({key[:2] for key in sums})]
    with connections["default"].cursor() as cursor:
        cursor.executemany(_COUNT, rows)


def _watch_age(verdicts: Sequence[Verdict], now: datetime) -> None:
    """A backlog that was worked off leaves its mark: closed until it has been quick for three seconds (A4)."""
    ages: dict[int, timedelta] = {}
    for verdict in verdicts:
        row = verdict.read.row
        ages[row.source_id] = max(ages.get(row.source_id, timedelta()), now - row.due_at)
    for source_id, age in ages.items():
        if age > SLOW or (age > QUICK and _is_slow(source_id, now)):
            sources.mark_slow(source_id, now + QUIET)


def _is_slow(source_id: int, now: datetime) -> bool:
    return SourceLiveness.objects.filter(source_id=source_id, slow_until__gt=now).exists()


def re_lane(reads: Iterable[Read]) -> list[Read]:
    """Move frames whose fixture is another than their first bytes said to the right lane; those that stay.

    Call inside ``transaction.atomic()``.
    """
    staying: list[Read] = []
    for one in reads:
        right = lane_of(one.row.source_id, one.fixture_ref)
        if one.message is None or right == one.row.lane:
            staying.append(one)
        else:
            Frame.objects.filter(pk=one.row.id, day=one.row.day).update(lane=right)
            transaction.on_commit(partial(nudge, {right}))
    return staying
