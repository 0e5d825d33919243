"""What a trader should notice: alerts from the audit, the state of each feed, who holds what."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from markets.desk.words import age_words, clock_time, object_words, sentence
from markets.domain.heard import Ears, Heard
from markets.domain.leases import LIVE
from markets.domain.rules import FeedHealth, Gap, Hold
from markets.domain.values import Scope
from markets.models import AuditRecord
from markets.selectors import journal, timelines
from markets.selectors.offer import Offer

NARROW = (Scope.SELECTION, Scope.MARKET, Scope.FIXTURE)
KINDS = (
    ("override", "ov", "ovr"),
    ("expired", "hold", "time"),
    ("hold ended", "open", "time"),
    ("heard", "open", "feed"),
    ("caught up", "open", "feed"),
    ("gap", "gap", "gap"),
    ("resume", "open", "open"),
    ("open", "open", "open"),
    ("confirm", "open", "open"),
    ("suspend", "hold", "held"),
    ("hold", "hold", "held"),
    ("panic", "gap", "panic"),
    ("lease", "gap", "feed"),
    ("feed", "gap", "feed"),
    ("dismissed", "open", "inbox"),
    ("quarantine", "gap", "inbox"),
)
"""What an action's word makes of an alert: (word, class on the page, label)."""
ACTIONS = {"panic": "suspended with the stop button", "quarantined": "a message could not be read and waits for a person"}
"""Actions that say little by themselves."""
ROUTINE = ("feed opens", "feed suspends", "feed suspends and opens")
"""What the provider does all day long; the board shows it by itself."""
SILENT = "A heartbeat or message; then a newer message per market, or a confirmation."
BEHIND = "Opens by itself once it has stayed below 1 s for 3 s."


class Alert(Struct, frozen=True):
    """``kind`` is its class on the page, ``label`` the same in a word."""

    at: datetime
    kind: str
    label: str
    words: str


class FeedState(Struct, frozen=True):
    """A feed in words: what, since when, what will clear it. ``tone`` is ok, warn or bad."""

    name: str
    state: str
    tone: str
    words: str
    since: datetime | None
    clears: str
    age: str
    health: FeedHealth

    @property
    def may_open(self) -> bool:
        """Whether a person's word could open anything of it."""
        return self.health.enabled and self.health.heard_at is not None


class Fetching(Struct, frozen=True):
    """Of a feed that the desk fetches: its reader as this process hears it, and how reading the list of what is live there goes."""

    reader: Heard
    list_state: str = "live"
    list_words: str = ""


def fetchings(ears: Ears) -> dict[int, Fetching]:
    """By source id; a feed that is pushed to us has none. One query."""
    found = timelines.lists_of_live()
    return {i: Fetching(ears.heard(i, timelines.DISCOVERY), state, words) for i, (state, words) in found.items()}


def alerts(bookmaker_id: UUID, now: datetime, limit: int = 10) -> list[Alert]:
    """The newest records of the last hours that a trader should see, by time. One query."""
    rows = (
        journal.records(bookmaker_id)
        .filter(at__gte=now - timedelta(hours=6))
        .exclude(action__in=ROUTINE)
        .exclude(via__in=("admin", "command"))
    )
    return sorted((alert(r) for r in rows[:limit]), key=lambda told: told.at, reverse=True)


def alert(record: AuditRecord) -> Alert:
    kind, label = next(((k, label) for word, k, label in KINDS if word in record.action), ("", record.action.split()[0][:8]))
    by = "" if record.via in ("feed", "clock") else f" by {record.actor_name}"
    reason = f": {record.reason}" if record.reason else ""
    about = sentence(object_words(record.object_words or record.actor_name))
    return Alert(record.at, kind, label, f"{about}: {ACTIONS.get(record.action, record.action)}{by}{reason}")


class _Trouble(Struct, frozen=True):
    state: str
    tone: str
    words: str
    since: datetime | None = None
    clears: str = ""


def feed_state(feed: FeedHealth, now: datetime, fetching: Fetching | None = None) -> FeedState:
    """The worst thing first: off, silent, behind, gap, its list of what is live not read; else listening."""
    worst = _silence(feed, now) or _reader(fetching) or _backlog(feed, now) or _gap(feed) or _listing(fetching)
    worst = worst or _Trouble("ok", "ok", "heard, in order")
    age = age_words(feed.heard_at, now)
    return FeedState(feed.source, worst.state, worst.tone, worst.words, worst.since, worst.clears, age, feed)


