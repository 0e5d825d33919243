"""``manage.py addfeed updategram SLUG --secret S --network CIDR…``, ``manage.py addfeed tennis SLUG --host H --token-env NAME`` and
``manage.py addfeed odds360 SLUG --host H --token-env NAME [--bookmaker UUID]``."""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from feeds import registration, senders
from feeds.odds360.settings import KNOWN_SPORTS
from feeds.registry import OUTGOING, REGISTRY
from feeds.senders import path_of
from markets.services import actor
from markets.services.errors import ServiceError

PUSHED = ("secret", "network", "url")
FETCHED = ("host", "stream_host", "token_env", "token_stdin", "discovery_seconds")
TENNIS = ("live_events_path", "stream_path", "accept", "silence_seconds")
ODDS360 = (
    "sport",
    "bookmaker",
    "odds_host",
    "dashboard_host",
    "dashboard_token_env",
    "requests_per_second",
    "poll_seconds",
    "reread_seconds",
    "send_overrides_of",
)
OPTIONS = {"tennis": (*FETCHED, *TENNIS), "odds360": (*FETCHED, *ODDS360)}
"""Provider → the options that are for it; all others are for those that push."""
ROTATED = ("secret", "url", "token_env", "token_stdin")
"""Options that ``--rotate`` takes; it changes no setting."""
_EVERY = tuple(dict.fromkeys(("name", *PUSHED, *FETCHED, *TENNIS, *ODDS360)))
_PLAIN = (
    "host",
    "stream_host",
    "live_events_path",
    "stream_path",
    "accept",
    "sport",
    "bookmaker",
    "odds_host",
    "dashboard_host",
    "dashboard_token_env",
)


class Command(BaseCommand):
    help = "Add a feed, or give it another secret (--rotate). A secret that is made here is shown this once; a token never."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", choices=sorted(REGISTRY.keys() | OUTGOING.keys()))
        parser.add_argument("slug")
        parser.add_argument("--name", default="", help="As shown on screen; default the slug.")
        rotate = "Of a feed that exists: a second secret beside the one before, or another token in place of it."
        parser.add_argument("--rotate", action="store_true", help=rotate)
        _pushed(parser.add_argument_group("feeds that push to the desk (updategram)"))
        _fetched(parser.add_argument_group("feeds that the desk fetches (tennis, odds360)"))
        _tennis(parser.add_argument_group("tennis"))
        _odds360(parser.add_argument_group("odds360"))

    def handle(self, *args: Any, **options: Any) -> None:
        fetched = options["provider"] in OUTGOING
        _refuse_idle(options)
        try:
            if fetched:
                self._fetch(options)
            else:
                self._receive(options)
        except ServiceError as error:
            raise CommandError(error.words) from error

    def _receive(self, options: dict[str, Any]) -> None:
        secret = self._rotate(options) if options["rotate"] else self._add(options)
        base = (options["url"] or public_url()).rstrip("/") + path_of(options["slug"])
        token = quote(secret, safe="")
        self.stdout.write(f"ProcessMessage: {base}/ProcessMessage?token={token}")
        self.stdout.write(f"Heartbeat:      {base}/Heartbeat?token={token}")
        self.stdout.write("The secret is not shown again. It may be sent as HTTP Basic password instead of the token.")

    def _add(self, options: dict[str, Any]) -> str:
        networks = tuple(options["network"] or (registration.GENIUS_NETWORK,))
        new = registration.NewFeed(options["provider"], options["slug"], options["secret"], networks, options["name"])
        secret = registration.add(actor.of_command(), new)
        self.stdout.write(f"Feed {new.slug} added; senders from {', '.join(networks)}. Simulated feeds are switched off.")
        return secret

    def _rotate(self, options: dict[str, Any]) -> str:
        secret = registration.rotate(actor.of_command(), options["slug"], options["secret"])
        self.stdout.write(f"Feed {options['slug']} has a new secret; the one before stays valid until the next rotation.")
        return secret

    def _fetch(self, options: dict[str, Any]) -> None:
        token = sys.stdin.readline().strip() if options["token_stdin"] else ""
        if options["token_stdin"] and not token:
            raise CommandError("There is no token on the standard input.")
        if options["rotate"]:
            registration.rotate_outgoing(actor.of_command(), options["slug"], token_env=options["token_env"], token=token)
            self.stdout.write(f"Feed {options['slug']} has another token; its connections are made anew.")
        else:
            self._add_fetched(options, token)
        self._say_where(options["token_env"])

    def _add_fetched(self, options: dict[str, Any], token: str) -> None:
        if not options["host"]:
            raise CommandError("A feed that the desk fetches needs --host.")
        if options["send_overrides_of"] and not options["bookmaker"]:
            raise CommandError("--send-overrides-of needs --bookmaker, the UUID that Odds360 assigned: overrides are sent in its name.")
        new = registration.NewOutgoing(
            options["provider"], options["slug"], outgoing_settings(options), options["token_env"], token, options["name"]
        )
        registration.add_outgoing(actor.of_command(), new)
        self.stdout.write(f"Feed {new.slug} added; a running desk takes it up within seconds. Simulated feeds are switched off.")

    def _say_where(self, variable: str) -> None:
        if not variable:
            self.stdout.write("The token is stored sealed and not shown again.")
        elif not os.environ.get(variable):
            self.stdout.write(f"Note: {variable} is not set here; the process that reads the feed needs it.")


