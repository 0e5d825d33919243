"""``manage.py simulate updategram --url URL``, ``simulate tennis --port P``, ``simulate odds360 --port P``: play a provider."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from msgspec import Struct

from feeds.odds360.simulation import faults as odds360_faults
from feeds.odds360.simulation import stream as odds360_stream
from feeds.odds360.simulation.voice import PRICES, Spelling
from feeds.odds360.simulator import Door as Odds360Door
from feeds.odds360.simulator import Odds360Simulator
from feeds.playing.tennis import Chances
from feeds.tennis.simulation.faults import Faults
from feeds.tennis.simulation.stream import Pace
from feeds.tennis.simulator import Door, TennisSimulator
from feeds.updategram.simulator import Simulator

T = TypeVar("T", bound=Struct)
TOKEN_VARIABLE = "SIMULATOR_TOKEN"  # noqa: S105  # the variable's name
Dials = Mapping[str, tuple[type, str]]
UPDATEGRAM: Dials = {
    "fixtures": (int, "fixtures at a time"),
    "rate": (float, "messages a second"),
    "seed": (int, "the same lives and ids again; without it they differ on each start"),
    "retries": (float, "chance (0–1) that a message is sent again as a retry"),
    "duplicates": (float, "chance that a message is sent twice, byte for byte"),
    "swaps": (float, "chance that a message is overtaken by the next of its fixture"),
    "broken": (float, "chance of an unreadable message beside a good one"),
    "big": (float, "chance of a 2 MB message beside a good one"),
    "heartbeat_stop": (float, "seconds after which nothing is sent any more, heartbeats included"),
    "duration": (float, "seconds after which the run ends"),
}
TENNIS: Dials = {
    "matches": (int, "matches at a time"),
    "speed": (float, "seconds of a match for each of ours: serve clock, changeovers of 120 s and all else"),
    "seed": (int, "the same matches and ids again; without it they differ on each start"),
    "stage": (float, "how far matches are when they begin (0–1)"),
    "ahead": (float, "seconds until the first point of a match that begins at stage 0"),
    "scoring": (str, "scoring type of all matches, e.g. Standard, ShortSets, MatchTieBreak; by turns without it"),
    "draw": (str, "MS, LS, MD, LD or XD; by turns without it"),
    "duration": (float, "seconds after which the run ends"),
}
ODDS360: Dials = {
    "bookmaker": (str, "the bookmaker's UUID that addresses have to name"),
    "matches": (int, "matches in play at a time"),
    "upcoming": (int, "matches to come at a time"),
    "speed": (float, "seconds of a match for each of ours"),
    "postpone": (float, "chance (0–1) that a match is postponed at its start"),
    "override": (float, "chance for each point that the provider's own trader changes or suspends one price for a while"),
    "seed": (int, "the same matches and ids again; without it they differ on each start"),
    "duration": (float, "seconds after which the run ends"),
}
GROUPS: Mapping[type[Struct], tuple[str, str]] = {
    Faults: ("", "chance (0–1) for each packet; see feeds/tennis/simulation/faults.py"),
    Chances: ("", "chance (0–1) of what happens on court; see feeds/playing/tennis.py"),
    Pace: ("_seconds", "see feeds/tennis/simulation/stream.py"),
    odds360_faults.Faults: ("", "chance (0–1)"),
    odds360_stream.Pace: ("_seconds", "seconds"),
}
"""Dials that are many: their type, the end of their names here, and words for those that have none of their own in :data:`OWN_WORDS`."""
OWN_WORDS: Mapping[type[Struct], Mapping[str, str]] = {
    odds360_faults.Faults: {
        "too_many": "chance (0–1) that an answer is a 429 with Retry-After",
        "error": "chance that an answer is a 500",
        "slow": "chance that an answer takes --slow-seconds",
        "cut": "chance that the connection ends after half the body of an answer",
        "html": "chance that an answer is a page of HTML with status 200",
        "truncated": "chance that the JSON of an answer stops in the middle",
        "changed": "chance that an answer has another shape",
        "twice": "chance that a list names its first match twice",
        "vanished": "chance that a match is in no list for --away-seconds",
        "gap": "chance that a change on a stream comes to nobody",
        "repeated": "chance that a change comes twice",
        "broken": "chance that a frame that is no JSON comes before a change",
        "other": "chance that a change comes in a shape that nobody knows",
        "dropped": "chance that a change ends all connections of its stream",
        "silent": "chance that at a change a stream falls silent, its sockets open and pings answered",
        "half_open": "chance that at a change the other end is gone without a word, for --half-open-seconds",
    },
    odds360_stream.Pace: {
        "beat": "seconds from one beat to the next; 0: none",
        "drift": "seconds from one move of pre-match prices to the next",
        "slow": "seconds that a slow answer takes",
        "away": "seconds that a match vanishes for",
        "half_open": "seconds after which a connection that was left half open is given up",
        "retry": "seconds that a 429 asks for",
    },
    Odds360Door: {
        "token_refused": "every token is wrong",
        "no_websocket": "an upgrade to WebSocket is refused, so that SSE is left",
        "no_streams": "neither WebSocket nor SSE, so that polling is left",
        "no_bookmaker": "the bookmaker's own addresses know nobody",
    },
}
SPELLINGS: Mapping[str, str] = {
    "whole": "streams send the whole payload for each change, without a type, and nothing between",
    "bare": "a payload has the four keys of the contract and nothing else",
    "apart": "the odds do not follow an override, so that the two disagree",
    "nulls": "a market that is not listed any more is null in an update; else only the next snapshot shows that",
}


class Command(BaseCommand):
    help = "Play a provider: whole match lives over real sockets, with faults to order."

    def add_arguments(self, parser: CommandParser) -> None:
        parsers = parser.add_subparsers(dest="provider", required=True)
        updategram = parsers.add_parser("updategram", help="pushes messages to a desk")
        updategram.add_argument("--url", required=True, help="the feed's address: http://HOST:PORT/feeds/updategram/SLUG")
        _add(updategram, UPDATEGRAM)
        tennis = parsers.add_parser("tennis", help="serves an umpire's feed: REST and a websocket for each match")
        tennis.add_argument("--host", default="127.0.0.1")
        tennis.add_argument("--port", type=int, default=9010)
        _add(tennis, TENNIS)
        _add_groups(tennis, Faults, Chances, Pace)
        _add_flags(tennis, Door.__struct_fields__, "how clients are met; see feeds/tennis/simulator.py")
        odds360 = parsers.add_parser("odds360", help="serves SportMicro's table tennis and Odds360: REST, websockets and event streams")
        odds360.add_argument("--host", default="127.0.0.1")
        odds360.add_argument("--port", type=int, default=9036)
        _add(odds360, ODDS360)
        _add_groups(odds360, odds360_faults.Faults, odds360_stream.Pace)
        for name, words in {**OWN_WORDS[Odds360Door], **SPELLINGS}.items():
            _add_flags(odds360, (name,), words)
        odds360.add_argument("--price", choices=PRICES, default=PRICES[0], help="how a price is spelled")
        for one in (updategram, tennis, odds360):
            one.add_argument("--token", default=os.environ.get(TOKEN_VARIABLE, ""), help=f"the feed's secret; or in {TOKEN_VARIABLE}")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["token"]:
            raise CommandError(f"--token or {TOKEN_VARIABLE} is required")
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
        for chatty in ("httpx", "websockets"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        try:
            asyncio.run(SIMULATORS[options["provider"]](options).run())
        except KeyboardInterrupt:
            self.stdout.write("stopped")


def _updategram(options: dict[str, Any]) -> Simulator:
    return Simulator(url=options["url"], token=options["token"], **_given(options, UPDATEGRAM))


def _tennis(options: dict[str, Any]) -> TennisSimulator:
    return TennisSimulator(
        host=options["host"],
        port=options["port"],
        token=options["token"],
        faults=_group(options, Faults),
        chances=_group(options, Chances),
        pace=_group(options, Pace),
        door=Door(**{name: options[name] for name in Door.__struct_fields__}),
        **_given(options, TENNIS),
    )


def _odds360(options: dict[str, Any]) -> Odds360Simulator:
    return Odds360Simulator(
        host=options["host"],
        port=options["port"],
        token=options["token"],
        faults=_group(options, odds360_faults.Faults),
        pace=_group(options, odds360_stream.Pace),
        door=Odds360Door(**{name: options[name] for name in Odds360Door.__struct_fields__}),
        spelling=Spelling(price=options["price"], **{name: options[name] for name in SPELLINGS}),
        **_given(options, ODDS360),
    )


SIMULATORS: Mapping[str, Callable[[dict[str, Any]], Simulator | TennisSimulator | Odds360Simulator]] = {
    "updategram": _updategram,
    "tennis": _tennis,
    "odds360": _odds360,
}


def _given(options: dict[str, Any], names: Iterable[str], ending: str = "") -> dict[str, Any]:
    return {name: options[name + ending] for name in names if options[name + ending] is not None}


def _group(options: dict[str, Any], type_: type[T]) -> T:
    return type_(**_given(options, type_.__struct_fields__, GROUPS[type_][0]))


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add_groups(parser: Any, *types: type[Struct]) -> None:
    for type_ in types:
        ending, words = GROUPS[type_]
        own = OWN_WORDS.get(type_, {})
        _add(parser, {name + ending: (float, own.get(name, words)) for name in type_.__struct_fields__})


def _add_flags(parser: Any, names: Iterable[str], words: str) -> None:
    for name in names:
        parser.add_argument(_flag(name), action="store_true", help=words)


def _add(parser: Any, dials: Dials) -> None:
    for name, (kind, words) in dials.items():
        parser.add_argument(_flag(name), type=kind, help=words)
