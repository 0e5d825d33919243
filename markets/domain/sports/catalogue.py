"""Sports with their fixed slugs (003 "Sport", decision U15) and the market types that we know by id."""

from __future__ import annotations

from msgspec import Struct


class KnownSport(Struct, frozen=True):
    """``ref`` is the id that Updategram gives the sport."""

    ref: str
    slug: str
    name: str


class KnownType(Struct, frozen=True):
    """A market type that public material names; ``is_main``: shown on the live board."""

    ref: str
    name: str
    is_main: bool = False


SPORTS = (
    KnownSport("11205863", "3x3-basketball", "3x3 Basketball"),
    KnownSport("17", "american-football", "American Football"),
    KnownSport("2", "australian-rules", "Australian Rules"),
    KnownSport("271554", "badminton", "Badminton"),
    KnownSport("3", "baseball", "Baseball"),
    KnownSport("4", "basketball", "Basketball"),
    KnownSport("7950337", "beach-volleyball", "Beach Volleyball"),
    KnownSport("5", "boxing", "Boxing"),
    KnownSport("6", "cricket", "Cricket"),
    KnownSport("7", "cycling", "Cycling"),
    KnownSport("8", "darts", "Darts"),
    KnownSport("10915624", "esports", "eSports"),
    KnownSport("10", "football", "Football"),
    KnownSport("491393", "futsal", "Futsal"),
    KnownSport("6463040", "gaelic-football", "Gaelic Football"),
    KnownSport("12", "golf", "Golf"),
    KnownSport("99614", "handball", "Handball"),
    KnownSport("208627", "hockey", "Hockey"),
    KnownSport("14", "horse-racing", "Horse Racing"),
    KnownSport("6463041", "hurling", "Hurling"),
    KnownSport("15", "ice-hockey", "Ice Hockey"),
    KnownSport("300115", "martial-arts-ufc", "Martial Arts/UFC"),
    KnownSport("16", "motor-sport", "Motor Sport"),
    KnownSport("73743", "rugby-league", "Rugby League"),
    KnownSport("73744", "rugby-union", "Rugby Union"),
    KnownSport("22", "snooker", "Snooker"),
    KnownSport("269467", "table-tennis", "Table Tennis"),
    KnownSport("24", "tennis", "Tennis"),
    KnownSport("91189", "volleyball", "Volleyball"),
)
SPORT_BY_REF = {sport.ref: sport for sport in SPORTS} | {sport.slug: sport for sport in SPORTS}

TYPES = (
    KnownType("2", "Match Result", is_main=True),
    KnownType("322", "Match", is_main=True),
    KnownType("82", "Asian Handicap"),
    KnownType("91", "Correct Score"),
    KnownType("11103", "Numbered Game Score"),
    KnownType("11328", "Current Service Game Point Winner (Game, Point)"),
    KnownType("11329", "Next Service Game Point Winner (Game, Point)"),
    KnownType("11335", "Numbered Service Game Point Winner (Game, Point)"),
    KnownType("11336", "Current Service Game Point Winner (Set, Game, Point)"),
    KnownType("11337", "Next Service Game Point Winner (Set, Game, Point)"),
    KnownType("11340", "Numbered Service Game Point Winner (Set, Game, Point)"),
)
MAIN_TYPES = frozenset(kind.ref for kind in TYPES if kind.is_main)


def sport_of(ref: str, name: str) -> KnownSport:
    """The known sport of an Updategram id, or of our slug where a provider has no ids; else one that is named after the id."""
    return SPORT_BY_REF.get(ref) or KnownSport(ref, f"sport-{ref}", name or f"Sport {ref}")
