"""Several writers at once, each on a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connections


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run all together; each one's return value or the exception that it raised, in order."""
    gate = threading.Barrier(len(actions))
    results: list[Any] = [None] * len(actions)

    def run(place: int, action: Callable[[], Any]) -> None:
        try:
            gate.wait(10)
            results[place] = action()
        except Exception as e:  # the test looks at it
            results[place] = e
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, a)) for n, a in enumerate(actions)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    return results


def of_kind(results: Sequence[Any], kind: type) -> list[Any]:
    return [r for r in results if isinstance(r, kind)]
