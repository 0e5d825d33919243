"""Whose a key is, and what it may: asked by every request and by every stream."""

# ruff: noqa: S608 -- only this module's own names are put into the SQL; every value travels as a parameter

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import msgspec
from msgspec import Struct

from .bundle import Dialect, marks, rows


class KeyHolder(Struct, frozen=True):
    """A key that is neither revoked nor expired. ``digest``: its hash as stored; origins and requests are its bookmaker's (O5)."""

    id: int
    prefix: str
    digest: str
    bookmaker: UUID
    scopes: frozenset[str]
    origins: frozenset[str]
    requests_per_second: int


def holders(prefixes: Collection[str], using: str = "default") -> dict[str, KeyHolder]:
    """By prefix. One query, none without prefixes.

    As one text, because building it anew costs the ORM more than all else that a small request does.
    """
    if not prefixes:
        return {}
    d = Dialect(using)
    sql = (
        f"SELECT k.id, k.prefix, k.hash, {d.text('k.bookmaker_id')}, k.scopes, {d.text('b.origins')}, b.requests_per_second"
        " FROM markets_apikey k JOIN markets_bookmaker b ON b.id = k.bookmaker_id"
        f" WHERE k.prefix IN ({marks(prefixes)}) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > {d.now})"
    )
    return {holder.prefix: holder for holder in (_holder(*row) for row in rows(using, sql, tuple(prefixes)))}


_origins = msgspec.json.Decoder(frozenset[str])


def _holder(key_id: int, prefix: str, digest: str, bookmaker: str, scopes: str, origins: str, most: int) -> KeyHolder:
    return KeyHolder(key_id, prefix, digest, UUID(bookmaker), frozenset(scopes.split()), _origins.decode(origins), most)
