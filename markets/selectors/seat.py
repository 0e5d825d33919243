"""Where a person sits: which bookmakers, in which role, and which of them is in front of them now (decision P4)."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from msgspec import Struct

from markets.domain.values import Role
from markets.models import Bookmaker, Member

SESSION_KEY = "bookmaker"
"""The session's key for the chosen bookmaker's id, as text."""


class Place(Struct, frozen=True):
    """One bookmaker that a person belongs to. Staff sit everywhere, as supervisors."""

    id: UUID
    name: str
    role: Role
    demo: bool = False


class Seat(Struct, frozen=True):
    """``bookmaker`` is the chosen one where the person still belongs to it, else the first by name; ``None`` when there is none."""

    user_id: int
    name: str
    staff: bool
    bookmakers: tuple[Place, ...]
    bookmaker: Place | None

    @property
    def role(self) -> Role | None:
        return self.bookmaker.role if self.bookmaker else None

    @property
    def trades(self) -> bool:
        return self.role in (Role.TRADER, Role.SUPERVISOR)

    @property
    def supervises(self) -> bool:
        return self.role is Role.SUPERVISOR

    @property
    def roles(self) -> dict[UUID, Role]:
        return {b.id: b.role for b in self.bookmakers}


def load(user: AbstractBaseUser | AnonymousUser, chosen: str | None, using: str = "default") -> Seat | None:
    """The seat of an active user, read anew each time so that a changed role counts at once (promise E2). One query."""
    if not user.is_authenticated or not user.is_active:
        return None
    staff = bool(getattr(user, "is_staff", False))
    places = _all_places(using) if staff else _own_places(int(user.pk), using)
    here = next((p for p in places if str(p.id) == chosen), places[0] if places else None)
    name = str(getattr(user, "get_full_name", str)() or getattr(user, "username", ""))
    return Seat(int(user.pk), name, staff, places, here)


def _own_places(user_id: int, using: str) -> tuple[Place, ...]:
    rows = Member.objects.using(using).filter(user_id=user_id).select_related("bookmaker").order_by("bookmaker__name")
    return tuple(Place(m.bookmaker_id, m.bookmaker.name, Role(m.role), m.bookmaker.demo) for m in rows)


def _all_places(using: str) -> tuple[Place, ...]:
    return tuple(Place(b.id, b.name, Role.SUPERVISOR, b.demo) for b in Bookmaker.objects.using(using).order_by("name"))
