"""Parse + typed beside ``lxml.etree.fromstring`` alone, on the same bytes, in turns."""

from __future__ import annotations

from lxml import etree

from bench import samples
from bench.figure import Figure, interleaved
from feeds.updategram import wire


def figures() -> list[Figure]:
    return [_figure("20 markets", samples.market_set(1, 20, 3), 300), _figure("2 MB", samples.market_set(1, 100, 62), 9)]


def _figure(size: str, body: bytes, rounds: int) -> Figure:
    floor, typed = interleaved(rounds, lambda: etree.fromstring(body), lambda: wire.parse(body))
    return Figure(f"parse + typed, {size}", typed * 1000, "ms", "≤ 4.5", floor * 1000, "lxml fromstring")
