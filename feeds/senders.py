"""Who may push: a feed's secret *and* an address in its networks (promise E3, decision U17)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl

from msgspec import Struct

from .peers import Address, Network, within

Headers = Iterable[tuple[bytes, bytes]]
_NOBODY = "0" * 64
SHORTEST_SECRET = 16
_SECRETS_A_FEED = 2  # the second one is valid during a rotation


class Sender(Struct, frozen=True):
    """One feed as the door knows it. ``hashes``: of its valid secrets, two during a rotation."""

    source_id: int
    slug: str
    hashes: tuple[str, ...]
    networks: tuple[Network, ...]


def secret_hash(secret: str) -> str:
    """What the database keeps of a feed's secret. Secrets are long and random, so a plain digest is enough."""
    return hashlib.sha256(b"tradingdesk feed secret\0" + secret.encode()).hexdigest()


def path_of(slug: str) -> str:
    """Where a feed is pushed to; ``/ProcessMessage`` and ``/Heartbeat`` follow."""
    return f"/feeds/updategram/{slug}"


def offered(headers: Headers, query: bytes) -> tuple[str, str]:
    """The secrets that a request offers: the Basic password (its user name is ignored) and ``?token=``; empty where there is none."""
    return _basic_password(headers), _token(query)


def accepts(sender: Sender | None, secrets: Sequence[str], peer: Address | None) -> bool:
    """Whether ``sender`` takes a request with ``secrets`` from ``peer``; the work is the same for a slug that does not exist."""
    known = (*(sender.hashes if sender else ()), _NOBODY, _NOBODY)[:_SECRETS_A_FEED]
    match = False
    for secret in secrets:
        digest = secret_hash(secret)
        for one in known:
            match |= hmac.compare_digest(digest, one)
    near = within(peer, sender.networks if sender else ())
    return match & near


def _basic_password(headers: Headers) -> str:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, credentials = value.partition(b" ")
            return _decoded(credentials) if scheme.lower() == b"basic" else ""
    return ""


def _decoded(credentials: bytes) -> str:
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
    return text.partition(":")[2]


def _token(query: bytes) -> str:
    if b"token" not in query:
        return ""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
    return next((value for name, value in pairs if name == "token"), "")
