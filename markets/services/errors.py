"""What a service answers when it does not do what it was asked. Doors (pages, REST, admin, commands) put these into their own form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ServiceError(Exception):
    """Base of all answers below; ``words`` are fit to be shown to the person who asked."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Refused(ServiceError):
    """The request breaks a rule (REST: 422). ``code`` names the rule, ``fields`` says which field and why.

    Code ``confirm``: beyond the soft limit, the same request with ``confirmed=True`` is accepted.
    """

    def __init__(self, code: str, words: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.fields = dict(fields or {})


class Conflict(ServiceError):
    """Somebody else changed it first (REST: 409, promise C4). ``current`` holds the value, its owner, when, and the version, as JSON."""

    def __init__(self, words: str, current: Mapping[str, Any]) -> None:
        super().__init__(words)
        self.current = dict(current)


class NotFound(ServiceError):
    """Unknown, or another bookmaker's: nobody can tell which (REST: 404, promise E1)."""

    def __init__(self, words: str = "not found") -> None:
        super().__init__(words)


class Forbidden(ServiceError):
    """The actor's role does not allow it (REST: 403, decision P4)."""

    def __init__(self, words: str = "your role does not allow this") -> None:
        super().__init__(words)
