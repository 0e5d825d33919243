"""Who may listen, and whether they still may (promises E1, E2): asked at the door and again every two seconds, for all sockets at once.

The store is asked each time; nothing that a session or a membership once said is believed later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare
from msgspec import Struct

from markets.domain.values import Role
from markets.models import Bookmaker, Member
from markets.selectors import seat
from markets.selectors.board import visible

from . import keyholders
from .frames import FORBIDDEN, SIGNED_OUT
from .keyholders import Person, StreamClaim
from .standing import Standing

__all__ = ["AnyClaim", "Claim", "Standing", "StreamClaim", "standings"]


class Claim(Struct, frozen=True):
    """What a socket asks for: the board of its session's bookmaker, or one fixture."""

    session_key: str
    fixture_id: int | None = None


AnyClaim = Claim | StreamClaim


class _Seat(Struct, frozen=True):
    user_id: int
    bookmaker: UUID
    role: Role


NOT_SIGNED_IN = Standing(code=SIGNED_OUT)
NOTHING_HERE = Standing(code=FORBIDDEN)


def standings(claims: Collection[AnyClaim], using: str = "default") -> dict[AnyClaim, Standing]:
    """An answer for every claim. Four queries whatever the number, and one for each bookmaker with fixture pages; for streams two more,
    and one for each bookmaker whose matches are asked for."""
    if not claims:
        return {}
    people = _people({c.session_key for c in claims if c.session_key}, using)
    places = _places({p.user.pk: p.user for p in people.values()}, using)
    pages = [c for c in claims if isinstance(c, Claim)]
    seats = _seats(people, places)
    seen = _visible_fixtures(pages, seats, using)
    members = {key: Person(p.user.pk, dict(places[p.user.pk])) for key, p in people.items()}
    found: dict[AnyClaim, Standing] = {c: _standing(c, people, seats, seen) for c in pages}
    for claim, standing in keyholders.standings([c for c in claims if isinstance(c, StreamClaim)], members, using).items():
        found[claim] = standing
    return found


def _standing(claim: Claim, people: Mapping[str, Any], seats: Mapping[str, _Seat], seen: set[tuple[UUID, int]]) -> Standing:
    if claim.session_key not in people:
        return NOT_SIGNED_IN
    here = seats.get(claim.session_key)
    if here is None or (claim.fixture_id is not None and (here.bookmaker, claim.fixture_id) not in seen):
        return NOTHING_HERE
    return Standing(user_id=here.user_id, bookmaker=here.bookmaker, role=here.role)


class _Person(Struct, frozen=True):
    user: User
    chosen: str


def _people(keys: Collection[str], using: str) -> dict[str, _Person]:
    """Session key → the active person who is signed in with it, by the password they have now."""
    rows = Session.objects.using(using).filter(session_key__in=keys, expire_date__gt=Now()).values_list("session_key", "session_data")
    sessions = {key: _decoded(data) for key, data in rows}
    ids = {int(s[SESSION_KEY]) for s in sessions.values() if str(s.get(SESSION_KEY, "")).isdigit()}
    users = get_user_model().objects.using(using).in_bulk(ids)
    found = {}
    for key, data in sessions.items():
        user = users.get(int(data[SESSION_KEY])) if str(data.get(SESSION_KEY, "")).isdigit() else None
        if user is not None and _signed_in(user, data):
            found[key] = _Person(user, str(data.get(seat.SESSION_KEY, "")))
    return found


def _signed_in(user: User, data: Mapping[str, Any]) -> bool:
    path = data.get(BACKEND_SESSION_KEY)
    if path not in settings.AUTHENTICATION_BACKENDS or not cast(ModelBackend, load_backend(path)).user_can_authenticate(user):
        return False
    digest = str(data.get(HASH_SESSION_KEY, ""))
    known = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(digest, k) for k in known)


def _seats(people: Mapping[str, _Person], places: Mapping[int, list[tuple[UUID, Role]]]) -> dict[str, _Seat]:
    """Session key → the chosen bookmaker, as :mod:`markets.selectors.seat` chooses."""
    found = {}
    for key, person in people.items():
        own = places[person.user.pk]
        here = next((p for p in own if str(p[0]) == person.chosen), own[0] if own else None)
        if here:
            found[key] = _Seat(person.user.pk, *here)
    return found


def _places(users: Mapping[int, User], using: str) -> dict[int, list[tuple[UUID, Role]]]:
    staff = [pk for pk, user in users.items() if user.is_staff]
    places: dict[int, list[tuple[UUID, Role]]] = defaultdict(list)
    members = Member.objects.using(using).filter(user_id__in=users.keys() - set(staff)).order_by("bookmaker__name")
    for user_id, bookmaker_id, role in members.values_list("user_id", "bookmaker_id", "role"):
        places[user_id].append((bookmaker_id, Role(role)))
    if staff:
        everywhere = [(pk, Role.SUPERVISOR) for pk in Bookmaker.objects.using(using).order_by("name").values_list("pk", flat=True)]
        places.update((pk, everywhere) for pk in staff)
    return places


def _visible_fixtures(claims: Collection[Claim], seats: Mapping[str, _Seat], using: str) -> set[tuple[UUID, int]]:
    asked: dict[UUID, set[int]] = defaultdict(set)
    for claim in claims:
        if claim.fixture_id is not None and claim.session_key in seats:
            asked[seats[claim.session_key].bookmaker].add(claim.fixture_id)
    return {(b, pk) for b, ids in asked.items() for pk in visible(b, using).filter(id__in=ids).values_list("pk", flat=True)}


@lru_cache(4096)
def _decoded(session_data: str) -> dict[str, Any]:
    """Signed and immutable, so the same text always says the same; an unreadable one says nothing."""
    return dict(SessionStore().decode(session_data))
