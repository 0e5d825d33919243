"""Invented people and tournaments. Any likeness is chance."""

from __future__ import annotations

from random import Random

from msgspec import Struct

WOMEN = (
    "Adela", "Celia", "Elise", "Greta", "Irena", "Klara", "Milena", "Oriana", "Renata", "Tamara", "Vera", "Wanda", "Xenia", "Zora",
)  # fmt: skip
MEN = ("Bruno", "Dario", "Fabian", "Hugo", "Jonas", "Lorenz", "Nils", "Pavel", "Silvio", "Urs", "Yannick")
LAST_NAMES = (
    "Abendrot", "Bellarque", "Corvino", "Drăgan", "Estévane", "Fjelde", "Grunwaldt", "Halvorsen-Roy", "Ilvanen", "Jankolic", "Kerimaa",
    "Lindqvister", "Morvane", "Nordéhn", "O'Tarrell", "Pellegrane", "Quillan", "Rostovec", "Sandovar", "Tessarin", "Uldall", "Varga-Lund",
    "Wexcombe", "Ylönen", "Zarovic",
)  # fmt: skip
COUNTRIES = ("ARG", "AUT", "CRO", "CZE", "ESP", "FIN", "FRA", "GER", "HUN", "ITA", "NED", "NOR", "POL", "ROU", "SRB", "SWE", "TUN")
TENNIS_TOURNAMENTS = ("Harbour Open Challenger", "Lakeside Indoor 250")


class Person(Struct, frozen=True):
    """``country``: three letters."""

    first: str
    last: str
    country: str


def people(random: Random, first_names: tuple[str, ...], count: int) -> list[Person]:
    """Of different last names."""
    last_names = random.sample(LAST_NAMES, count)
    return [Person(random.choice(first_names), last, random.choice(COUNTRIES)) for last in last_names]
