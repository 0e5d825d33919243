"""Guessing is limited, and nobody locks out another (promise E6).

Counted are failures of a *peer*, and of a peer with one user name; never of a user name alone, so that a stranger's guesses close no door
to its owner. A user name guessed from many places is closed only to places that never signed in with it before.
The peer is the address that the server itself determined (the right-most trusted hop), so that a forged header counts for nothing;
IPv6 counts by /64, what one subscriber has. Works from the store, so that all web processes count together.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from msgspec import Struct

from markets import db
from markets.models import Attempts

SIGN_IN = "sign-in"
KEY = "key"
WINDOW = timedelta(minutes=5)
REMEMBERED = timedelta(days=90)
KNOWN = "known"
MOST_ROWS = 20_000


class _Counter(Struct, frozen=True):
    """One count: whose, and how many failures within the window close it."""

    kind: str
    caller: str
    limit: int


def blocked_for(kind: str, peer: str, name: str = "") -> int:
    """Seconds that this peer must wait before it may try again; 0: it may try now.

    Ask before looking at a password, which can be guessed; after a wrong key, which cannot: a right one is never kept out.
    """
    now = db.now()
    counters = {(c.kind, c.caller): c.limit for c in _counters(kind, peer, name)}
    rows = Attempts.objects.filter(kind__in=[k for k, _ in counters], caller__in=[c for _, c in counters], since__gt=now - WINDOW)
    waits = [row.since + WINDOW - now for row in rows if row.failures >= counters.get((row.kind, row.caller), row.failures + 1)]
    return max((int(w.total_seconds()) + 1 for w in waits), default=0)


def failed(kind: str, peer: str, name: str = "") -> None:
    """Count a wrong password (``name``: the user typed) or a wrong key."""
    now = db.now()
    with transaction.atomic():
        for counter in _counters(kind, peer, name):
            _count(counter, now)


def succeeded(kind: str, peer: str, name: str = "") -> None:
    """Forget the failures of this peer with this name, and remember the peer as known to that user."""
    if not name:
        return
    pair = _digest(kind, _place(peer), name)
    Attempts.objects.filter(kind=f"{kind}:pair"[:12], caller=pair).delete()
    Attempts.objects.update_or_create(kind=KNOWN, caller=pair, defaults={"since": db.now(), "failures": 0})


def forget(now: datetime, limit: int) -> None:
    """Cut counts whose window is over and places not seen for long; whatever happens the table stays bounded."""
    over = Attempts.objects.exclude(kind=KNOWN).filter(since__lte=now - WINDOW)
    unseen = Attempts.objects.filter(kind=KNOWN, since__lte=now - REMEMBERED)
    for old in (over, unseen):
        if ids := list(old.values_list("pk", flat=True)[:limit]):
            Attempts.objects.filter(pk__in=ids).delete()
    if surplus := list(Attempts.objects.exclude(kind=KNOWN).order_by("-since").values_list("pk", flat=True)[MOST_ROWS : MOST_ROWS + limit]):
        Attempts.objects.filter(pk__in=surplus).delete()


def _counters(kind: str, peer: str, name: str) -> list[_Counter]:
    place = _place(peer)
    counters = [_Counter(f"{kind}:peer"[:12], _digest(kind, place), 30)]
    if not name:
        return counters
    pair = _digest(kind, place, name)
    counters.append(_Counter(f"{kind}:pair"[:12], pair, 5))
    if not Attempts.objects.filter(kind=KNOWN, caller=pair).exists():
        counters.append(_Counter(f"{kind}:name"[:12], _digest(kind, name), 50))
    return counters


def _count(counter: _Counter, now: datetime) -> None:
    row, _ = Attempts.objects.get_or_create(kind=counter.kind, caller=counter.caller, defaults={"since": now})
    same = Attempts.objects.filter(pk=row.pk)
    if not same.filter(since__lte=now - WINDOW).update(since=now, failures=1):
        same.filter(failures__lt=counter.limit).update(failures=F("failures") + 1)


def _place(peer: str) -> str:
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return "elsewhere"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(p.casefold() for p in parts).encode()).hexdigest()
