"""``manage.py demo``: the two demo bookmakers and their people, where a demonstration is allowed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from markets.services import demo


class Command(BaseCommand):
    help = "Make the demo bookmakers and sign-ins (only with simulators on and a loopback bind)."

    def handle(self, *args: Any, **options: Any) -> None:
        people = demo.ensure_demo()
        if not people:
            self.stdout.write("No demo sign-ins: they need DESK_SIMULATE=1 and a loopback HOST.")
        for name, password, words in people:
            self.stdout.write(f"{name} / {password} ({words})")
