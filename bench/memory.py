"""The web process after 100,000 messages, all of them applied where it applies them itself."""

from __future__ import annotations

from bench import whole
from bench.ack import send
from bench.figure import Figure
from bench.load import Load
from tests.processes import until

MESSAGES = 100_000
FIXTURES = 50


def figures() -> list[Figure]:
    with whole.desk() as desk:
        desk.introduce(FIXTURES)
        outcome = send(Load(desk.url, 1200.0, fixtures=FIXTURES, connections=8, most=MESSAGES))
        assert until(lambda: desk.books()["pending"] == 0, 1200.0)
        return [Figure(f"web process after {len(outcome.took):,} messages ({whole.mode()})", desk.desk.rss() / 2**20, "MB", "≤ 300")]
