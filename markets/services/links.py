"""Linking fixtures of two feeds that are one match (docs/architecture.md 5): said by a person, held by ids, broken when one changes.

A link is of all bookmakers: it says what is the case. Who said it, and why, is for that bookmaker's people only (E1). Making or ending
one never lets a served revision go down: while it stands its ``version`` counts in both fixtures' revisions, then the fixtures keep it.

Locks are taken in one order: the fixtures' rows by id, then the link's. A message that breaks a link holds its own fixture and touches no
other, so it never waits for a fixture.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from markets import db
from markets.domain import facts
from markets.domain.fences import SPORTS
from markets.domain.matching import Sides, differs, fixture_sides
from markets.domain.values import Phase, Role
from markets.models import Fixture, Link, Source, SourceChoice, Sport

from . import access, audit, doorbell, joining, market_types, revisions
from .actor import Actor
from .errors import Conflict, NotFound, Refused

_WHY = "say why they are no longer the same match"


def link(actor: Actor, bookmaker_id: UUID, fixture_id: int, other_id: int, *, crossed: bool = False, why: str = "") -> Link:
    """Say that ``other_id`` is the same match as ``fixture_id``, which leads; traders, audited. ``crossed``: home there is away here.

    Raises NotFound, Forbidden, Refused (one feed, another sport, competitors not known) and Conflict where either is linked already.
    """
    joining.check_why(why)
    of = access.bookmaker(actor, bookmaker_id, Role.TRADER)
    seen = [access.fixture(of, pk).pk for pk in (fixture_id, other_id)]
    with transaction.atomic():
        fixture, other = _locked(*seen)
        _refuse_unfit(fixture, other)
        _refuse_linked(fixture, other, of.pk)
        own, others = _known(fixture), _known(other)
        made = Link.objects.create(
            fixture=fixture,
            other=other,
            fixture_home=list(own.first),
            fixture_away=list(own.second),
            other_home=list(others.first),
            other_away=list(others.second),
            crossed=crossed,
            linked_at=db.now(),
            bookmaker=of,
            by=actor.name[:150],
            why=(why or "by hand")[:300],
        )
        joining.tell(actor, of.pk, made, _words(made), "fixtures linked", after={**_facts(made), "why": made.why})
        revisions.raise_shared([fixture.pk, other.pk])
    return made


def unlink(actor: Actor, bookmaker_id: UUID, fixture_id: int, reason: str) -> Link:
    """End the link of either of its fixtures; supervisors, audited. Raises NotFound (also when there is none), Forbidden, Refused."""
    of = access.bookmaker(actor, bookmaker_id, Role.SUPERVISOR)
    seen = access.fixture(of, fixture_id)
    joining.check_reason(reason, without=_WHY)
    with transaction.atomic():
        ended = _standing(seen.pk)
        joining.end(actor, ended)
        joining.tell(actor, of.pk, ended, _words(ended), "fixtures unlinked", before=_facts(ended), reason=reason)
        revisions.raise_shared([ended.fixture_id, ended.other_id], 1 + ended.version)
    return ended


def choose(actor: Actor, sport_id: int, odd_group: str, source_id: int | None) -> SourceChoice | None:
    """Take ``odd_group`` of every linked match of the sport from this feed, or (None) from the leading one again; staff, audited.

    Raises Refused with the fields, NotFound, Forbidden.
    """
    access.staff(actor)
    check(odd_group, source_id)
    with transaction.atomic():
        sport = Sport.objects.filter(pk=sport_id).first()
        if sport is None:
            raise NotFound
        row = SourceChoice.objects.select_for_update(of=("self",)).filter(sport=sport, odd_group=odd_group).select_related("source").first()
        before = {"source": row.source.slug} if row else None
        chosen = _chosen(row or SourceChoice(sport=sport, odd_group=odd_group), source_id)
        after = {"source": chosen.source.slug} if chosen else None
        if before != after:
            words = f"{odd_group} of {sport.slug}"
            audit.told(actor, db.now(), action="source of a group chosen", object_words=words, before=before, after=after)
            _raise_linked(sport)
        return chosen


def check(odd_group: str, source_id: int | None) -> None:
    """Raises Refused with the fields."""
    market_types.check(odd_group, market_types.MEANINGS[0])
    if source_id is not None and not Source.objects.filter(pk=source_id).exclude(provider__in=SPORTS).exists():
        raise Refused("source", "a feed of prices", {"source": "a feed of prices"})


def follow(fixture_ids: Collection[int], cause: str) -> list[Link]:
    """Break the links of these fixtures whose competitors are no longer those that were linked; audited.

    Call in the transaction that changed them, while it holds their rows; ``cause`` names the message (``feed:<slug>``). One query where
    nothing is linked.
    """
    intact = Link.objects.filter(Q(fixture__in=fixture_ids) | Q(other__in=fixture_ids), ended_at=None, broken_at=None)
    return [one for one in intact.select_related("fixture__source", "other__source").order_by("pk") if _breaks(one, cause)]


def _breaks(one: Link, cause: str) -> bool:
    words = _disagreement(one)
    if not words:
        return False
    now = db.now()
    changed = Link.objects.filter(pk=one.pk, ended_at=None, broken_at=None).update(
        broken_at=now, broken_cause=words[:300], version=F("version") + 1
    )
    if not changed:
        return False
    joining.tell_broken(one, _words(one), "link broken", at=now, cause=cause, before=_facts(one), reason=words)
    doorbell.ring(doorbell.fixture(one.fixture_id), doorbell.fixture(one.other_id))
    return True


def _disagreement(one: Link) -> str:
    """In words; empty while every id is the one that was linked."""
    sides = (
        (one.fixture, Sides(tuple(one.fixture_home), tuple(one.fixture_away))),
        (one.other, Sides(tuple(one.other_home), tuple(one.other_away))),
    )
    changed = [fixture.source.slug for fixture, linked in sides if differs(linked, _sides(fixture))]
    return f"the competitors of feed {' and of feed '.join(changed)} are others than those that were linked" if changed else ""


def _locked(fixture_id: int, other_id: int) -> tuple[Fixture, Fixture]:
    revisions.lock_shared([fixture_id, other_id])
    found = Fixture.objects.select_related("source", "sport").in_bulk((fixture_id, other_id))
    if len(found) < 2:
        raise NotFound("there are not two such fixtures")
    return found[fixture_id], found[other_id]


def _standing(fixture_id: int) -> Link:
    """The link that stands, both fixtures locked before it."""
    rows = Link.objects.filter(Q(fixture=fixture_id) | Q(other=fixture_id), ended_at=None)
    found = rows.first()
    if found is not None:
        revisions.lock_shared([found.fixture_id, found.other_id])
        again = rows.select_for_update(of=("self",)).select_related("fixture__source", "other__source").filter(pk=found.pk).first()
        if again is not None:
            return again
    raise NotFound("the fixture is linked to none")


def _refuse_unfit(fixture: Fixture, other: Fixture) -> None:
    wrong = ""
    if fixture.source_id == other.source_id:
        wrong = "two fixtures of one feed are two matches"
    elif {fixture.source.provider, other.source.provider} & set(SPORTS):
        wrong = "a match of a point feed is bound to its fixture, not linked"
    elif fixture.sport_id is None or fixture.sport_id != other.sport_id:
        wrong = "they are of different sports"
    elif fixture.simulated != other.simulated:
        wrong = "a simulated fixture and a real one cannot be one match"
    if wrong:
        raise Refused("other", wrong, {"other": wrong})


def _refuse_linked(fixture: Fixture, other: Fixture, bookmaker_id: UUID) -> None:
    """By whom is told to the people of the same bookmaker only (E1)."""
    both = (fixture.pk, other.pk)
    taken = Link.objects.filter(Q(fixture__in=both) | Q(other__in=both), ended_at=None).select_related("fixture", "other__source").first()
    if taken is not None:
        by = f"by {taken.by} " if taken.bookmaker_id == bookmaker_id else ""
        current = {"fixture": taken.fixture_id, "other": taken.other_id, "by": taken.by if by else ""}
        raise Conflict(f"{_words(taken)} were linked {by}already", current)


def _known(fixture: Fixture) -> Sides:
    sides = _sides(fixture)
    if not sides.known:
        words = f"the competitors of feed {fixture.source.slug} are not known yet; it can be linked once they are"
        raise Refused("other", words, {"other": "competitors not known"})
    return sides


def _sides(fixture: Fixture) -> Sides:
    return fixture_sides(facts.details_from(fixture.details) if fixture.details else None)


def _chosen(row: SourceChoice, source_id: int | None) -> SourceChoice | None:
    if source_id is not None:
        row.source_id = source_id
        row.save()
        return SourceChoice.objects.select_related("source").get(pk=row.pk)
    if row.pk:
        row.delete()
    return None


def _raise_linked(sport: Sport) -> None:
    """Fixtures of standing links rise, finished ones apart, so that every reader looks again."""
    standing = Link.objects.filter(ended_at=None, fixture__sport=sport).exclude(fixture__phase=Phase.FINISHED.value)
    ids = sorted(pk for pair in standing.values_list("fixture_id", "other_id") for pk in pair)
    revisions.lock_shared(ids)
    revisions.raise_shared(ids)


def _words(one: Link) -> str:
    return f"{one.fixture} and {one.other} of feed {one.other.source.slug}"


def _facts(one: Link) -> dict[str, object]:
    return {
        "other": one.other_id,
        "crossed": one.crossed,
        "fixtureHome": one.fixture_home,
        "fixtureAway": one.fixture_away,
        "otherHome": one.other_home,
        "otherAway": one.other_away,
    }
