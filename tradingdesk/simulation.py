"""The simulated feeds of a desk: a process of their own that pushes over real HTTP and serves real REST, websockets and event streams,
until a real feed is configured (P5).
"""

from __future__ import annotations

import logging
import multiprocessing
import secrets
import socket
import threading
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

from feeds import connection, sealing
from feeds.models import Feed
from feeds.odds360.simulator import BOOKMAKER
from feeds.registration import of_fetched
from feeds.senders import secret_hash
from markets.domain.values import FixtureStatus, Phase
from markets.models import Fixture, Source
from markets.services import demo, sources

from .binding import bind_simulated
from .playing import Script, Served, play

logger = logging.getLogger(__name__)
SLUG = "simulator"
TENNIS_SLUG = "tennis-simulator"
TENNIS_PACE = {"discovery": 3.0}
"""Sooner than a real provider is asked: a demonstration should not begin with a wait."""
ODDS360_SLUG = "odds360-simulator"
ODDS360_PACE = {"pace": {"discovery": 3.0, "forget": 20.0}, "intervals": {"matches": 30.0, "matches_by_date": 30.0}}
"""The same, for matches to come and for those that an earlier run left."""
_CHECK_SECONDS = 1.0


def ensure_feed(host: str) -> str:
    """The simulator's own feed, open to this machine only; returns its secret, a new one at each start."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        fields = {"provider": "updategram", "name": "Updategram simulator", "enabled": True}
        source, _ = Source.objects.update_or_create(slug=SLUG, simulated=True, defaults=fields)
        sources.register(source)
        near = ["127.0.0.0/8", "::1/128", *([host] if host not in ("localhost", "0.0.0.0", "::") else [])]  # noqa: S104 - compared
        Feed.objects.update_or_create(source=source, defaults={"secret_hashes": [secret_hash(secret)], "networks": near})
    return secret


def ensure_tennis() -> Served:
    """The simulated umpire's feed."""
    served = _served()
    with transaction.atomic():
        _register("tennis", TENNIS_SLUG, "Tennis umpire simulator", served, {"pace": TENNIS_PACE})
        demo.demand_points()
    return served


def ensure_odds360() -> Served:
    """The simulated SportMicro and Odds360, both at one address."""
    served = _served()
    with transaction.atomic():
        _register("odds360", ODDS360_SLUG, "Odds360 simulator", served, {"bookmaker": BOOKMAKER, **ODDS360_PACE})
    return served


def _served() -> Served:
    """On any free port of this machine, with a new token at each start."""
    return Served(socket.create_server(("127.0.0.1", 0)), secrets.token_urlsafe(32))


def _register(provider: str, slug: str, name: str, served: Served, settings: dict[str, Any]) -> None:
    """A feed that the desk fetches from there."""
    fields = {"provider": provider, "name": name, "enabled": True, **of_fetched(provider)}
    source, _ = Source.objects.update_or_create(slug=slug, simulated=True, defaults=fields)
    sources.register(source)
    reached = {"host": f"http://127.0.0.1:{served.sock.getsockname()[1]}", **settings}
    Feed.objects.update_or_create(
        source=source, defaults={"settings": reached, "token_env": "", "token_sealed": sealing.seal(served.token)}
    )


def real_feed_exists() -> bool:
    """Whether a provider has been configured."""
    return Source.objects.filter(simulated=False, enabled=True).exists()


def unfinished(slug: str) -> tuple[tuple[str, datetime], ...]:
    """What an earlier run left behind, with its start: a new one makes new fixtures and ends these."""
    left = Fixture.objects.filter(source__slug=slug, source__simulated=True, phase__in=[Phase.LIVE, Phase.UPCOMING])
    found = left.exclude(status=FixtureStatus.DELETED).values_list("ref", "start", "created_at")
    return tuple((ref, start or created) for ref, start, created in found)


class Simulation:
    """Keeps the simulator's process alive while there is no real feed; a thread watches both."""

    def __init__(self, url: str, secret: str, umpires: Served, odds360: Served) -> None:
        self._url, self._secret, self._umpires, self._odds360 = url, secret, umpires, odds360
        self._ending = threading.Event()
        self._process: Any = None
        self._thread = threading.Thread(target=self._watch, name="simulation", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def begin_to_stop(self) -> None:
        """Returns at once."""
        self._ending.set()

    def stop(self) -> None:
        """Ends the process; at most 2 s."""
        self.begin_to_stop()
        if self._thread.is_alive():
            self._thread.join(2)

    def _watch(self) -> None:
        connection.own()
        try:
            while not self._ending.is_set() and self._goes_on():
                self._ending.wait(_CHECK_SECONDS)
            if not self._ending.is_set():
                logger.info("a real feed was added: the simulator stops")
        finally:
            self._end_process()
            connection.release()

    def _goes_on(self) -> bool:
        """One look; false once there is a real feed. A store that is busy or away is asked again a second later."""
        try:
            if real_feed_exists():
                return False
            self._keep_running()
            bind_simulated()
        except DatabaseError as error:
            logger.warning("the simulation could not ask the database: %s", type(error).__name__)
            connection.release()
        return True

    def _keep_running(self) -> None:
        if self._process is None or not self._process.is_alive():
            if self._process is not None:
                logger.warning("the simulator ended (exit code %s); starting it again", self._process.exitcode)
            # By pipe, not as an argument: other users of the machine can read command lines.
            self._process = multiprocessing.get_context("spawn").Process(target=play, args=(self._script(),), name="simulator", daemon=True)
            self._process.start()

    def _script(self) -> Script:
        return Script(
            url=self._url,
            secret=self._secret,
            umpires=self._umpires,
            odds360=self._odds360,
            fixtures=tuple(ref for ref, _ in unfinished(SLUG)),
            matches=tuple(ref for ref, _ in unfinished(TENNIS_SLUG)),
            contests=unfinished(ODDS360_SLUG),
        )

    def _end_process(self) -> None:
        self._umpires.sock.close()
        self._odds360.sock.close()
        if self._process is None:
            return
        self._process.terminate()
        self._process.join(1)
        if self._process.is_alive():
            self._process.kill()
