"""Reading providers' slow lists: what is due, read on a thread of its own, kept where it says something new (feeds.md 3.1).

Beat starts it (embedded, the sweep does); a worker must go on draining meanwhile, whatever a provider does. Of several workers one reads a
list: whoever moves when it is due.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from markets import db
from markets.services import pointlife

from . import clerk, connection
from .errors import Gone, Throttled, Trouble
from .keeping import Arrived, Writer
from .models import ListedObject, ProviderList
from .nudge import nudge
from .outgoing import Listed, Listing, SlowLists, Wanted
from .registry import LISTS

logger = logging.getLogger(__name__)

AT_ONCE = 50
"""Frames of one transaction."""
RETRY_SECONDS = 30.0
ABSENT_SECONDS = 3600.0
"""After which a list is asked for again that a provider has never had, who has others."""
NOT_SERVED = "not served here"
REMEMBERED = timedelta(days=7)
_running = threading.Lock()


def start() -> None:
    """Read what is due in a thread of its own, unless one does already."""
    if not _running.locked():
        threading.Thread(target=_read_due, name="lists", daemon=True).start()


def _read_due() -> None:
    with _running:
        connection.own()
        try:
            for wanted in clerk.wanted(tuple(LISTS)):
                read_feed(wanted)
        except DatabaseError as error:
            logger.warning("the lists wait: %s", type(error).__name__)
        except Exception:
            logger.exception("reading lists failed; it is tried again soon")
        finally:
            connection.release()


def states() -> list[tuple[int, str, datetime | None, int, str, bool]]:
    """Source id, name, when it was read last, objects, why not all of them, whether the provider has no such list: each list of the feeds
    that are switched on.
    """
    rows = ProviderList.objects.filter(source__enabled=True).order_by("source_id", "name")
    return [(*row, row[-1] == NOT_SERVED) for row in rows.values_list("source_id", "name", "read_at", "rows", "words")]


def read_feed(wanted: Wanted) -> None:
    """Every list of one feed that is due."""
    try:
        lists = LISTS[wanted.provider](wanted)
    except Trouble:
        return  # the runner shows why
    with asyncio.Runner() as loop:
        try:
            missing: list[tuple[str, Listing]] = []
            for name in _due(wanted.source_id, lists):
                listing = loop.run(lists.read(name))
                if isinstance(listing.trouble, Gone):
                    missing.append((name, listing))  # the others tell whether this provider is just another kind
                else:
                    _finish(wanted, name, lists, listing)
            for name, listing in missing:
                if not _not_served(wanted, name):
                    _finish(wanted, name, lists, listing)
        finally:
            loop.run(lists.close())


def _due(source_id: int, lists: SlowLists) -> Iterable[str]:
    """Names of the lists that are ours to read now, each as it is come to."""
    for name, seconds in lists.intervals.items():
        now = db.now()
        ProviderList.objects.bulk_create([ProviderList(source_id=source_id, name=name, due_at=now)], ignore_conflicts=True)
        row = ProviderList.objects.filter(source_id=source_id, name=name, due_at__lte=now)
        if row.update(due_at=now + timedelta(seconds=seconds)):
            yield name


def _finish(wanted: Wanted, name: str, lists: SlowLists, listing: Listing) -> None:
    """Keep what is new and write down how it went."""
    rows = _without_played(wanted.source_id, listing.rows)
    for place in range(0, len(rows), AT_ONCE):
        _keep(wanted.source_id, name, rows[place : place + AT_ONCE])
    ListedObject.objects.filter(source_id=wanted.source_id, seen_at__lt=db.now() - REMEMBERED).delete()
    about = ProviderList.objects.filter(source_id=wanted.source_id, name=name)
    if listing.trouble is None:
        about.update(read_at=db.now(), rows=len(listing.rows), words="")
        return
    words = lists.conceal(listing.trouble.words)
    about.update(rows=len(listing.rows), words=words[:300])
    logger.warning("feed %s: the list %s could not be read whole: %s", wanted.slug, name, words)
    if (sooner := _sooner(listing.trouble)) is not None:
        about.filter(due_at__gt=db.now() + sooner).update(due_at=db.now() + sooner)


def _not_served(wanted: Wanted, name: str) -> bool:
    """Whether a list that is not there never was, though others are: that is no trouble, told once, and seldom asked for again."""
    about = ProviderList.objects.filter(source_id=wanted.source_id, name=name, read_at=None)
    if not about.exists() or not ProviderList.objects.filter(source_id=wanted.source_id, read_at__isnull=False).exists():
        return False
    if about.exclude(words=NOT_SERVED).update(words=NOT_SERVED):
        logger.info("feed %s: the list %s is not served there", wanted.slug, name)
    about.update(due_at=db.now() + timedelta(seconds=ABSENT_SECONDS))
    return True


def _sooner(trouble: Trouble) -> timedelta | None:
    """When to try again before the interval is over; ``None``: not before."""
    if isinstance(trouble, Gone):
        return None
    return timedelta(seconds=max(RETRY_SECONDS, trouble.seconds if isinstance(trouble, Throttled) else 0.0))


def _without_played(source_id: int, rows: Sequence[Listed]) -> list[Listed]:
    """Of a match that is followed live the list of live matches tells; a slower list may be behind it."""
    played = pointlife.played(source_id)
    return [row for row in rows if not row.stream or row.ref not in played]


def _keep(source_id: int, name: str, rows: Sequence[Listed]) -> None:
    """Objects that differ from what the list said of them last, with that memory, in one transaction."""
    known = _known(source_id, name, [row.ref for row in rows])
    fresh = [row for row in rows if known.get(row.ref) != row.content]
    now = datetime.now(UTC)
    frames = [Arrived(source_id, now, row.content_type, "", row.body, row.stream) for row in fresh if row.stream]
    with transaction.atomic():
        lanes = Writer().write(frames)[1] if frames else set()
        _remember(source_id, name, fresh)
        ListedObject.objects.filter(source_id=source_id, list=name, ref__in=[row.ref for row in rows]).update(seen_at=timezone.now())
    nudge(lanes)


def _known(source_id: int, name: str, refs: Collection[str]) -> dict[str, bytes]:
    rows = ListedObject.objects.filter(source_id=source_id, list=name, ref__in=refs).values_list("ref", "content")
    return {ref: bytes(content) for ref, content in rows}


def _remember(source_id: int, name: str, rows: Iterable[Listed]) -> None:
    now = timezone.now()
    objects = [
        ListedObject(source_id=source_id, list=name, ref=row.ref, content=row.content, body=b"" if row.stream else row.body, seen_at=now)
        for row in rows
    ]
    ListedObject.objects.bulk_create(
        objects, update_conflicts=True, unique_fields=["source", "list", "ref"], update_fields=["content", "body", "seen_at"]
    )
