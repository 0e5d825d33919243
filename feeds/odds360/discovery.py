"""Which matches there are: lists read page by page (feeds.md 3.1: ``limit``, ``offset``; 000 section 3: ``page``), rows as sent.

A page that fails does not stop the others; one that repeats what was read ends the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ParamSpec, TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from feeds.errors import Gone, Hopeless, Refused, Retryable, Throttled, Trouble

from . import answers
from .answers import Entry
from .settings import Odds360Settings, filled, places

DASHBOARD_PAGE = 100
"""Rows of a dashboard's page (000 "Backend behavior")."""
MOST_BYTES = 16 * 1024 * 1024
"""Of all objects of a list; no more are read."""
ASIDE = 64 * 1024
"""Bytes from which on reading is long enough to be done beside the loop."""
_FAILED_PAGES = 2
"""So many that fail one after the other end a list."""
P = ParamSpec("P")
T = TypeVar("T")

Ask = Callable[[str], Awaitable[bytes]]
"""The body of an address; raises :class:`feeds.errors.Trouble`."""


class ListOf(Struct, frozen=True):
    """One list of the provider: its name, the address of its n-th page from 0, and how many rows a whole page has."""

    name: str
    url: Callable[[int], str]
    size: int
    live: bool = False
    """Whether all of its matches are live."""
    named_by: tuple[str, ...] = answers.MATCHES


class Found(Struct, frozen=True):
    """What a list had. ``trouble``: the last of the pages that failed; ``unreadable``: answers that are no list, whole. ``pages`` that
    were read; ``repeated``: the list gave a page twice."""

    entries: tuple[Entry, ...] = ()
    pages: int = 0
    trouble: Trouble | None = None
    unreadable: tuple[bytes, ...] = ()
    repeated: bool = False

    @property
    def whole(self) -> bool:
        """Whether what is not in it is not in the list."""
        return self.trouble is None and not self.unreadable

    @property
    def missing(self) -> bool:
        """Whether the provider has no such list."""
        return isinstance(self.trouble, Gone) and not self.pages


async def aside(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What ``work`` returns; of ``size`` bytes that take long it is done beside the loop, on which everything else waits."""
    return await asyncio.to_thread(work, *args, **kwargs) if size > ASIDE else work(*args, **kwargs)


async def read(wanted: ListOf, ask: Ask, most_pages: int, most_rows: int = answers.MOST_ROWS) -> Found:
    """All pages of a list, each of at most ``most_rows``. Never raises for what the provider does."""
    entries: dict[str, Entry] = {}
    unreadable: list[bytes] = []
    trouble: Trouble | None = None
    pages = failed = size = 0
    repeated = False
    for number in range(most_pages):
        page, wrong, body = await _page(wanted, number, ask, most_rows)
        if page is None:
            trouble = wrong or trouble
            unreadable += [body] if body else []
            failed += 1
            if failed >= _FAILED_PAGES or isinstance(wrong, Hopeless | Refused | Throttled):
                break
            continue
        failed, pages = 0, pages + 1
        repeated = bool(page.entries) and all(entry.ref in entries for entry in page.entries)
        entries.update((entry.ref, entry) for entry in page.entries)
        size += sum(len(entry.body) for entry in page.entries)
        if (excess := _excess(page, most_rows, size)) is not None:
            trouble = excess
            break
        if repeated or page.count < wanted.size:
            break
    else:
        trouble = trouble or Retryable(f"it has over {most_pages} pages")
    return Found(tuple(entries.values()), pages, trouble, tuple(unreadable), repeated)


def _excess(page: answers.Rows, most_rows: int, size: int) -> Trouble | None:
    """Why no more of a list is read; ``size``: bytes of its objects so far."""
    if page.cut:
        return Retryable(f"a page of it has over {most_rows} objects")
    return Retryable(f"it has over {MOST_BYTES} bytes") if size > MOST_BYTES else None


async def _page(wanted: ListOf, number: int, ask: Ask, most_rows: int) -> tuple[answers.Rows | None, Trouble | None, bytes]:
    try:
        body = await ask(wanted.url(number))
    except Trouble as trouble:
        return None, trouble, b""
    rows = await aside(len(body), answers.rows, body, wanted.named_by, most_rows)
    return (rows, None, b"") if rows is not None else (None, None, body)


def live_lists(settings: Odds360Settings) -> list[ListOf]:
    """The lists that say what is live now: SportMicro's, and the public one with prices."""
    at, paths = places(settings), settings.paths
    return [
        ListOf("matches-live", paged(at.data + paths.matches_live, settings, lang=settings.lang), settings.page, live=True),
        ListOf("public", paged(at.odds + filled(paths.public, settings), settings), settings.page),
    ]


def dashboard_live(settings: Odds360Settings) -> ListOf:
    """The dashboard's list of live matches."""
    return ListOf("dashboard live", _numbered(_dashboard_list(settings), status="live"), DASHBOARD_PAGE, live=True)


def slow_lists(settings: Odds360Settings, days: Sequence[str]) -> dict[str, list[ListOf]]:
    """By the name of its interval, what is read now and then. ``days``: dates (YYYY-MM-DD) of the matches to come, the first one today."""

    def data(name: str, path: str, *, named_by: tuple[str, ...] = answers.MATCHES, **query: str) -> ListOf:
        return ListOf(name, paged(at.data + path, settings, lang=settings.lang, **query), settings.page, named_by=named_by)

    def odds(name: str, path: str, *, named_by: tuple[str, ...] = answers.MATCHES) -> ListOf:
        return ListOf(name, paged(at.odds + filled(path, settings), settings), settings.page, named_by=named_by)

    at, paths, names = places(settings), settings.paths, answers.NAMES
    found = {
        "matches_by_date": [data(f"matches-by-date {day}", paths.matches_by_date, date=f"eq.{day}") for day in days],
        "matches": [data("matches", paths.matches, start_time=f"gte.{days[0]}")],
        "leagues": [data("leagues", paths.leagues, named_by=names), odds("public leagues", paths.public_leagues, named_by=names)],
        "classes": [data("classes", paths.classes, named_by=names), odds("public classes", paths.public_classes, named_by=names)],
        "public": [odds("public", paths.public)],
    }
    if settings.bookmaker:
        found["dashboard"] = [ListOf("dashboard", _numbered(_dashboard_list(settings)), DASHBOARD_PAGE)]
    return found


def paged(base: str, settings: Odds360Settings, **query: str) -> Callable[[int], str]:
    """The address of the n-th page in SportMicro's dialect."""

    def url(number: int) -> str:
        return f"{base}?{urlencode({**query, 'limit': settings.page, 'offset': number * settings.page}, safe='.:')}"

    return url


def _dashboard_list(settings: Odds360Settings) -> str:
    return places(settings).dashboard + filled(settings.paths.dashboard_matches, settings)


def _numbered(base: str, **query: str) -> Callable[[int], str]:
    return lambda number: f"{base}?{urlencode({'page': number, **query})}"
