"""``manage.py desk``: the embedded desk, nothing to configure."""

from __future__ import annotations

import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tradingdesk.env import is_loopback
from tradingdesk.locks import Held, only_desk
from tradingdesk.server import PortTaken, taken_words

STOPPED = (
    "The desk has stopped: its pages, feeds, worker and simulators. Nothing is lost: whatever was acknowledged is kept, and what waits"
    " to be applied is applied when the desk is started again."
)


class Command(BaseCommand):
    help = "Runs the embedded desk: one process, SQLite, simulated feeds until a real one is added."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.DESK_HOST)
        parser.add_argument("--port", type=int, default=settings.DESK_PORT)
        parser.add_argument("--check-free", action="store_true", help="Only say whether the port and the data directory are free.")

    def handle(self, *args: Any, host: str, port: int, check_free: bool, **options: Any) -> None:
        if settings.DESK_SCALED:
            raise CommandError("DATABASE_URL and REDIS_URL are set: this is a scaled desk. Run `make run-scaled`, or unset both.")
        refuse_wider(host)
        try:
            with only_desk(settings.DESK_DATA_DIR):
                code = check_port(host, port) if check_free else self._run(host, port)
        except (Held, PortTaken) as refused:
            raise CommandError(str(refused)) from None
        except KeyboardInterrupt:
            code = 130
        sys.exit(code)

    def _run(self, host: str, port: int) -> int:
        from tradingdesk.embedded import EmbeddedDesk, NotMigrated

        try:
            desk = EmbeddedDesk(host, port, self._tell)
            self._sign_ins = sign_ins()
            code = desk.run()
        except NotMigrated as refused:
            raise CommandError(str(refused)) from None
        if code == 0:
            self.stdout.write(STOPPED)
        return code

    def _tell(self, url: str) -> None:
        lines = ["", f"The desk is ready: {url}", *self._sign_ins, "Ctrl-C stops it.", ""]
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def sign_ins() -> list[str]:
    """The demo people that may sign in here, a line each, and the demo bookmakers with what ``manage.py addkey`` asks for."""
    from markets.models import Bookmaker
    from markets.services import demo

    people = [f"  sign in as {name} / {password} ({what})" for name, password, what in demo.ensure_demo()]
    houses = Bookmaker.objects.filter(name__in=(demo.NORTH, demo.SOUTH), demo=True).order_by("name") if people else ()
    return [*people, *(f"  bookmaker {house.name} is {house.pk}" for house in houses)]


def refuse_wider(host: str) -> None:
    """What is safe on loopback only (demo sign-ins, the made secret key) was judged by HOST, not by an option."""
    if is_loopback(settings.DESK_HOST) and not is_loopback(host):
        raise CommandError(f"--host {host} reaches beyond this machine: set HOST={host} instead, so that the settings are checked for it.")


def check_port(host: str, port: int) -> int:
    """0 when this process could listen there. Raises :class:`PortTaken`."""
    where = "127.0.0.1" if host == "localhost" else host.strip("[]")
    family = socket.AF_INET6 if ":" in where else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((where, port))
        except OSError as error:
            raise PortTaken(taken_words(host, port, error)) from None
    return 0
