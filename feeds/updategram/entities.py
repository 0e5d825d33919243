"""Markets, selections and results of one Updategram: not too many of them, and each with one meaning (promises A8, E4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from feeds.errors import Unreadable

from .reading import Element, Reading, line, path

ENTITY_LIMIT = 20_000  # markets and selections, or results, in one message: four times the largest that the vendor announces

Entity = TypeVar("Entity")


def refuse_too_many(element: Element, *tags: str) -> None:
    """Reading and what follows it, row by row, are bounded here (E4): before either, and however often an entity is sent."""
    entities = sum(1 for _ in element.iter(*tags))
    if entities > ENTITY_LIMIT:
        raise Unreadable(f"{path(element)} holds {entities} entities, more than {ENTITY_LIMIT}", line(element))


def once_each(
    reading: Reading, found: Sequence[Entity], refs: Sequence[str], *, held: Callable[[Entity], Entity], what: str
) -> tuple[Entity, ...]:
    """Entities by their ref; one that is sent twice, differently, is held, because nobody can say which is meant."""
    if len(set(refs)) == len(refs):
        return tuple(found)
    kept: dict[str, Entity] = {}
    for ref, entity in zip(refs, found, strict=True):
        differs = ref in kept and kept[ref] != entity
        kept[ref] = held(entity) if differs else entity
        if differs:
            reading.note(f"{what} {ref} is sent twice, differently: held")
    return tuple(kept.values())
