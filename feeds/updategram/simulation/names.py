"""Invented clubs, and the competitions of each sport. Any likeness is chance."""

from __future__ import annotations

from random import Random

from feeds.playing.people import TENNIS_TOURNAMENTS

TOWNS = (
    "Ashford Vale", "Bramwell", "Castle Norden", "Dunmere", "Eastholm", "Ferrol Bay", "Granby", "Hollins", "Isleworth Park",
    "Jarrow Hill", "Kestrel Moor", "Lindale", "Marlow Cross", "Northwyn", "Orrell Green", "Penhallow", "Quarrydale", "Ravensby",
    "Stanmoor", "Thornbury Mill", "Ulverton", "Varsden", "Westerlake", "Yarnfield", "Zennor",
)  # fmt: skip
CLUBS = {"football": ("FC", "United", "Athletic", "Rovers", "Town"), "basketball": ("Herons", "Lynx", "Comets", "Mariners", "Bisons")}
COMPETITIONS = {
    "football": (("2901", "Northern Premier Cup", "6", "Europe"), ("2902", "Coastal League One", "218", "Albania")),
    "tennis": (("4901", TENNIS_TOURNAMENTS[0], "64", "Tunisia"), ("4902", TENNIS_TOURNAMENTS[1], "6", "Europe")),
    "basketball": (("5901", "Continental Basket League", "6", "Europe"), ("5902", "Highland Conference", "6", "Europe")),
}


def club(random: Random, sport: str, taken: str = "") -> str:
    town = random.choice([t for t in TOWNS if not taken.startswith(t)])
    return f"{town} {random.choice(CLUBS[sport])}"
