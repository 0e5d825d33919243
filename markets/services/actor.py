"""Who acts: a signed-in person, a bookmaker's key, a command on the server, or the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from markets.domain.values import Role
from markets.models import Member
from markets.selectors.keys import KeyHolder

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

RANK = {Role.VIEWER: 1, Role.TRADER: 2, Role.SUPERVISOR: 3}


class Actor(Struct, frozen=True):
    """``id`` is ``user:<id>``, ``key:<prefix>``, ``command`` or ``clock``; built anew for each request, so that a lost role counts (E2).

    ``roles``: bookmaker → role. ``staff``: all bookmakers, feeds, admin (P4). ``bookmaker``: the one chosen in the session, or the key's.
    ``via``: page, api, admin or command. ``scopes``: a key's words (odds, ops).
    """

    id: str
    name: str
    via: str = "page"
    request_id: str = ""
    user_id: int | None = None
    roles: dict[UUID, Role] = {}
    staff: bool = False
    bookmaker: UUID | None = None
    scopes: frozenset[str] = frozenset()

    def may(self, bookmaker_id: UUID, needed: Role) -> bool:
        """Whether the actor's role for this bookmaker reaches ``needed``; staff reach every role everywhere."""
        role = self.roles.get(bookmaker_id)
        return self.staff or (role is not None and RANK[role] >= RANK[needed])


CLOCK = Actor(id="clock", name="clock", via="clock")


def of_user(user: User | AnonymousUser, *, via: str = "page", request_id: str = "", bookmaker: UUID | None = None) -> Actor:
    """The signed-in person with the roles that the store holds now; one who is not signed in, or disabled, may do nothing."""
    if not user.is_authenticated or not user.is_active:
        return Actor(id="nobody", name="nobody", via=via, request_id=request_id)
    rows = Member.objects.filter(user_id=user.pk).values_list("bookmaker_id", "role")
    return Actor(
        id=f"user:{user.pk}",
        name=user.get_full_name() or user.get_username(),
        via=via,
        request_id=request_id,
        user_id=user.pk,
        roles={bookmaker_id: Role(role) for bookmaker_id, role in rows},
        staff=user.is_staff or user.is_superuser,
        bookmaker=bookmaker,
    )


def of_key(key: KeyHolder, *, request_id: str = "") -> Actor:
    """A verified key: a trader of its bookmaker with scope ``odds``, nobody there without it."""
    roles = {key.bookmaker: Role.TRADER} if "odds" in key.scopes else {}
    return Actor(
        id=f"key:{key.prefix}",
        name=f"key {key.prefix}",
        via="api",
        request_id=request_id,
        roles=roles,
        bookmaker=key.bookmaker,
        scopes=key.scopes,
    )


def of_command() -> Actor:
    """Whoever may run commands on the server is staff."""
    return Actor(id="command", name="command line", via="command", staff=True)
