"""A second, simple reading of decisions U1, U2 (with ADR 0009), U4, U10 and U13, without the product's code: the differential test's model.

Everything is plain dicts and loops, one entity at a time, so that a reader can check it against the decisions.
"""

from __future__ import annotations

from typing import Any

Content = tuple[Any, ...]
"""``("market", id, status, line, {selection: (status, price)})``, ``("result", id, {selection: status})``, ``("coverage", granted)``,
``("details", name, status, is_off)`` or ``("state", in_play, accepts)``."""


class Said:
    """A message: what a provider wrote once. ``sent`` counts seconds, ``None``: a time far ahead. ``order`` is ``None`` when it is not
    numbered, or when its number cannot be read (``lost``)."""

    def __init__(
        self, number: int, fixture: str, contents: list[Content], order: int | None, stream: str, sent: int | None, lost: bool = False
    ) -> None:
        self.number, self.fixture, self.contents, self.order, self.stream, self.sent = number, fixture, contents, order, stream, sent
        self.lost = lost

    def __repr__(self) -> str:
        order = "lost" if self.lost else self.order
        return f"Said({self.number}, {self.fixture!r}, {self.contents}, order={order}, stream={self.stream!r}, sent={self.sent})"


class Model:
    """What one feed should be after the frames it delivered, and what became of each frame."""

    def __init__(self) -> None:
        self.fixtures: dict[str, dict[str, dict[str, Any]]] = {}
        self.started: dict[str, bool] = {}
        self.seen: set[int] = set()
        self.outcomes = {"applied": 0, "superseded": 0, "duplicate": 0}

    def deliver(self, said: Said) -> None:
        if said.number in self.seen:
            self.outcomes["duplicate"] += 1
            return
        self.seen.add(said.number)
        entities = self.fixtures.setdefault(said.fixture, {})
        self.started.setdefault(said.fixture, False)
        before = {name: dict(entity) for name, entity in entities.items()}
        applied = [self._one(said, entities, before, content) for content in said.contents]
        self.outcomes["applied" if any(applied) or not applied else "superseded"] += 1

    def _one(self, said: Said, entities: dict[str, dict[str, Any]], before: dict[str, dict[str, Any]], content: Content) -> bool:
        name = "/".join(map(str, content[:2])) if content[0] in ("market", "result") else content[0]
        relation = self._relation(before.get(name), said)
        if relation == "late":
            return False
        entity = entities.setdefault(name, {"value": None, "orders": {}, "stream": None, "sent": said.sent})
        started = self._starts(said.fixture, content)
        was = entity["value"]
        entity["value"] = set_by(content, was) if relation == "newer" else closed_by(content, was)
        if said.order is not None:
            entity["orders"] = {said.stream: said.order} | {
                **entity["orders"],
                said.stream: max(said.order, entity["orders"].get(said.stream, 0)),
            }
        if relation == "newer":
            entity["stream"] = None if said.order is None else said.stream
            entity["sent"] = max((sent for sent in (entity["sent"], said.sent) if sent is not None), default=None)
        return relation == "newer" or started or entity["value"] != was

    def _relation(self, entity: dict[str, Any] | None, said: Said) -> str:
        if entity is None:
            return "newer"
        if said.lost:
            return "older"
        highest = entity["orders"].get(said.stream) if said.order is not None else None
        if highest is not None and said.order is not None:
            if said.order < highest:
                return "late"
            if said.order == highest:
                return "older"
            if entity["stream"] == said.stream:
                return "newer"
        return "older" if said.sent is not None and entity["sent"] is not None and said.sent < entity["sent"] else "newer"

    def _starts(self, fixture: str, content: Content) -> bool:
        begins = (content[0] == "details" and content[3]) or (content[0] == "state" and content[1])
        news = bool(begins) and not self.started[fixture]
        self.started[fixture] |= bool(begins)
        return news


def set_by(content: Content, was: Any) -> Any:
    """What a newer message makes of an entity."""
    match content:
        case ("market", _, status, line, selections):
            kept = {} if was is None else {ref: (*old[:2], False) for ref, old in was["selections"].items() if ref not in selections}
            return {"status": status, "line": line, "selections": {ref: (*said, True) for ref, said in selections.items()} | kept}
        case ("result", _, statuses):
            if was is None:
                return {"statuses": statuses, "revision": 1}
            return was if was["statuses"] == statuses else {"statuses": statuses, "revision": was["revision"] + 1}
        case _:
            return content[1:]


def closed_by(content: Content, was: Any) -> Any:
    """What an older message may still close or result in an entity."""
    match content:
        case ("market", _, status, _, selections):
            closing = was["status"] == "Open" and status != "Open"
            return {**was, "status": status if closing else was["status"], "selections": _suspended(was["selections"], selections)}
        case ("result", _, statuses):
            none = all(status == "None" for status in was["statuses"].values())
            return set_by(content, was) if none and any(status != "None" for status in statuses.values()) else was
        case ("coverage", granted):
            return (False,) if not granted else was
        case ("details", _, status, _):
            return (was[0], status, was[2]) if was[1] == "Scheduled" and status != "Scheduled" else was
        case ("state", _, accepts):
            return (was[0], False) if not accepts else was
    raise AssertionError(content)


def _suspended(was: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    after = dict(was)
    for ref, (status, _) in said.items():
        if ref in was and was[ref][0] == "Trading" and status != "Trading":
            after[ref] = (status, *was[ref][1:])
    return after
