"""Applying messages: the only writer of feed facts (docs/architecture.md "The one path", step 4).

A batch is folded in memory, fixture by fixture, and written once; price ticks, audit, ended overrides, gaps and the doorbell belong
to the same transaction. A message that changes nothing rewrites no market row; one that is wholly late writes nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import connection, transaction
from msgspec import Struct
from msgspec.structs import replace

from markets import db
from markets.domain import feedhash
from markets.domain.fold import Folded, Stamp, fold
from markets.domain.matching import fixture_sides, match_sides
from markets.domain.messages import Message
from markets.domain.sports.tennis import Entry
from markets.domain.state import FixtureState
from markets.domain.values import Outcome
from markets.models import Fixture

from . import audit, bindings, continuity, doorbell, endings, factstore, factwriter, feedaudit, links, matchaudit, sources, streams
from .factstore import feed_state

__all__ = ["Applied", "Incoming", "SourceLike", "apply", "feed_hash", "feed_state"]


class SourceLike(Protocol):
    """What applying asks of a source; ``markets.models.Source`` is one."""

    @property
    def id(self) -> int: ...
    @property
    def slug(self) -> str: ...
    @property
    def provider(self) -> str: ...
    @property
    def simulated(self) -> bool: ...
    @property
    def order_contiguous(self) -> bool: ...


class Incoming(Struct, frozen=True):
    """A parsed message with the database time its frame was kept at.

    ``reread``: the provider's whole state, asked for by us just now (O2). ``jumps``: what its stream lacks before it is given up (T2).
    """

    message: Message
    kept_at: datetime
    frame_id: int
    reread: bool = False
    jumps: bool = False


class Applied(Struct, frozen=True):
    """What became of one message; ``fixture_id`` is the row it was applied to.

    ``outcome`` ``None``: it lies beyond a gap of its stream, and nothing was done. ``reached``: how far its stream has come by it.
    """

    outcome: Outcome | None
    notes: tuple[str, ...] = ()
    fixture_id: int | None = None
    reached: int | None = None


ABOUT_NOTHING = Applied(Outcome.APPLIED, ("about no fixture: a heartbeat",))


def apply(source: SourceLike, batch: Sequence[Incoming]) -> list[Applied]:
    """Apply messages of one source, in order; one answer each. Call inside ``transaction.atomic()``."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("messages are applied inside a transaction")
    now = db.now()
    helds = factstore.lock(
        source.id, {incoming.message.fixture_ref for incoming in batch if incoming.message.fixture_ref}, source.simulated, now
    )
    works = {ref: _Work(source, held) for ref, held in sorted(helds.items())}
    answers = [works[ref].take(incoming) if (ref := incoming.message.fixture_ref) else ABOUT_NOTHING for incoming in batch]
    _write(source, list(works.values()), now)
    return answers


def feed_hash(source_id: int, using: str = "default") -> str:
    """The feed hash (B6, P8) of all fixtures of a source; a stub that nothing was ever said of does not count."""
    fixtures = Fixture.objects.using(using).filter(source_id=source_id).order_by("pk").values_list("pk", "ref")
    states = ((ref, feed_state(fixture_id, using)) for fixture_id, ref in fixtures)
    return feedhash.feed_hash({ref: feedhash.state_hash(ref, state) for ref, state in states if state.marks})


class _Step(Struct, frozen=True):
    """One message and what it did; ``missing``: the numbers of its stream that were given up for it."""

    incoming: Incoming
    before: FixtureState
    folded: Folded
    missing: streams.Missing | None = None


class _Work:
    """One fixture's messages of a batch, folded one after another."""

    def __init__(self, source: SourceLike, held: factstore.Held) -> None:
        self.source = source
        self.held = held
        self.state = held.state
        self.steps: list[_Step] = []
        self._touched: dict[str, None] = {}
        self._ticks: list[factwriter.Tick] = []
        self._entries: list[Entry] = []

    def take(self, incoming: Incoming) -> Applied:
        missing = streams.missing(self.state.tennis, incoming.message)
        if missing is None:
            return self._fold(incoming)
        if not incoming.jumps:
            return Applied(None)
        return self._fold(replace(incoming, message=streams.jumped(incoming.message)), missing)

    def _fold(self, incoming: Incoming, missing: streams.Missing | None = None) -> Applied:
        before = self.state
        folded = fold(before, incoming.message, _stamp(incoming))
        self.state = folded.state
        self.steps.append(_Step(incoming, before, folded, missing))
        self._touched |= dict.fromkeys(folded.touched)
        self._entries += folded.entries
        self._ticks += factwriter.ticks(before, folded.state, folded.touched, incoming.kept_at)
        superseded = folded.late_parts and not folded.applied_parts
        notes = folded.notes + continuity.notes(folded, self.source.order_contiguous) + ((streams.words(missing),) if missing else ())
        reached = streams.reached(before.tennis, self.state.tennis)
        return Applied(Outcome.SUPERSEDED if superseded else Outcome.APPLIED, notes, self.held.id, reached)

    @property
    def names_others(self) -> bool:
        """Whether other competitors are named than before: a binding may break (T7)."""
        before, after = self.held.state, self.state
        if before.details is after.details and before.tennis is after.tennis:
            return False
        sides = fixture_sides(before.details) != fixture_sides(after.details)
        return sides or match_sides(before.details, before.tennis) != match_sides(after.details, after.tennis)

    def change(self) -> factwriter.Change | None:
        """``None`` when nothing is different, not even a mark."""
        if self.state is self.held.state:
            return None
        return factwriter.Change(self.held, self.state, tuple(self._touched), tuple(self._ticks), tuple(self._entries))


