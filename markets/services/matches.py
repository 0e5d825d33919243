"""A point feed's match changed by a person's word instead of a packet: the same rows, revision and doorbell as a message's (T2, T6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from msgspec import Struct
from msgspec.structs import replace

from markets import db
from markets.domain.sports.tennis import Entry, Tennis
from markets.domain.values import Role
from markets.models import Binding, Bookmaker, Fixture

from . import access, doorbell, factstore, factwriter, streams
from .actor import Actor
from .errors import NotFound

NOT_BOUND = "the fixture is bound to no match"


class Place(Struct, frozen=True):
    """A fixture that a bookmaker may see, and the match that it is bound to."""

    bookmaker: Bookmaker
    fixture: Fixture
    match: Fixture
    team_a_home: bool


class Change(Struct, frozen=True):
    """A match before and after, with the database time of it."""

    before: Tennis
    after: Tennis
    at: datetime


Make = Callable[[Tennis, datetime], tuple[Tennis, Entry]]
"""The match as a person's word leaves it, with the timeline's line; raises a ``ServiceError`` to leave it as it is."""


def find(actor: Actor, bookmaker_id: UUID, fixture_id: int) -> Place:
    """For traders. Raises NotFound (also where it is bound to no match), Forbidden."""
    of = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    seen = access.fixture(of, fixture_id)
    binding = Binding.objects.filter(fixture=seen, ended_at=None).select_related("points__source").first()
    if binding is None:
        raise NotFound(NOT_BOUND)
    return Place(of, seen, binding.points, binding.team_a_home)


def change(match: Fixture, make: Make) -> Change:
    """Lock the match, make another of it, write it. Call inside ``transaction.atomic()``."""
    now = db.now()
    held = factstore.lock(match.source_id, [match.ref], match.simulated, now)[match.ref]
    before = held.state.tennis or Tennis()
    after, line = make(before, now)
    written = factwriter.Writer(match.source.provider, now).write(
        [factwriter.Change(held, replace(held.state, tennis=after), (), (), (line,))]
    )
    doorbell.ring(*map(doorbell.fixture, (held.id, *streams.bound_to(written))))
    transaction.on_commit(partial(factstore.CACHE.put, written), robust=True)
    return Change(before, after, now)
