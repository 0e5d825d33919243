"""Is what we serve of a match what the feeds said, and may something be missing? (000 "The frontend also loads … /verify")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from markets.domain import rules
from markets.domain.feedhash import state_hash
from markets.domain.rules import Code, Reason
from markets.live import fences
from markets.selectors import fixture, offer
from markets.services import factstore
from markets.services.errors import NotFound

from . import payload

_OF_THE_FEED = frozenset(
    {
        Code.DISABLED,
        Code.LEASE,
        Code.BACKLOG,
        Code.GAP,
        Code.QUARANTINE,
        Code.STORE,
        Code.FENCE,
        Code.POINT_FEED,
        Code.BINDING,
        Code.NO_FIXTURE,
    }
)
_TRIES = 5
_OTHER_HASH = "hash: the stored facts give another hash than the one that is served"
_MOVING = "hash: the match changes faster than it can be verified"


class Verification(Struct, frozen=True, rename="camel"):
    """``problems``: each as ``code: words``, the codes of the glossary and ``hash``; ``verified``: there are none."""

    match_id: int | None
    sport: str
    verified: bool
    revision: int
    state_hash: str
    checked_at: datetime
    problems: list[str]


def verify(bookmaker_id: UUID, fixture_id: int) -> Verification:
    """Hash the facts anew, row by row from the store, and gather whatever may have kept the newest ones from us. Raises NotFound."""
    tries = _TRIES
    while True:
        offered = offer.offers(bookmaker_id, [fixture_id], ears=fences.ears()).get(fixture_id)
        if offered is None:
            raise NotFound
        stored = state_hash(offered.snapshot.ref, factstore.feed_state(fixture_id))
        tries -= 1
        still = fixture.revisions([fixture_id]).get(fixture_id) == offered.revision
        if still or not tries:
            return _verified(offered, stored, still=still)


def _verified(offered: offer.Offer, stored: str, *, still: bool) -> Verification:
    """``still``: both hashes are of one revision."""
    of = offered.snapshot
    problems = [*_of_the_hash(stored, payload.hash_of(of), still=still), *_problems(offered)]
    return Verification(of.match_id, of.sport, not problems, offered.revision, stored, offered.now, problems)


def _of_the_hash(stored: str, served: str, *, still: bool) -> list[str]:
    if not still:
        return [_MOVING]
    return [] if stored == served else [_OTHER_HASH]


def _problems(offered: offer.Offer) -> list[str]:
    """Each once, in the order found."""
    return list(dict.fromkeys(payload.words(reason) for reason in _reasons(offered) if reason.code in _OF_THE_FEED))


def _reasons(offered: offer.Offer) -> Iterator[Reason]:
    seen = rules.survey(offered.around)
    yield from (*seen.wide, *seen.in_play, *seen.pre_match)
    for market in offered.published:
        for selection in market.selections:
            yield from selection.reasons
    if not offered.published:  # no market tells whether a gap was made good
        yield from (rules.missed(gap) for gap in seen.gaps)