def _silence(feed: FeedHealth, now: datetime) -> _Trouble | None:
    if not feed.enabled:
        return _Trouble("off", "warn", "switched off", clears="An administrator switches it on.")
    if feed.heard_at is None:
        return _Trouble("silent", "bad", "never heard", clears="A heartbeat or a message of the provider.")
    lapses = feed.heard_at + timedelta(seconds=feed.lease_seconds)
    return _Trouble("silent", "bad", f"nothing heard for over {feed.lease_seconds:.0f} s", lapses, SILENT) if lapses <= now else None


def _reader(fetching: Fetching | None) -> _Trouble | None:
    """What the gate says of every match of it while nobody reads."""
    if fetching is None:
        return None
    if not fetching.reader.joined:
        return _Trouble("silent", "bad", "whether anybody reads it is not known here", clears="Listening for its reader.")
    if not fetching.reader.silent_in:
        return _Trouble("silent", "bad", "its reader is silent", clears="The reader's next beats.")
    if fetching.reader.held:
        return _Trouble("held", "bad", fetching.reader.held, clears="The store's having all that was read.")
    return None


def _listing(fetching: Fetching | None) -> _Trouble | None:
    if fetching is None or fetching.list_state == LIVE:
        return None
    why = f": {fetching.list_words}" if fetching.list_words else ""
    return _Trouble(fetching.list_state, "warn", f"the list of what is live cannot be read now{why}", clears="The next good reading of it.")


def _backlog(feed: FeedHealth, now: datetime) -> _Trouble | None:
    if not feed.backlog_known:
        return _Trouble("behind", "bad", "nobody can say how far behind it is", clears="The inbox answers again.")
    if feed.oldest_pending_at and now - feed.oldest_pending_at > timedelta(seconds=2):
        return _Trouble("behind", "warn", "messages wait to be applied", feed.oldest_pending_at, BEHIND)
    if feed.slow_until and feed.slow_until > now:
        return _Trouble("behind", "warn", "was behind, settling", clears=f"Opens by itself at {clock_time(feed.slow_until)}.")
    return None


def _gap(feed: FeedHealth) -> _Trouble | None:
    whole = [g for g in feed.gaps if g.fixture_id is None]
    if sticky := [g for g in whole if g.sticky]:
        return _Trouble("held", "bad", sticky[0].cause, sticky[0].opened_at, "Retry or dismiss the message under Feeds.")
    if whole:
        newest = max(whole, key=lambda g: g.opened_at)
        return _Trouble("gap", "warn", newest.cause, newest.opened_at, "A newer message per market, or confirm re-opening.")
    if feed.gaps:
        fixtures = len({g.fixture_id for g in feed.gaps})
        words = "a gap of one fixture" if fixtures == 1 else f"gaps of {fixtures} fixtures"
        return _Trouble("gaps", "warn", words, feed.gaps[0].opened_at, "See messages needing a look.")
    return None


class OpenGap(Struct, frozen=True):
    """Gaps of one cause, told once. ``newest`` is what one looks at; ``several`` counts them."""

    newest: Gap
    several: int


def open_gaps(feed: FeedHealth, limit: int = 8) -> list[OpenGap]:
    """Newest first, those of the same cause and fixture as one."""
    alike: dict[tuple[str, int | None, bool], list[Gap]] = {}
    for gap in sorted(feed.gaps, key=lambda g: g.opened_at, reverse=True):
        alike.setdefault((gap.cause, gap.fixture_id, gap.sticky), []).append(gap)
    return [OpenGap(gaps[0], len(gaps)) for gaps in alike.values()][:limit]


def narrow_holds(offer: Offer) -> list[Hold]:
    """People's holds of this fixture or inside it; wide ones are everybody's business and shown apart."""
    markets = {str(m.id) for m in offer.snapshot.markets}
    selections = {str(s.id) for m in offer.snapshot.markets for s in m.selections}
    inside = {Scope.FIXTURE: {str(offer.snapshot.id)}, Scope.MARKET: markets, Scope.SELECTION: selections}
    lasting = [h for h in offer.terms.holds if h.ends_at is None or h.ends_at > offer.now]
    return [h for h in lasting if h.scope in NARROW and h.target in inside[h.scope]]
