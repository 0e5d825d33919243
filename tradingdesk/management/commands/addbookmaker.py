"""``manage.py addbookmaker NAME --sports tennis,football``: a tenant and its first API key."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from markets.services import bookmakers
from markets.services.actor import of_command
from markets.services.errors import Refused


class Command(BaseCommand):
    help = "Add a bookmaker; prints its UUID and one API key, which is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--sports", required=True, help="Slugs apart by commas, e.g. tennis,football.")
        parser.add_argument("--demo", action="store_true", help="It may be served simulated fixtures.")

    def handle(self, *args: Any, name: str, sports: str, demo: bool, **options: Any) -> None:
        slugs = [s.strip() for s in sports.split(",") if s.strip()]
        try:
            with transaction.atomic():
                made = bookmakers.create(of_command(), name, slugs, demo=demo)
                _, key = bookmakers.create_key(of_command(), made.pk)
        except Refused as refused:
            raise CommandError(refused.words) from refused
        self.stdout.write(f"bookmaker {made.pk}\nkey       {key}\nThe key is not shown again.")
