"""A bookmaker's keys: ``desk_<prefix>_<secret>``, shown once, stored as prefix and hash (promises E2, E7).

The secret has 256 random bits, so one round of SHA-256 is as good as a slow hash and costs a request nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from msgspec import Struct

from markets import db
from markets.domain.values import Role
from markets.models import ApiKey
from markets.selectors import keys
from markets.selectors.keys import KeyHolder

from . import access, audit, doorbell
from .actor import Actor
from .errors import NotFound, Refused

SCOPES = frozenset({"odds", "ops"})
PREFIX_BYTES = 5
_NOBODY = "0" * 64


def create(
    actor: Actor, bookmaker_id: UUID, *, scopes: Sequence[str] = ("odds",), expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """A new key and its text, which nobody can read again; staff only. A rotation is a second key, then a revocation.

    Raises Refused for an unknown scope or an end that has passed, NotFound, Forbidden.
    """
    access.staff(actor)
    bookmaker = access.bookmaker(actor, bookmaker_id, Role.SUPERVISOR)
    _check(scopes, expires_at)
    prefix, secret = secrets.token_hex(PREFIX_BYTES), secrets.token_urlsafe(32)
    with transaction.atomic():
        row = ApiKey.objects.create(
            bookmaker=bookmaker, prefix=prefix, hash=_hash(secret), scopes=" ".join(sorted(set(scopes))), expires_at=expires_at
        )
        after = {"prefix": prefix, "scopes": row.scopes, "expiresAt": expires_at.isoformat() if expires_at else None}
        audit.told(actor, db.now(), action="key created", bookmaker_id=bookmaker.pk, object_words=f"key {prefix}", after=after)
    return row, f"desk_{prefix}_{secret}"


def revoke(actor: Actor, key_id: int) -> None:
    """End a key now; staff only. Doing it twice changes nothing. Raises NotFound, Forbidden."""
    access.staff(actor)
    with transaction.atomic():
        row = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        if row is None:
            raise NotFound
        if row.revoked_at is None:
            row.revoked_at = db.now()
            row.save(update_fields=["revoked_at"])
            words = f"key {row.prefix}"
            audit.told(actor, row.revoked_at, action="key revoked", bookmaker_id=row.bookmaker_id, object_words=words)
            doorbell.ring(doorbell.bookmaker(row.bookmaker_id))


def verify(token: str, using: str = "default") -> KeyHolder | None:
    """Who holds a token that is right, unexpired and not revoked; None otherwise. Compares in constant time, known prefix or not.

    Reads the store each time, so that a revoked key ends at once (E2). One query.
    """
    given = proof(token)
    holder = keys.holders([given.prefix], using).get(given.prefix)
    return holder if given.fits(holder.digest if holder else None) else None


class Proof(Struct, frozen=True):
    """What is left of a token that may be asked about again and again: it opens nothing, and may be held in memory."""

    prefix: str
    digest: str

    def fits(self, stored: str | None) -> bool:
        """Compares with a key's hash, or with nobody's, in constant time."""
        return hmac.compare_digest(self.digest, stored or _NOBODY)


def proof(token: str) -> Proof:
    """Of a text that is no token: a proof that fits nothing."""
    start, _, rest = token.partition("_")
    prefix, _, secret = rest.partition("_")
    if start != "desk" or not (prefix.isascii() and prefix.isalnum()) or len(token) > 200:
        prefix = ""
    return Proof(prefix, _hash(secret))


def _check(scopes: Sequence[str], expires_at: datetime | None) -> None:
    if not scopes or set(scopes) - SCOPES:
        words = f"some of {', '.join(sorted(SCOPES))}"
        raise Refused("invalid", words, {"scopes": words})
    if expires_at is not None and expires_at <= db.now():
        raise Refused("invalid", "that time has passed", {"expires_at": "that time has passed"})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
