"""``manage.py simulator``: the simulated feeds beside a scaled desk (the embedded desk starts its own)."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from feeds.senders import path_of
from tradingdesk.simulation import SLUG, Simulation, ensure_feed, ensure_odds360, ensure_tennis

from .desk import sign_ins


class Command(BaseCommand):
    help = "Plays simulated matches to a scaled desk on this machine until a real feed is added. Needs DESK_SIMULATE=1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.DESK_PORT, help="Where one of the web processes listens.")
        parser.add_argument("--wanted", action="store_true", help="Only print 1 when DESK_SIMULATE is on, else 0.")

    def handle(self, *args: Any, port: int, wanted: bool, **options: Any) -> None:
        if wanted:
            self.stdout.write(str(int(settings.DESK_SIMULATE)))
            return
        if not settings.DESK_SIMULATE:
            raise CommandError("DESK_SIMULATE is 0: set it to 1 to have simulated matches.")
        self.stdout.write("\n".join(sign_ins()))
        self.stdout.flush()
        simulation = Simulation(f"http://127.0.0.1:{port}{path_of(SLUG)}", ensure_feed("127.0.0.1"), ensure_tennis(), ensure_odds360())
        simulation.start()
        _until_told_to_end()
        simulation.stop()


def _until_told_to_end() -> None:
    told = threading.Event()
    for word in (signal.SIGINT, signal.SIGTERM):
        signal.signal(word, lambda *_: told.set())
    told.wait()
