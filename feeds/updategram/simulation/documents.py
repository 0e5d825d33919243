"""Updategrams as the vendor writes them: namespaced, tab-indented, ``i:nil`` for what has no value (003)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from random import Random
from xml.sax.saxutils import escape

from msgspec import Struct

NAMESPACE = "http://schemas.sportsdataservices.com/integrationService/v3"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ROOT = f'<Updategram xmlns:i="{INSTANCE}" xmlns="{NAMESPACE}">'


class Node(Struct, frozen=True):
    """An element: text, a number, children, or nil (``None``)."""

    name: str
    content: object = None


def moment(at: datetime) -> str:
    """``2015-10-24T09:59:59Z``, with fractional seconds where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return moment(value) if isinstance(value, datetime) else escape(str(value))


def _lines(node: Node, depth: int, into: list[str]) -> None:
    tabs = "\t" * depth
    if node.content is None:
        into.append(f'{tabs}<{node.name} i:nil="true" />')
    elif not isinstance(node.content, list):
        into.append(f"{tabs}<{node.name}>{_text(node.content)}</{node.name}>")
    elif not node.content:
        into.append(f"{tabs}<{node.name} />")
    else:
        into.append(f"{tabs}<{node.name}>")
        for child in node.content:
            _lines(child, depth + 1, into)
        into.append(f"{tabs}</{node.name}>")


class Envelope(Struct):
    """One message on its way: the header that stays the same over retries, and what it says."""

    guid: str
    sent_at: datetime
    order: int | None
    part: Node

    def render(self, retry: int = 0) -> bytes:
        fields = [
            Node("MessageGuid", self.guid),
            Node("TimeStampUtc", self.sent_at),
            Node("Retry", retry),
            Node("ChannelId", 7026),
        ]
        order = [] if self.order is None else [Node("MessageFixtureOrder", self.order)]
        header = Node("Header", [*fields, *order])
        lines = ['<?xml version="1.0" encoding="utf-8"?>', _ROOT]
        _lines(header, 1, lines)
        _lines(self.part, 1, lines)
        lines.append("</Updategram>")
        return ("\n".join(lines) + "\n").encode()


def deleted(fixture_id: str) -> Node:
    """A fixture that is no more: the least that 003 "Fixture" allows."""
    return Node("Fixture", [Node("Id", fixture_id), Node("Name", "withdrawn"), Node("FixtureType", "Match"), Node("Status", "Deleted")])


def new_guid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
