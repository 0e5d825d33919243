"""One history of a point feed in a desk of its own: ``python -m tests.feeds.points_history tell TAPE`` and ``… drain``.

The same bytes each time: matches that arrive out of order and in pieces, repeats, conflicts, gaps filled late and never, alarms, what
nobody can read, names that change. ``tell`` prints what came of it as JSON and writes the raw log; ``drain`` applies what an earlier
process kept, until it is done or killed.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import django

EVENTS = ("2026-0580-MS001", "2026-0580-LS001")


def tell(tape: Path) -> dict[str, Any]:
    from feeds import tape as tapes
    from feeds.models import Frame
    from markets.models import Gap, TimelineEntry
    from markets.services import ingest
    from tests.feeds import points

    source = points.feed()
    for number, event in enumerate(EVENTS):
        chance = random.Random(number)
        packets = points.match(seed=number, most=120)
        points.send(source, points.live_event(event), event="")
        held_back = packets[60 + number : 63 + number]
        first, rest = packets[: 60 + number], packets[63 + number :]
        _send_in_pieces(points, source, first, chance, event)
        points.send(source, points.alarm(7), b"{", points.changed(packets[9], matchTime="99:99:99"), event=event)
        _send_in_pieces(points, source, rest[:20], chance, event)
        if number % 2:
            points.wait(*Frame.objects.filter(stream=event, parked=True, outcome=None).values_list("pk", flat=True), seconds=40)
            points.sweep()
        points.send(source, *held_back, points.changed(held_back[0], matchTime="88:88:88"), event=event)
        _send_in_pieces(points, source, rest[20:], chance, event)
        points.send(source, points.live_event(event, b=f"X{number}"), event="")
    tapes.export(tape)
    return {
        "feed hash": ingest.feed_hash(source.pk),
        "outcomes": sorted([one.stream, one.hint_seq or 0, str(one.outcome), one.reason] for one in Frame.objects.defer("body")),
        "gaps": sorted(Gap.objects.exclude(fixture=None).values_list("fixture__ref", "cause")),
        "timeline": [list(row) for row in TimelineEntry.objects.order_by("fixture__ref", "pk").values_list("fixture__ref", "seq", "words")],
    }


def _send_in_pieces(points: Any, source: Any, packets: list[bytes], chance: random.Random, event: str) -> None:
    """Out of order within a dozen, some twice, a few at a time."""
    waiting = [packet for at in range(0, len(packets), 12) for packet in chance.sample(packets[at : at + 12], len(packets[at : at + 12]))]
    while waiting:
        count = chance.choice((1, 3, 30))
        points.send(source, *waiting[:count], *chance.sample(packets, 1), event=event)
        del waiting[:count]


def keep() -> None:
    """Two matches, shuffled, none of it applied yet."""
    from tests.feeds import points

    source = points.feed()
    for number, event in enumerate(EVENTS):
        packets = points.match(seed=number, most=400)
        random.Random(number).shuffle(packets)
        points.keep(source, *packets, event=event)


def drain() -> str:
    from markets.models import Source
    from markets.services import ingest
    from tests.feeds import points

    print("draining", flush=True)
    points.drain()
    return ingest.feed_hash(Source.objects.get(slug="umpire").pk)


def main() -> None:
    django.setup()
    match sys.argv[1:]:
        case ["tell", tape]:
            print(json.dumps(tell(Path(tape))))
        case ["keep"]:
            keep()
        case _:
            print(drain())


if __name__ == "__main__":
    main()
