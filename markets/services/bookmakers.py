"""Bookmakers and their members (decision P4; promise E1). People are in :mod:`people`, rules for after a point in :mod:`reopening`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import F

from markets import db
from markets.domain import fences
from markets.domain.sports.tennis import BREAKS
from markets.domain.values import Role
from markets.models import Bookmaker, Member, Sport

from . import access, audit, doorbell
from .actor import Actor
from .api_keys import create as create_key
from .api_keys import revoke as revoke_key
from .api_keys import verify as verify_key
from .errors import Forbidden, NotFound, Refused

__all__ = ["create", "create_key", "facts", "problems", "revoke_key", "set_role", "update", "verify_key"]

NAME_LENGTH = 120
LONGEST_OVERRIDE = 30 * 86_400
RANGES: Mapping[str, tuple[Decimal, Decimal]] = {
    "margin_percent": (Decimal(0), Decimal(50)),
    "soft_limit_percent": (Decimal(0), Decimal(100)),
    "hard_limit_percent": (Decimal(0), Decimal(1000)),
    "max_override_seconds": (Decimal(1), Decimal(LONGEST_OVERRIDE)),
    "low_price": (Decimal("1.01"), Decimal(1001)),
    "high_price": (Decimal("1.01"), Decimal(1001)),
    "requests_per_second": (Decimal(1), Decimal(10_000)),
}
STAFF_ONLY = frozenset({"name", "demo"})
BREAKS_FIELD = "open_in_breaks"
ORIGINS_FIELD = "origins"
MOST_ORIGINS = 50
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::[0-9]{1,5})?")


def create(actor: Actor, name: str, sports: Sequence[str], *, demo: bool = False) -> Bookmaker:
    """A bookmaker with the sports of these slugs; staff only. Raises Refused for a name taken or a slug unknown, Forbidden."""
    access.staff(actor)
    with transaction.atomic():
        _check_name(name)
        rows = _sports(sports)
        made = _insert(Bookmaker(name=name.strip(), demo=demo))
        made.sports.set(rows)
        audit.told(actor, db.now(), action="bookmaker created", bookmaker_id=made.pk, object_words=made.name, after=facts(made))
        doorbell.ring(doorbell.bookmaker(made.pk))
        return made


def update(
    actor: Actor, bookmaker_id: UUID, *, sports: Sequence[str] | None = None, point_sports: Sequence[str] | None = None, **changes: Any
) -> Bookmaker:
    """Change sports (staff), name and demo (staff), or margin, limits and what a point feed means (supervisors too).

    ``point_sports``: slugs of the sports whose in-play markets need a point feed (A13, O8). ``changes``: ``margin_percent``,
    ``soft_limit_percent``, ``hard_limit_percent``, ``max_override_seconds``, ``low_price``, ``high_price``, ``open_in_breaks`` (match
    states, T4), ``requests_per_second`` (of each key), ``origins`` (of web pages that read with a key, O5), ``name``, ``demo``.
    Raises the bookmaker's revision. Raises Refused with the fields, Forbidden, NotFound.
    """
    access.bookmaker(actor, bookmaker_id, Role.SUPERVISOR)
    if not actor.staff and (sports is not None or STAFF_ONLY & changes.keys()):
        raise Forbidden("only staff may change sports, name and demo")
    with transaction.atomic():
        row = Bookmaker.objects.select_for_update(no_key=True).get(pk=bookmaker_id)
        before = facts(row)
        _apply(row, changes)
        if sports is not None:
            row.sports.set(_sports(sports))
        if point_sports is not None:
            row.point_sports.set(_point_sports(point_sports))
        after = facts(row)
        if before != after:
            _saved(row)
            audit.told(actor, db.now(), action="bookmaker changed", bookmaker_id=row.pk, object_words=row.name, before=before, after=after)
        return row


def set_role(actor: Actor, bookmaker_id: UUID, user_id: int, role: Role | None) -> Member | None:
    """Give a person a role for a bookmaker, or (None) take it away; staff only. Raises NotFound, Forbidden."""
    access.staff(actor)
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.SUPERVISOR)
    with transaction.atomic():
        user = get_user_model().objects.filter(pk=user_id).first()
        if user is None:
            raise NotFound
        member = Member.objects.select_for_update().filter(user_id=user_id, bookmaker=bookmaker).first()
        before = {"role": member.role} if member else None
        made = _role(member, bookmaker, user_id, role)
        words = f"{user.get_username()} at {bookmaker.name}"
        after = {"role": role.value} if role else None
        audit.told(actor, db.now(), action="role changed", bookmaker_id=bookmaker.pk, object_words=words, before=before, after=after)
        doorbell.ring(doorbell.bookmaker(bookmaker.pk))
        return made


def facts(row: Bookmaker) -> dict[str, Any]:
    """A bookmaker as the audit keeps it."""
    numbers = {name: f"{Decimal(getattr(row, name)).normalize():f}" for name in RANGES}
    sports = {"sports": _slugs(row.sports), "pointSports": _slugs(row.point_sports)}
    words = {"openInBreaks": sorted(row.open_in_breaks), "origins": sorted(row.origins)}
    return {"name": row.name, "demo": row.demo, **sports, **words, **numbers}


def _slugs(of: Any) -> list[str]:
    return sorted(of.values_list("slug", flat=True))


def _role(member: Member | None, bookmaker: Bookmaker, user_id: int, role: Role | None) -> Member | None:
    if role is None:
        if member:
            member.delete()
        return None
    if member is None:
        return Member.objects.create(user_id=user_id, bookmaker=bookmaker, role=role.value)
    member.role = role.value
    member.save(update_fields=["role"])
    return member


def _apply(row: Bookmaker, changes: Mapping[str, Any]) -> None:
    if unknown := changes.keys() - RANGES.keys() - STAFF_ONLY - {BREAKS_FIELD, ORIGINS_FIELD}:
        raise Refused("invalid", "no such setting", dict.fromkeys(unknown, "no such setting"))
    if "name" in changes:
        _check_name(changes["name"], of=row)
    if wrong := set(changes.get(BREAKS_FIELD, ())) - BREAKS:
        words = f"only {', '.join(sorted(BREAKS))}, not {', '.join(sorted(wrong))}"
        raise Refused("invalid", words, {BREAKS_FIELD: words})
    if words := origins_problem(changes.get(ORIGINS_FIELD, ())):
        raise Refused("invalid", words, {ORIGINS_FIELD: words})
    for name, value in changes.items():
        setattr(row, name, value.strip() if name == "name" else value)
    if bad := problems({name: Decimal(getattr(row, name)) for name in RANGES}):
        raise Refused("invalid", "; ".join(f"{name}: {words}" for name, words in bad.items()), bad)


def origins_problem(origins: Iterable[str]) -> str:
    """What is wrong with a list of origins, "" when nothing is: each is scheme, host and port alone, as a browser sends it."""
    given = list(origins)
    if len(given) > MOST_ORIGINS:
        return f"at most {MOST_ORIGINS} origins"
    if wrong := [one for one in given if not _ORIGIN.fullmatch(one)]:
        return f"an origin is like https://shop.example, in small letters and without a path, not {', '.join(wrong)}"
    return ""


def problems(limits: Mapping[str, Decimal]) -> dict[str, str]:
    """What is wrong with margin and limits, by name; those that are left out are not judged."""
    found = {}
    for name, value in limits.items():
        low, high = RANGES[name]
        if not (value.is_finite() and low <= value <= high):
            found[name] = f"between {low} and {high}"
    if not found and len(limits) == len(RANGES):
        found |= _contradictions(limits)
    return found


def _contradictions(limits: Mapping[str, Decimal]) -> dict[str, str]:
    found = {}
    if limits["soft_limit_percent"] > limits["hard_limit_percent"]:
        found["soft_limit_percent"] = "not above the hard limit"
    if limits["low_price"] >= limits["high_price"]:
        found["low_price"] = "below the highest price"
    return found


def _saved(row: Bookmaker) -> None:
    row.save(update_fields=[*RANGES, *STAFF_ONLY, BREAKS_FIELD, ORIGINS_FIELD])
    Bookmaker.objects.filter(pk=row.pk).update(revision=F("revision") + 1)
    row.refresh_from_db()
    doorbell.ring(doorbell.bookmaker(row.pk))


def _check_name(name: str, of: Bookmaker | None = None) -> None:
    words = ""
    taken = Bookmaker.objects.filter(name=name.strip())
    if not 1 <= len(name.strip()) <= NAME_LENGTH:
        words = f"1 to {NAME_LENGTH} characters"
    elif (taken.exclude(pk=of.pk) if of else taken).exists():
        words = "a bookmaker of this name exists"
    if words:
        raise Refused("invalid", words, {"name": words})


def _insert(row: Bookmaker) -> Bookmaker:
    """Two creators of one name: the unique constraint decides."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as e:
        raise Refused("invalid", "a bookmaker of this name exists", {"name": "a bookmaker of this name exists"}) from e
    row.refresh_from_db()
    return row


def _sports(slugs: Sequence[str]) -> list[Sport]:
    rows = list(Sport.objects.filter(slug__in=slugs))
    if missing := set(slugs) - {row.slug for row in rows}:
        words = f"unknown sports: {', '.join(sorted(missing))}"
        raise Refused("invalid", words, {"sports": words})
    return rows


def _point_sports(slugs: Sequence[str]) -> list[Sport]:
    if without := set(slugs) - fences.SPORTS:
        words = f"no point feed exists for {', '.join(sorted(without))}"
        raise Refused("invalid", words, {"point_sports": words})
    return _sports(slugs)
