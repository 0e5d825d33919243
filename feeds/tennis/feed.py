"""The tennis umpire feed, wired up: settings, list of live events, one stream for each match (feeds.md 1.1, 1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from feeds.conversion import converter
from feeds.errors import Hopeless, Refused
from feeds.outgoing import Outgoing, Pace, Stream, Subject, Wanted
from feeds.transport import address, rest

from . import discovery
from .protocol import Habits, MatchStream

LIVE_EVENT = "application/json; kind=liveevent"


class TennisSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``Feed.settings`` of a tennis feed. ``host`` as an operator says it; ``stream_host`` empty: the same one.

    ``stream_path`` has ``{event}`` where the match's id goes. ``parameter`` names the query parameter of the position. ``gap_seconds``:
    how long the store waits for packets that are missing, where not 30 s (:mod:`feeds.parking`).
    """

    host: str
    stream_host: str = ""
    live_events_path: str = "/tournaments/liveevents"
    stream_path: str = "/tennis/events/{event}/stream"
    parameter: str = "startPosition"
    accept: str = "application/vnd.imggaming.dde.api+json;version=1"
    pace: Pace = Pace()
    habits: Habits = Habits()
    gap_seconds: float | None = None


_typed = converter(TennisSettings)


def settings_of(said: dict[str, object]) -> TennisSettings:
    """Raises ``Hopeless`` with the words of what is wrong."""
    try:
        settings = _typed(said)
    except msgspec.ValidationError as error:
        raise Hopeless(f"the settings of the feed are wrong: {error}") from None
    checks = {
        "stream_path has no {event}": "{event}" in settings.stream_path,
        "discovery is above 0, at most 300 s": 0 < settings.pace.discovery <= 300,
        "silence is above 0, at most 60 s": 0 < settings.pace.silence <= 60,
    }
    if wrong := [words for words, right in checks.items() if not right]:
        raise Hopeless(f"the settings of the feed are wrong: {wrong[0]}")
    address.base(settings.host)
    address.base(settings.stream_host or settings.host)
    return settings


class TennisFeed:
    """One connection to the provider; see :class:`feeds.outgoing.Outgoing`."""

    def __init__(self, wanted: Wanted) -> None:
        if wanted.refusal:
            raise Refused(wanted.refusal)
        self._token = wanted.token
        self._settings = settings_of(wanted.settings)
        self._list = address.base(self._settings.host) + self._settings.live_events_path
        self._streams = address.stream(address.base(self._settings.stream_host or self._settings.host))
        self.pace = self._settings.pace
        self._client = rest.Client(seconds=self.pace.connect, longest_pause=self.pace.longest_pause)

    async def discover(self) -> Sequence[Subject]:
        events = await discovery.live_events(self._client, self._list, token=self._token, accept=self._settings.accept)
        return [Subject(event.ref, event.body, LIVE_EVENT) for event in events]

    def stream(self, ref: str, position: int | None) -> MatchStream:
        return MatchStream(ref, position, self._settings.habits)

    def url(self, stream: Stream) -> str:
        url = self._streams + self._settings.stream_path.replace("{event}", quote(stream.ref, safe=""))
        if stream.start_position is None:
            return url
        return f"{url}?{urlencode({self._settings.parameter: stream.start_position})}"

    def login(self) -> str:
        """The one text that we send; a browser's header could not carry the token (feeds.md 1.1)."""
        return msgspec.json.encode({"authToken": self._token}).decode()

    def conceal(self, words: str) -> str:
        return words.replace(self._token, "***")

    async def close(self) -> None:
        await self._client.close()


def connect(wanted: Wanted) -> Outgoing:
    """The tennis feed that ``wanted`` describes."""
    return TennisFeed(wanted)
