"""For how long who asks may be kept waiting by a store that hangs (promise F4).

A server that hangs takes a query and never answers, so its own timeouts help nobody: who waits must give up. Feed data waits for
as long as it takes; an answer by REST must not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_seconds: ContextVar[float | None] = ContextVar("seconds that one wait for the store may take", default=None)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Inside, a single wait for the store that takes longer raises ``OperationalError``, and its connection is given up."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def seconds() -> float | None:
    """None: for ever."""
    return _seconds.get()
