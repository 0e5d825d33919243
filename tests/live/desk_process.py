"""A process with our Daphne, the desk's application and a hub, on the database of its environment, which must be migrated.

``python -m tests.live.desk_process [--markets N] [--storm SECONDS] [--sockets N]`` makes a feed with one fixture, a bookmaker and a
trader, says on standard output as one JSON line what it made and where it listens, keeps the feed's lease, and with ``--storm`` moves
every price without pause. ``--sockets``: as many as one person may open here. ``--publish``: each line read from standard input goes to
everyone on the board by the hub's fan-out, and the instant is told. ``--move``: each line is a number; the feed then says the prices of
that step, and the instant before is told.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from feeds.answers import TOO_LARGE  # noqa: E402
from markets.domain import messages as m  # noqa: E402
from markets.live import hub  # noqa: E402
from markets.live.frames import BOARD  # noqa: E402
from markets.live.sockets import Packed  # noqa: E402
from tests.cluster import free_port  # noqa: E402
from tests.live.listening import Feed, a_market, bookmaker, selections, show_on_board, signed_in  # noqa: E402
from tests.live.shops import house_of  # noqa: E402
from tradingdesk.routing import application  # noqa: E402
from tradingdesk.runtime import load_pages  # noqa: E402
from tradingdesk.server import DeskServer  # noqa: E402


class World:
    """One fixture of ``markets`` markets, for one trader."""

    def __init__(self, markets: int) -> None:
        name = f"world-{os.getpid()}"
        self.markets = markets
        self.feed = Feed(name)
        self.fixture = self.feed.fixture("100")
        self.move(0)
        show_on_board()
        self.bookmaker = bookmaker(name)
        self.session = signed_in(name, self.bookmaker)
        self.selections = selections(self.fixture)
        self.house = house_of(self.bookmaker)

    def move(self, step: int) -> None:
        """Every first price of every market changes."""
        prices = (f"{2 + step % 90 / 100:.2f}", "3.50", "4.00")
        self.feed.say("100", m.MarketSet(tuple(a_market(str(number), prices) for number in range(1, self.markets + 1))))

    def live(self, storm: float) -> None:
        start, step = time.monotonic(), 0
        while True:
            try:
                self.feed.heard()
                while time.monotonic() - start < storm:
                    step += 1
                    self.move(step)
                    time.sleep(0.02)
            except Exception:
                connection.close()
            time.sleep(0.5)


def publish(loop: asyncio.AbstractEventLoop, world: World) -> None:
    here = hub.running()
    assert here is not None
    key = (world.bookmaker.pk, BOARD)
    for line in sys.stdin:
        loop.call_soon_threadsafe(here._fanout.send, key, [Packed(line)], False)
        print(time.monotonic(), flush=True)


def move(world: World) -> None:
    for line in sys.stdin:
        start = time.monotonic()
        world.move(int(line))
        print(start, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--markets", type=int, default=1)
    parser.add_argument("--storm", type=float, default=0)
    parser.add_argument("--sockets", type=int, default=32)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--move", action="store_true")
    options = parser.parse_args()
    settings.DESK_SOCKETS_EACH = options.sockets
    settings.DESK_STREAM_CONNECTS = max(100, options.sockets)
    load_pages()
    world, port = World(options.markets), free_port()

    def ready(url: str) -> None:
        hub.start(asyncio.get_event_loop())
        threading.Thread(target=world.live, args=(options.storm,), daemon=True).start()
        if options.publish:
            threading.Thread(target=publish, args=(asyncio.get_event_loop(), world), daemon=True).start()
        match = f"/bookmaker/{world.bookmaker.pk}/football/{world.fixture.match_id}"
        if options.move:
            threading.Thread(target=move, args=(world,), daemon=True).start()
        made = {"port": port, "session": world.session, "fixture": world.fixture.pk, "selections": world.selections, "match": match}
        made |= {"key": world.house.key, "stream": match.replace("/bookmaker/", "/live/")}
        print(json.dumps(made), flush=True)

    def oversize(_: Any) -> Any:
        return TOO_LARGE

    server = DeskServer(
        application, host="127.0.0.1", port=port, max_body=1_000_000,
        on_ready=ready, on_stopping=lambda: None, on_oversize=oversize, on_cut=lambda head: None,
    )  # fmt: skip
    try:
        server.run()
    finally:
        hub.stop()


if __name__ == "__main__":
    main()