def _refuse_idle(options: dict[str, Any]) -> None:
    """An option that would do nothing is a mistake."""
    given = [name for name in _EVERY if options[name] or isinstance(options[name], float)]
    mine = ("name", *OPTIONS.get(options["provider"], PUSHED))
    if others := [name for name in given if name not in mine]:
        raise CommandError(f"{_flag(others[0])} is not for {options['provider']} feeds.")
    if options["rotate"] and (idle := [name for name in given if name not in ROTATED]):
        raise CommandError(f"{_flag(idle[0])} is not for --rotate, which changes the {'token' if 'host' in mine else 'secret'} only.")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _pushed(group: Any) -> None:
    group.add_argument("--secret", default="", help=f"At least {senders.SHORTEST_SECRET} characters; made for you when left out.")
    group.add_argument(
        "--network", action="extend", nargs="+", metavar="CIDR", help=f"Of the senders; default {registration.GENIUS_NETWORK}."
    )
    group.add_argument("--url", default="", help="Where the provider reaches the desk, e.g. https://desk.example.com.")


def _fetched(group: Any) -> None:
    group.add_argument("--host", default="", help="Of the REST side, e.g. api.example.com; https:// unless it is this machine.")
    group.add_argument("--stream-host", default="", help="Of the websockets; default the same.")
    group.add_argument("--token-env", default="", metavar="NAME", help="The environment variable that holds the token.")
    group.add_argument("--token-stdin", action="store_true", help="Read the token from the standard input and store it sealed.")
    group.add_argument("--discovery-seconds", type=float, help="Between two looks at what is live; default 10.")


def _tennis(group: Any) -> None:
    group.add_argument("--live-events-path", default="", help="Default /tournaments/liveevents.")
    group.add_argument("--stream-path", default="", help="Default /tennis/events/{event}/stream.")
    group.add_argument("--accept", default="", help="Accept header of the REST side, with its version.")
    group.add_argument("--silence-seconds", type=float, help="Silence after which a websocket counts as dead; default 15.")


def _odds360(group: Any) -> None:
    words = "The one sport of the feed; default table-tennis."
    group.add_argument("--sport", default="", choices=KNOWN_SPORTS, metavar="SLUG", help=words)
    group.add_argument("--bookmaker", default="", metavar="UUID", help="That Odds360 assigned: streams and dashboard need it.")
    group.add_argument("--odds-host", default="", help="Of Odds360's public side; default the same as --host.")
    group.add_argument("--dashboard-host", default="", help="Of the /bookmaker routes; default Odds360's.")
    group.add_argument("--dashboard-token-env", default="", metavar="NAME", help="Where the dashboard has a token of its own.")
    group.add_argument("--requests-per-second", type=float, help="To one host at most; default 40.")
    group.add_argument("--poll-seconds", type=float, help="Between re-reads of a match without streams; default 5.")
    group.add_argument("--reread-seconds", type=float, help="Between re-reads of a live match with streams; default 20.")
    words = "Send this bookmaker's overrides to the provider (off without it); UUID of a bookmaker of this desk."
    group.add_argument("--send-overrides-of", default="", metavar="UUID", help=words)


def outgoing_settings(options: dict[str, Any]) -> dict[str, Any]:
    """``Feed.settings``: what was said; the rest has defaults."""
    said = {name: options[name] for name in _PLAIN if options[name]}
    groups = {
        "pace": {"discovery": "discovery_seconds", "silence": "silence_seconds"},
        "habits": {"poll": "poll_seconds", "live_reread": "reread_seconds"},
        "rates": {"requests": "requests_per_second"},
    }
    for group, names in groups.items():
        if chosen := {name: options[option] for name, option in names.items() if options[option] is not None}:
            said[group] = chosen
    if options["send_overrides_of"]:
        said |= {"send_overrides": True, "overrides_of": options["send_overrides_of"]}
    return said


def public_url() -> str:
    """Where the desk is reached from outside, as far as the settings say."""
    if settings.CSRF_TRUSTED_ORIGINS:
        return str(settings.CSRF_TRUSTED_ORIGINS[0])
    host = settings.DESK_HOST if settings.DESK_HOST not in {"0.0.0.0", "::"} else settings.ALLOWED_HOSTS[0]  # noqa: S104 - compared
    return f"http://{host}:{settings.DESK_PORT}"
