"""What runs in the simulators' own process; it needs no Django, and ends with the desk even if that was killed."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import signal
import socket
from dataclasses import dataclass, field
from datetime import datetime

from feeds.odds360.simulator import Odds360Simulator
from feeds.playing.court import Courts
from feeds.playing.provider import base_of
from feeds.tennis.simulator import TennisSimulator
from feeds.updategram.simulator import Simulator

SPEED = 4.0
"""Seconds of tennis for each of ours: a point about every six, a changeover of half a minute."""
TABLE_SPEED = 2.0
"""The same of table tennis: a point about every six, a break of half a minute."""
TABLE_OVERRIDES = 0.01
"""Chance for each point that Odds360's own trader changes or suspends a price."""


@dataclass(frozen=True)
class Served:
    """Where a simulated provider is reached, and the token that it wants."""

    sock: socket.socket
    token: str = field(repr=False)


@dataclass(frozen=True)
class Script:
    """Push to the feed at ``url`` with ``secret``; serve the umpire's feed and Odds360 where told. What an earlier run left (``fixtures``,
    ``matches``, ``contests`` with their starts) is ended first.
    """

    url: str
    secret: str = field(repr=False)
    umpires: Served
    odds360: Served
    fixtures: tuple[str, ...] = ()
    matches: tuple[str, ...] = ()
    contests: tuple[tuple[str, datetime], ...] = ()


def play(script: Script) -> None:
    """Until the desk's process ends or sends SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the desk ends us in its own order
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_while_the_desk_lives(script))


async def _while_the_desk_lives(script: Script) -> None:
    playing = asyncio.ensure_future(_play(script))
    desk = multiprocessing.parent_process()
    if desk is not None:
        asyncio.get_running_loop().add_reader(desk.sentinel, playing.cancel)
    await playing


async def _play(script: Script) -> None:
    """Umpires and prices tell of the same tennis; table tennis is Odds360's alone."""
    courts = Courts(base_of(None), SPEED)
    umpires = TennisSimulator(token=script.umpires.token, sock=script.umpires.sock, courts=courts, withdrawn=script.matches)
    tables = Odds360Simulator(
        token=script.odds360.token, sock=script.odds360.sock, speed=TABLE_SPEED, override=TABLE_OVERRIDES, withdrawn=script.contests
    )
    prices = Simulator(url=script.url, token=script.secret, courts=courts, withdrawn=script.fixtures)
    try:
        async with umpires.serving(), tables.serving():
            await prices.run()
    finally:
        await courts.close()