def _stamp(incoming: Incoming) -> Stamp:
    message: Message = incoming.message
    return Stamp(incoming.kept_at, message.sent_at, message.order, message.stream, incoming.reread, message.order_lost, message.retry)


def _write(source: SourceLike, works: Sequence[_Work], now: datetime) -> None:
    changes = [change for work in works if (change := work.change())]
    written = factwriter.Writer(source.provider, now).write(changes)
    stored = {held.id: held for held in written}
    _follow_up(source, [(work, stored.get(work.held.id, work.held)) for work in works], now)
    touched = [held.id for held in written]
    doorbell.ring(*(doorbell.fixture(id_) for id_ in (*touched, *streams.bound_to(held for held in written))))
    if written:
        transaction.on_commit(partial(factstore.CACHE.put, written), robust=True)


def _follow_up(source: SourceLike, works: Sequence[tuple[_Work, factstore.Held]], now: datetime) -> None:
    """What messages end, open and tell beside the facts: bindings, overrides, gaps, proofs, audit."""
    if others := [held.id for work, held in works if work.names_others]:
        bindings.follow(others, f"feed:{source.slug}")
        links.follow(others, f"feed:{source.slug}")
    steps = [(held, step) for work, held in works for step in work.steps]
    ends = [(held, step, causes) for held, step in steps if (causes := endings.causes(held, step.folded))]
    factstore.wait_for_commands({held.id for held, _, _ in ends})
    for held, step, causes in ends:
        endings.end(held, causes, endings.Origin(source.slug, step.incoming.message.guid, now))
    for held, step in steps:
        _gaps(source, held, step)
    if source.order_contiguous:
        continuity.prove(source.id, {held.id: step.incoming.kept_at for held, step in steps if step.folded.continues})
    audit.record_many([*_records(source, steps, now), *_contradictions(source, steps, now)])


def _gaps(source: SourceLike, held: factstore.Held, step: _Step) -> None:
    incoming = step.incoming
    for element in step.folded.unknown:
        cause = f"{element} is not known"
        sources.open_gap(source.id, cause, fixture_ref=held.ref, frame_id=incoming.frame_id, at=incoming.kept_at)
    for words in step.folded.doubts:
        sources.open_gap(source.id, words, fixture_ref=held.ref, frame_id=incoming.frame_id, at=incoming.kept_at)
    if step.missing is not None:
        by_alarms = streams.taken_by_alarms(step.before.tennis, step.missing)
        cause = f"{streams.words(step.missing)}: alarms" if by_alarms else streams.words(step.missing)
        sources.open_gap(source.id, cause, fixture_ref=held.ref, sticky=not by_alarms)
    if source.order_contiguous:
        continuity.follow(held, step.folded, continuity.Origin(source.id, incoming.message.stream, incoming.kept_at, incoming.frame_id))


def _contradictions(source: SourceLike, steps: Iterable[tuple[factstore.Held, _Step]], now: datetime) -> Iterator[audit.Record]:
    """T6, U10: a match that goes back on what was resulted, or on what a person said of its end."""
    for held, step in steps:
        origin = matchaudit.Origin(source.slug, step.incoming.message.guid, now)
        yield from matchaudit.records(held, step.before, step.folded, origin)


def _records(source: SourceLike, steps: Iterable[tuple[factstore.Held, _Step]], now: datetime) -> Iterator[audit.Record]:
    """One record for each message that suspends or re-opens anything (F1)."""
    for held, step in steps:
        shift = feedaudit.shift(step.before, step.folded)
        if shift is not None:
            yield feedaudit.record(shift, source.slug, held, step.incoming.message.guid, now)
