"""``manage.py adduser NAME --role trader --bookmaker UUID``: a person who may sign in."""

from __future__ import annotations

import sys
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from markets.domain.values import Role
from markets.services import bookmakers, people
from markets.services.actor import of_command
from markets.services.errors import NotFound, Refused

STAFF = "staff"


class Command(BaseCommand):
    help = "Add a person; prints a password made here, or reads one from the standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--role", required=True, choices=[*(r.value for r in Role), STAFF])
        parser.add_argument("--bookmaker", type=UUID, action="append", default=[], help="May be given several times; staff need none.")
        parser.add_argument("--password-stdin", action="store_true", help="Read the password from the standard input's first line.")

    def handle(self, *args: Any, name: str, role: str, bookmaker: list[UUID], password_stdin: bool, **options: Any) -> None:
        if role != STAFF and not bookmaker:
            raise CommandError("say for which bookmaker: --bookmaker UUID")
        given = sys.stdin.readline().rstrip("\r\n") if password_stdin else ""
        if password_stdin and not given:
            raise CommandError("the standard input holds no password")
        try:
            password = _add(name, role, bookmaker, given)
        except (Refused, NotFound) as refused:
            raise CommandError(refused.words) from refused
        self.stdout.write(f"{name} may sign in.")
        if not given:
            self.stdout.write(f"password {password}\nIt is not shown again.")


def _add(name: str, role: str, of: list[UUID], given: str) -> str:
    with transaction.atomic():
        user, password = people.create(of_command(), name, given, staff=role == STAFF)
        for bookmaker_id in of if role != STAFF else []:
            bookmakers.set_role(of_command(), bookmaker_id, user.pk, Role(role))
    return password
