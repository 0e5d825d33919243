"""The demonstration: two bookmakers and four people with known passwords, usable only on loopback beside simulators.

The names are reserved (:data:`people.RESERVED`), so that no real person can be one of them, and the sign-in refuses them elsewhere:
:class:`DeskBackend` is the one way in for pages and admin alike, and ends their sessions too when the guard no longer holds.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from msgspec import Struct

from markets.domain import fences
from markets.domain.values import Role
from markets.models import Bookmaker, Member, Source, Sport
from markets.selectors.points import PROVIDERS

from . import bookmakers
from .actor import of_command
from .people import RESERVED

PASSWORD = "demo-desk-1"  # noqa: S105 -- known to everybody; it opens nothing outside a loopback demonstration
SPORTS = ("football", "tennis", "basketball", "table-tennis")
NORTH, SOUTH = "Demo North", "Demo South"


class _Person(Struct, frozen=True):
    name: str
    words: str
    roles: dict[str, Role]
    staff: bool = False


PEOPLE = (
    _Person("demo-trader", f"trader at {NORTH} and {SOUTH}", {NORTH: Role.TRADER, SOUTH: Role.TRADER}),
    _Person("demo-supervisor", f"supervisor at {NORTH}", {NORTH: Role.SUPERVISOR}),
    _Person("demo-viewer", f"viewer at {NORTH}", {NORTH: Role.VIEWER}),
    _Person("demo-admin", "staff: all bookmakers, feeds, admin", {}, staff=True),
)


class DeskBackend(ModelBackend):
    """Django's own sign-in, closed to demo people wherever :func:`allowed` says no."""

    def get_user(self, user_id: int) -> User | None:
        """With the person's preference, in the one query that each request makes anyway."""
        user = get_user_model().objects.select_related("preference").filter(pk=user_id).first()
        return user if self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        if user is not None and user.get_username().startswith(RESERVED) and not allowed():
            return False
        return super().user_can_authenticate(user)


def allowed() -> bool:
    """Whether demo people may sign in here: simulators on, and bound to loopback."""
    return bool(getattr(settings, "DESK_DEMO_SIGN_INS", False))


def ensure_demo() -> list[tuple[str, str, str]]:
    """Make what is missing; returns (user name, password, what the person may do) for the desk command to print.

    Touches nothing, and returns nothing, where demo people may not sign in.
    """
    if not allowed():
        return []
    with transaction.atomic():
        houses = {name: _bookmaker(name) for name in (NORTH, SOUTH)}
        for person in PEOPLE:
            _join(_user(person), person, houses)
        demand_points()
    return [(person.name, PASSWORD, person.words) for person in PEOPLE]


def demand_points() -> None:
    """In-play tennis of the demo bookmakers needs a point feed (A13) once a simulated one exists; call it when one is made."""
    if not Source.objects.filter(provider__in=PROVIDERS, simulated=True).exists():
        return
    for house in Bookmaker.objects.filter(name__in=(NORTH, SOUTH), demo=True, point_sports=None):
        bookmakers.update(of_command(), house.pk, point_sports=sorted(fences.SPORTS))


def _bookmaker(name: str) -> Bookmaker:
    found = Bookmaker.objects.filter(name=name).first()
    return _shown_all(found) if found else bookmakers.create(of_command(), name, _sports(), demo=True)


def _shown_all(house: Bookmaker) -> Bookmaker:
    """A demo bookmaker of an earlier version sees what the simulators play since."""
    sports = set(house.sports.values_list("slug", flat=True))
    if not house.demo or sports >= set(_sports()):
        return house
    return bookmakers.update(of_command(), house.pk, sports=sorted(sports.union(_sports())))


def _sports() -> list[str]:
    """Those that the simulator plays."""
    return list(Sport.objects.filter(slug__in=SPORTS).values_list("slug", flat=True))


def _user(person: _Person) -> User:
    """Hashing is slow on purpose: an existing password that still fits is left alone."""
    wanted: dict[str, Any] = {"is_staff": person.staff, "is_superuser": person.staff, "is_active": True}
    user, made = get_user_model().objects.update_or_create(username=person.name, defaults=wanted)
    if made or not user.has_usable_password():
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    return user


def _join(user: User, person: _Person, houses: dict[str, Bookmaker]) -> None:
    for name, role in person.roles.items():
        if not Member.objects.filter(user=user, bookmaker=houses[name], role=role.value).exists():
            bookmakers.set_role(of_command(), houses[name].pk, user.pk, role)
