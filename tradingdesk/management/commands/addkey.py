"""``manage.py addkey UUID [--scope ops]``: one more API key for a bookmaker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from markets import db
from markets.services import bookmakers
from markets.services.actor import of_command
from markets.services.api_keys import SCOPES
from markets.services.errors import NotFound, Refused


class Command(BaseCommand):
    help = "Add an API key; prints it once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bookmaker", type=UUID)
        parser.add_argument("--scope", action="append", choices=sorted(SCOPES), help="May be given twice; odds by itself.")
        parser.add_argument("--days", type=int, help="Ends after so many days; otherwise when it is revoked.")

    def handle(self, *args: Any, bookmaker: UUID, scope: list[str] | None, days: int | None, **options: Any) -> None:
        ends = db.now() + timedelta(days=days) if days is not None else None
        try:
            _, key = bookmakers.create_key(of_command(), bookmaker, scopes=scope or ["odds"], expires_at=ends)
        except (Refused, NotFound) as refused:
            raise CommandError(refused.words) from refused
        self.stdout.write(f"key {key}\nIt is not shown again.")
