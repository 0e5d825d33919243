"""Typed values from plain ones, safely in any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def converter(kind: type[T]) -> Callable[[Any], T]:
    """``msgspec.convert`` to ``kind``, made ready at import: two threads that use a type first at the same time crash the interpreter."""
    msgspec.json.Decoder(kind)
    return lambda said: msgspec.convert(said, kind)
