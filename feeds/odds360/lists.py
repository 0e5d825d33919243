"""The slow lists of SportMicro and Odds360: matches to come, leagues, classes (000 sections 1, 3 and 5). Read by a worker now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from feeds.errors import Refused, Retryable, Trouble
from feeds.outgoing import Listed, Listing, SlowLists, Wanted
from feeds.transport import rest
from feeds.transport.limits import Limits

from . import answers, discovery
from .discovery import Found, ListOf
from .feed import concealed, dashboard_token, headers
from .settings import Intervals, settings_of
from .subjects import Kind, subject

DAYS = 2
"""Today and tomorrow, in UTC."""
LONGEST = 120.0
"""Seconds after which the reading of a list is given up."""
_NO_MATCHES = frozenset({"leagues", "classes"})


class Odds360Lists:
    """See :class:`feeds.outgoing.SlowLists`."""

    def __init__(self, wanted: Wanted) -> None:
        if wanted.refusal:
            raise Refused(wanted.refusal)
        self._settings = settings_of(wanted.settings)
        self._token = wanted.token
        self._dashboard_token = dashboard_token(self._settings, wanted.token)
        limits = Limits(self._settings.rates.lists, 2)
        seconds = self._settings.request_seconds
        self._client = rest.Client(seconds=seconds, whole=2 * seconds, limits=limits, longest_pause=self._settings.pace.longest_pause)

    @property
    def intervals(self) -> Mapping[str, float]:
        named = {name: float(getattr(self._settings.intervals, name)) for name in Intervals.__struct_fields__}
        return {name: named[name] for name in self._lists()}

    async def read(self, name: str) -> Listing:
        found: list[tuple[ListOf, Found]] = []
        try:
            async with asyncio.timeout(LONGEST):
                for one in self._lists()[name]:
                    found.append((one, await discovery.read(one, self._ask(name), self._settings.most_pages, self._settings.most_rows)))
        except TimeoutError:
            return self._listing(name, found, Retryable(f"reading took longer than {LONGEST:g} s"))
        return self._listing(name, found, None)

    def conceal(self, words: str) -> str:
        return concealed(words, self._token, self._dashboard_token)

    async def close(self) -> None:
        await self._client.close()

    def _lists(self) -> dict[str, list[ListOf]]:
        today = datetime.now(UTC).date()
        return discovery.slow_lists(self._settings, [(today + timedelta(days=n)).isoformat() for n in range(DAYS)])

    def _ask(self, name: str) -> discovery.Ask:
        token = self._dashboard_token if name == "dashboard" else self._token

        async def ask(url: str) -> bytes:
            if not token:
                raise Refused(f"the environment variable {self._settings.dashboard_token_env} is not set in this process")
            return await self._client.get(url, headers(token))

        return ask

    def _listing(self, name: str, found: Iterable[tuple[ListOf, Found]], late: Trouble | None) -> Listing:
        """One that is in several counts by the first that has it; a list that is missing is no trouble where another has its objects."""
        rows: dict[str, Listed] = {}
        trouble, pages = late, 0
        for one, result in found:
            pages += result.pages
            for entry in result.entries:
                rows.setdefault(entry.ref, self._row(name, entry))
            for place, body in enumerate(result.unreadable):
                rows[f"{one.name} {place}"] = Listed(f"{one.name} {place}", body, answers.content(body), subject(Kind.MATCH), "text/plain")
                trouble = trouble or Retryable("an answer is no list")
            trouble = trouble or (None if result.missing else result.trouble)
        if not pages and trouble is None:
            trouble = next((result.trouble for _, result in found if result.trouble), None)
        return Listing(tuple(rows.values()), trouble)

    def _row(self, name: str, entry: answers.Entry) -> Listed:
        content = answers.row_content(entry.body)
        if name in _NO_MATCHES:
            return Listed(entry.ref, entry.body, content)
        return Listed(entry.ref, entry.body, content, subject(Kind.MATCH, entry.ref, self._settings.sport))


def connect(wanted: Wanted) -> SlowLists:
    """The slow lists of the feed that ``wanted`` describes."""
    return Odds360Lists(wanted)
