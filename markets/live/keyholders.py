"""Who may hear a bookmaker's streams, and whether they still may: the answers for :mod:`.authority`, by key or by session (E1, E2, O5).

The order of the questions is part of the promise: who does not prove who they are is told so; whoever does, and asks for what is
another's, is told the same as for what never existed; a key of theirs without the scope is told that; only then does the page count that
they ask from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from uuid import UUID

from msgspec import Struct

from markets.domain.values import Role
from markets.selectors import keys, streams
from markets.selectors.keys import KeyHolder
from markets.services.api_keys import Proof

from .frames import FORBIDDEN, NOT_FOUND, SIGNED_OUT
from .standing import Standing

SCOPE = "odds"


class StreamClaim(Struct, frozen=True):
    """What a stream's caller asks for. ``bookmaker`` is ``None`` where the path names nothing; ``match_id`` ``None``: the whole sport.

    ``key`` or ``session_key`` (as stored) says who asks. ``origin``: of the web page that asks, empty for our own and for a server.
    """

    bookmaker: UUID | None
    sport: str
    match_id: int | None
    key: Proof | None = None
    session_key: str = ""
    origin: str = ""


class Person(Struct, frozen=True):
    """Somebody signed in, with the role for each bookmaker."""

    user_id: int
    roles: Mapping[UUID, Role]


STRANGER = Standing(code=SIGNED_OUT)
NOWHERE = Standing(code=NOT_FOUND)
ELSEWHERE = Standing(code=FORBIDDEN)


def standings(claims: Collection[StreamClaim], people: Mapping[str, Person], using: str) -> dict[StreamClaim, Standing]:
    """An answer for every claim: one query for all keys, one for all sports, one for each bookmaker with matches."""
    holders = keys.holders({c.key.prefix for c in claims if c.key}, using)
    callers = {claim: _caller(claim, holders, people) for claim in claims}
    sports, matches = _seen([claim for claim, caller in callers.items() if caller.bookmaker is not None], using)
    return {claim: _standing(claim, callers[claim], sports, matches) for claim in claims}


class _Caller(Struct, frozen=True):
    """Who asks, as far as proved: ``standing`` refuses where ``bookmaker`` is ``None``."""

    standing: Standing
    bookmaker: UUID | None = None
    origins: frozenset[str] = frozenset()


def _caller(claim: StreamClaim, holders: Mapping[str, KeyHolder], people: Mapping[str, Person]) -> _Caller:
    return _by_key(claim, claim.key, holders) if claim.key else _by_session(claim, people.get(claim.session_key))


def _by_key(claim: StreamClaim, key: Proof, holders: Mapping[str, KeyHolder]) -> _Caller:
    holder = holders.get(key.prefix)
    if not key.fits(holder.digest if holder else None) or holder is None:
        return _Caller(STRANGER)
    if holder.bookmaker != claim.bookmaker:
        return _Caller(NOWHERE)
    if SCOPE not in holder.scopes:
        return _Caller(ELSEWHERE)
    return _Caller(Standing(bookmaker=holder.bookmaker, role=Role.TRADER, key_id=holder.id), holder.bookmaker, holder.origins)


def _by_session(claim: StreamClaim, person: Person | None) -> _Caller:
    """What a session opens stays on our own pages (O5)."""
    if person is None:
        return _Caller(STRANGER)
    role = person.roles.get(claim.bookmaker) if claim.bookmaker else None
    if claim.bookmaker is None or role is None:
        return _Caller(NOWHERE)
    return _Caller(Standing(user_id=person.user_id, bookmaker=claim.bookmaker, role=role), claim.bookmaker)


_Sports = set[tuple[UUID, str]]
_Matches = Mapping[tuple[UUID, str, int], int]


def _seen(claims: Collection[StreamClaim], using: str) -> tuple[_Sports, _Matches]:
    """The sports, and the matches with their rows, that the bookmakers may know of."""
    bookmakers = {c.bookmaker for c in claims if c.bookmaker}
    asked: dict[UUID, set[int]] = defaultdict(set)
    for claim in claims:
        if claim.bookmaker and claim.match_id is not None:
            asked[claim.bookmaker].add(claim.match_id)
    matches = {(b, sport, match): row for b, ids in asked.items() for sport, match, row in streams.matches(b, ids, using)}
    return streams.sports(bookmakers, using), matches


def _standing(claim: StreamClaim, caller: _Caller, sports: _Sports, matches: _Matches) -> Standing:
    if caller.bookmaker is None:
        return caller.standing
    standing = caller.standing
    if claim.match_id is not None:
        row = matches.get((caller.bookmaker, claim.sport, claim.match_id))
        if row is None:
            return NOWHERE
        standing = _with_row(standing, row)
    elif (caller.bookmaker, claim.sport) not in sports:
        return NOWHERE
    return standing if not claim.origin or claim.origin in caller.origins else ELSEWHERE


def _with_row(standing: Standing, row: int) -> Standing:
    return Standing(0, standing.user_id, standing.bookmaker, standing.role, row, standing.key_id)
