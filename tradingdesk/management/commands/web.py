"""``manage.py web``: one of the web processes of a scaled desk."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from tradingdesk.server import DeskServer, PortTaken

from .desk import check_port, refuse_wider

PROCESSES = 2  # that `make run-scaled` starts, on PORT and the next one


class Command(BaseCommand):
    help = "Runs one web process of a scaled desk; needs DATABASE_URL and REDIS_URL."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default=settings.DESK_HOST)
        parser.add_argument("--port", type=int, default=settings.DESK_PORT)
        parser.add_argument("--check", action="store_true", help="Only print the port, once settings and ports are sound.")

    def handle(self, *args: Any, host: str, port: int, check: bool, **options: Any) -> None:
        if not settings.DESK_SCALED:
            raise CommandError("The scaled desk needs DATABASE_URL and REDIS_URL. For a desk without them: `make run`.")
        refuse_wider(host)
        try:
            if not check:
                sys.exit(self._run(host, port))
            for one in range(port, port + PROCESSES):
                check_port(host, one)
            self.stdout.write(str(port))
        except PortTaken as refused:
            raise CommandError(str(refused)) from None

    def _run(self, host: str, port: int) -> int:
        from tradingdesk.asgi import application
        from tradingdesk.runtime import Runtime

        runtime = Runtime()

        def begin(url: str) -> None:
            runtime.start(asyncio.get_event_loop())
            self.stdout.write(f"The desk is ready: {url}")
            self.stdout.flush()

        server = DeskServer(
            application,
            host=host,
            port=port,
            max_body=settings.DESK_MAX_BODY,
            on_ready=begin,
            on_stopping=lambda: None,
            on_oversize=runtime.oversize,
            on_cut=runtime.door.cut,
        )
        try:
            server.run()
        finally:
            runtime.stop()
        return server.exit_code
