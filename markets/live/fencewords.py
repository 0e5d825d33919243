"""What a reader of points says to the processes that serve prices, and how it is written on the roads between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

CHANNEL = "desk_fence"
"""PostgreSQL's NOTIFY channel, and the first part of the name of Redis'."""
PAYLOAD_LIMIT = 7_900  # PostgreSQL refuses 8,000 bytes

EVERY = ""
NOTHING_HELD: Mapping[str, str] = {}
Match = tuple[int, str]
"""A point feed's source id and its own id of the match."""


class Said(Struct, frozen=True, tag="said"):
    """A packet has been read and not been kept yet. ``number`` counts the reader's announcements of this source, from 1."""

    source_id: int
    ref: str
    seq: int | None
    urgent: bool
    read_at: datetime
    reader: str
    number: int


class Kept(Struct, frozen=True, tag="kept"):
    """Every announcement of the match up to number ``up_to`` is durable."""

    source_id: int
    ref: str
    reader: str
    up_to: int


class Beat(Struct, frozen=True, tag="beat"):
    """The reader is alive, has announced ``count`` packets, and those of the matches ``unkept`` are not all durable yet.

    ``held``: match → why its prices are, in words (:meth:`markets.domain.heard.Heard.held`); the match :data:`EVERY` is all of the source.
    """

    source_id: int
    reader: str
    count: int
    unkept: tuple[str, ...] = ()
    held: Mapping[str, str] = {}


Word = Said | Kept | Beat
KeptFrame = tuple[int, str, int | None]
"""Source id, match and number (``None``: none that can be read) of a frame that a transaction kept."""

_encoder = msgspec.json.Encoder()
_word: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)
_frames = msgspec.json.Decoder(list[KeptFrame])


def encode(word: Word) -> bytes:
    return _encoder.encode(word)


def decode(text: bytes) -> Word:
    """Raises ``msgspec.MsgspecError`` for anything else."""
    return _word.decode(text)


def payloads(frames: Iterable[KeptFrame]) -> Iterator[str]:
    """Kept frames of point feeds in as few NOTIFY payloads as PostgreSQL allows; nothing without frames."""
    waiting: list[str] = []
    size = 0
    for text in dict.fromkeys(_encoder.encode(frame).decode() for frame in frames):
        width = len(text.encode()) + 1
        if waiting and size + width > PAYLOAD_LIMIT:
            yield f"[{','.join(waiting)}]"
            waiting, size = [], 0
        waiting.append(text)
        size += width
    if waiting:
        yield f"[{','.join(waiting)}]"


def frames_of(payload: str) -> list[KeptFrame]:
    """What a payload of :func:`payloads` names; raises ``msgspec.MsgspecError``."""
    return _frames.decode(payload)
