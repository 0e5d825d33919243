"""What goes wrong by chance, whichever faults a provider has."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from random import Random
from typing import TypeVar

from msgspec import Struct

Fault = TypeVar("Fault", bound=StrEnum)


def drawn(random: Random, chances: Struct, among: Iterable[Fault]) -> Fault | None:
    """At most one of them; ``chances`` has 0–1 under the name of each."""
    at = random.random()
    for fault in among:
        at -= getattr(chances, fault.value)
        if at < 0:
            return fault
    return None
