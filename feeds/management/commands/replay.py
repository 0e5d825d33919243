"""``manage.py replay FILE`` and ``manage.py replay --export FILE``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from feeds import tape
from markets.models import Source
from markets.services import ingest


class Command(BaseCommand):
    help = (
        "Replay a raw log into an empty desk, or write this desk's raw log to a file (--export). Prints each feed's hash: they must agree."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--export", action="store_true", help="Write to FILE instead of reading it.")
        parser.add_argument("--source", default="", metavar="SLUG", help="Export one feed only.")

    def handle(self, *args: Any, **options: Any) -> None:
        feeds = self._export(options) if options["export"] else self._replay(options["file"])
        for source in feeds:
            self.stdout.write(f"{source.slug}: feed hash {ingest.feed_hash(source.pk)}")

    def _export(self, options: dict[str, Any]) -> list[Source]:
        feeds = Source.objects.filter(slug=options["source"]) if options["source"] else Source.objects.all()
        if not feeds:
            raise CommandError("there is no such feed")
        count = tape.export(options["file"], options["source"])
        self.stdout.write(f"{count} frames written to {options['file']}")
        return list(feeds)

    def _replay(self, path: Path) -> list[Source]:
        try:
            return tape.replay(path)
        except (tape.NotEmpty, tape.NoTape, OSError) as error:
            raise CommandError(str(error)) from error
