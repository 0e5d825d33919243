"""One history pushed to one whole desk, and what came of it: ``python -m tests.promises.history HOME`` prints it as JSON.

The same bytes each time: retries, repeats, swaps, holes, conflicts, broken and unknown things, results and corrections.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from tests.promises import letters
from tests.promises.prepare import SLUG
from tests.promises.town import Match, Prepared, Town, opened

FIXTURES = tuple(range(880_001, 880_005))
LENGTH = 45
SENT = "2026-01-01T10:00:{:02d}Z"


def guid(*number: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(number)))


def part_of(match: Match, chance: random.Random) -> str:
    """Whatever a provider says of one fixture."""
    number, price = chance.randrange(3), f"{chance.randint(101, 990) / 100:.2f}"
    first = match.markets[number] * 10
    said = chance.choices(
        [
            letters.market_set(match.ref, match.market(number, price)),
            letters.market_set(match.ref, match.market(number, price, status=chance.choice(["Suspended", "Closed", "HalfOpen"]))),
            letters.market_set(match.ref, match.market(number, price, line=chance.choice(["0.5", "1.5"]))),
            letters.market_set(match.ref, letters.market(match.markets[number], {first: "<Decimal>1e1</Decimal>", first + 1: "2.50"})),
            letters.result_set(match.ref, match.markets[number], {first: chance.choice(["Winner", "Loser", "None", "Abducted"])}),
            letters.coverage(match.ref, licensed=chance.random() < 0.8),
            f"<LionTamingSummary2><FixtureId>{match.ref}</FixtureId></LionTamingSummary2>",
        ],
        weights=[10, 3, 2, 2, 2, 2, 1],
    )
    return said[0]


def history(match: Match) -> list[bytes]:
    """The messages of one fixture in the order in which they arrive."""
    chance = random.Random(match.ref)
    written = [letters.letter(letters.fixture(match.ref, starts=SENT.format(0)), guid=guid(match.ref, "f"), order=1, sent=SENT.format(0))]
    for n in range(2, LENGTH):
        head: dict[str, Any] = {"guid": guid(match.ref, n), "order": n if chance.random() < 0.9 else None, "sent": SENT.format(n % 60)}
        body = letters.letter(part_of(match, chance), **head)
        written.append(body)
        if chance.random() < 0.15:
            written.append(body.replace(b"<Retry>0<", b"<Retry>1<"))
        if chance.random() < 0.05:
            written.append(letters.letter(letters.coverage(match.ref, licensed=False), **head))
        if chance.random() < 0.04:
            written.append(letters.cut_short(match.ref, guid(match.ref, n, "cut")))
    for n in range(3, len(written) - 1, 7):
        written[n], written[n + 1] = written[n + 1], written[n]
    del written[11::23]
    return written


def told(town: Town) -> dict[str, Any]:
    """Push it all, as fast as it goes, fixture by fixture in turn; outcomes, notes and hashes by every public door."""
    matches = [Match(town, ref, in_play=False, markets=3) for ref in FIXTURES]
    lines = [history(match) for match in matches]
    for at in range(max(map(len, lines))):
        for line in lines:
            if at < len(line):
                assert town.post(line[at]) == 200
    assert town.post(b"nothing that can be read") == 200
    town.settle(60)
    guids = {
        guid(match.ref, *n) for match in matches for n in (*((k,) for k in range(2, LENGTH)), *((k, "cut") for k in range(LENGTH)), ("f",))
    }
    fates = {one: [(f["outcome"], f["reason"], f["notes"], f["retry"]) for f in town.fate(one)] for one in sorted(guids)}
    tape = town.place.data_dir / "tape.gz"
    said = town.place.manage("replay", "--export", str(tape)).stdout
    return {
        "fates": fates,
        "states": {match.ref: match.read().get("stateHash") for match in matches},
        "books": {name: town.books()[name] for name in ("received", "applied", "superseded", "duplicate", "quarantined", "pending")},
        "feed hash": hash_in(said),
        "tape": str(tape),
    }


def hash_in(said: str) -> str:
    """Of the feed, as the replay command prints it."""
    return next(line.split()[-1] for line in said.splitlines() if line.startswith(f"{SLUG}: feed hash"))


def main(home: Path) -> None:
    prepared = Prepared(Path(tempfile.mkdtemp(dir=home)))
    try:
        with opened(Path(tempfile.mkdtemp(dir=home)), prepared) as town:
            json.dump(told(town), sys.stdout)
    finally:
        prepared.place.drop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
