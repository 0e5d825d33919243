"""The answer to whoever wants to listen; kept with the socket, and compared with the next answer."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from markets.domain.values import Role


class Standing(Struct, frozen=True):
    """The answer. ``code`` 0: may listen as ``bookmaker``'s member; else the close code, the same for foreign and unknown (E1).

    ``fixture_id``: the row of the match asked for. ``key_id``: of the key, 0 for a person.
    """

    code: int = 0
    user_id: int = 0
    bookmaker: UUID | None = None
    role: Role | None = None
    fixture_id: int | None = None
    key_id: int = 0

    @property
    def owner(self) -> str:
        """Whose connections are counted together."""
        return f"key {self.key_id}" if self.key_id else f"user {self.user_id}"
