"""What the door for pushed messages says, byte for byte, and what a server can tell it of a request before its body."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

METHODS = {"ProcessMessage": ("POST",), "Heartbeat": ("POST", "GET")}


class Head(Struct, frozen=True):
    """What is known of a request before its body: ``client`` is the address of the TCP connection, ``path`` without the query."""

    path: str
    query: bytes
    headers: Sequence[tuple[bytes, bytes]]
    client: str


class Answer(Struct, frozen=True):
    """A whole response, made once: ``status``, ``headers`` and ``body`` as they go on the wire."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def _answer(status: int, words: str, *headers: tuple[bytes, bytes]) -> Answer:
    body = words.encode() + b"\n"
    plain = (b"content-type", b"text/plain; charset=utf-8")
    return Answer(status, (plain, (b"content-length", str(len(body)).encode()), *headers), body)


KEPT = _answer(200, "kept")
ALIVE = _answer(200, "alive")
NOT_ACCEPTED = _answer(401, "not accepted", (b"www-authenticate", b'Basic realm="feeds"'))
TOO_LARGE = _answer(413, "too large")
CANNOT_STORE = _answer(503, "cannot store", (b"retry-after", b"1"))
WRONG_METHOD = {call: _answer(405, "wrong method", (b"allow", ", ".join(allowed).encode())) for call, allowed in METHODS.items()}
