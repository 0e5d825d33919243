"""``Fixture`` and ``Coverage`` of an Updategram (003; decisions U4, U6, U9).

Each public function takes the element and answers (fixture id, part). It raises :class:`feeds.errors.Unreadable` only where the id is
missing; every smaller fault is noted.
"""

from __future__ import annotations

from markets.domain.messages import (
    BasketballProperties,
    Competition,
    Competitor,
    Coverage,
    CoverageFeed,
    ExternalRef,
    FirstLeg,
    FixtureDetails,
    FootballProperties,
    Ref,
    TennisProperties,
    Venue,
)
from markets.domain.sports.catalogue import SPORTS
from markets.domain.values import FixtureStatus

from .reading import Element, Fields, Reading, Value, elements, leaf, names, text
from .values import boolean, integer, moment, optional_id, ref, required_id, seconds, status_of, worded

FIXTURE_STATUS: dict[str, FixtureStatus] = {s.value: s for s in (FixtureStatus.SCHEDULED, FixtureStatus.DELETED, FixtureStatus.UNKNOWN)}

GENDERS = {"Male", "Female", "Mixed"}
AGES = {"Youth", "U15", "U16", "U17", "U18", "U19", "U20", "U21", "U22", "U23", "Senior"}
COMPETITOR_TYPES = {
    "NotSpecified", "Other", "Person", "Team", "DoublesPartnership", "Abstract", "Horse", "Jockey", "Trainer", "HorseOwner", "Dog",
}  # fmt: skip
FIXTURE_TYPES = {"Match", "Outright", "Aggregate", "Virtual"}
FINAL_SETS = {"Unset", "TieBreak", "Advantage", "MatchTieBreak"}
SCORING_SYSTEMS = {"Unset", "NoAd", "StandardAdvantage"}
SURFACES = {"Unset", "Clay", "Grass", "Hard", "Carpet", "Wood"}
SPORT_IDS = {sport.ref for sport in SPORTS}
COVERAGE_FEEDS = {"MatchState", "TradingState"}

_FIXTURE = names(
    "Id", "Name", "FixtureType", "Status", "StartTimeUtc", "Sport", "Competition", "Season", "TourSeason", "Round", "Venue", "Competitors",
    "AggregateEventInfo", "ExternalId", "ExternalIds", "BasketballProperties", "FootballProperties", "TennisProperties",
    "AssociationFixtureId", "IsOff",
)  # fmt: skip
_COMPETITION = names("Id", "Name", "Region", "Gender")
_VENUE = names("Id", "Name", "Region")
_COMPETITOR = names(
    "Id", "Name", "CompetitorType", "HomeAway", "Competitors", "FirstName", "LastName", "SquadNumber", "Position", "Gender", "AgeCategory",
    "ExternalId", "ExternalIds",
)  # fmt: skip
_COMPETITOR_ITEM = names("Competitor")
_EXTERNAL_ITEM = names("ExternalId")
_EXTERNAL_ARRAY = names("ExternalIds")
_EXTERNAL = names("Source", "Id")
_FIRST_LEG = names("CurrentHomeTeamFirstLegScore", "CurrentAwayTeamFirstLegScore")
_BASKETBALL = names("BasketballAssociation")
_FOOTBALL = names("ExtraTimeProperties", "MatchDuration", "ExtraTimeDuration")
_EXTRA_TIME = names(
    "IsExtraTime", "IsSecondLeg", "FirstLegId", "GoesStraightToPenalties", "AwayGoalsAfterNormalTime", "AwayGoalsAfterExtraTime"
)
_TENNIS = names("NumberOfSets", "FinalSet", "ScoringSystemForServiceGames", "CourtSurface")
_COVERAGE = names("FixtureId", "ExternalFixtureId", "IsBooked", "AvailableFeeds")
_FEED_ITEM = names("Feed")
_FEED = names("IsLicensed", "Type")


def _sport(reading: Reading, value: Value) -> Ref | None:
    sport = ref(reading, value)
    if sport and sport.id not in SPORT_IDS:
        reading.note(f"sport {sport.id} “{sport.name[:40]}” is not in the documentation: kept as text")
    return sport


def _competition(reading: Reading, value: Value) -> Competition | None:
    f = reading.object(value, _COMPETITION)
    if not f:
        return None
    gender = worded(reading, f.get("Gender"), GENDERS, "gender")
    return Competition(optional_id(reading, f.get("Id")), reading.name(f.get("Name")), ref(reading, f.get("Region")), gender)


def _venue(reading: Reading, value: Value) -> Venue | None:
    f = reading.object(value, _VENUE)
    return Venue(optional_id(reading, f.get("Id")), reading.name(f.get("Name")), ref(reading, f.get("Region"))) if f else None


def _external(reading: Reading, element: Element) -> ExternalRef | None:
    """Both forms: bare text, and ``Source`` with ``Id`` (003 "ExternalIds")."""
    if any(True for _ in elements(element)):
        f = reading.fields(element, _EXTERNAL)
        return ExternalRef(reading.name(f.get("Id"), 100), reading.name(f.get("Source"), 100))
    said = reading.name(leaf(element), 100)
    return ExternalRef(said) if said else None


def _externals(reading: Reading, parent: Element) -> tuple[ExternalRef, ...]:
    """Every external id of a fixture or competitor, from the single element and from the array."""
    singles = reading.array(parent, _EXTERNAL_ITEM, note=False)
    arrays = [e for array in reading.array(parent, _EXTERNAL_ARRAY, note=False) for e in reading.array(array, _EXTERNAL_ITEM)]
    return tuple(ref for ref in (_external(reading, e) for e in singles + arrays) if ref)


def _competitors(reading: Reading, value: Value) -> tuple[Competitor, ...]:
    return tuple(_competitor(reading, e) for e in reading.array(value, _COMPETITOR_ITEM))


def _competitor(reading: Reading, element: Element) -> Competitor:
    f = reading.fields(element, _COMPETITOR)
    return Competitor(
        id=optional_id(reading, f.get("Id")),
        name=reading.name(f.get("Name")),
        type=worded(reading, f.get("CompetitorType"), COMPETITOR_TYPES, "competitor type"),
        home_away=worded(reading, f.get("HomeAway"), {"Home", "Away"}, "home or away"),
        competitors=_competitors(reading, f.get("Competitors")),
        first_name=reading.name(f.get("FirstName")),
        last_name=reading.name(f.get("LastName")),
        squad_number=reading.name(f.get("SquadNumber"), 40),
        position=reading.name(f.get("Position"), 100),
        gender=worded(reading, f.get("Gender"), GENDERS, "gender"),
        age_category=worded(reading, f.get("AgeCategory"), AGES, "age category"),
        external_ids=_externals(reading, element),
    )


def _first_leg(reading: Reading, fixture: Fields) -> FirstLeg | None:
    if "AggregateEventInfo" not in fixture:
        return None
    f = reading.object(fixture["AggregateEventInfo"], _FIRST_LEG)
    return FirstLeg(integer(reading, f, "CurrentHomeTeamFirstLegScore"), integer(reading, f, "CurrentAwayTeamFirstLegScore"))


def _football(reading: Reading, fixture: Fields) -> FootballProperties | None:
    if "FootballProperties" not in fixture:
        return None
    f = reading.object(fixture["FootballProperties"], _FOOTBALL)
    extra = reading.object(f.get("ExtraTimeProperties"), _EXTRA_TIME)
    return FootballProperties(
        match_seconds=seconds(reading, f, "MatchDuration"),
        extra_time_seconds=seconds(reading, f, "ExtraTimeDuration"),
        is_extra_time=boolean(reading, extra, "IsExtraTime"),
        is_second_leg=boolean(reading, extra, "IsSecondLeg"),
        first_leg_id=optional_id(reading, extra.get("FirstLegId")),
        straight_to_penalties=boolean(reading, extra, "GoesStraightToPenalties"),
        away_goals_after_normal_time=boolean(reading, extra, "AwayGoalsAfterNormalTime"),
        away_goals_after_extra_time=boolean(reading, extra, "AwayGoalsAfterExtraTime"),
    )


def _tennis(reading: Reading, fixture: Fields) -> TennisProperties | None:
    if "TennisProperties" not in fixture:
        return None
    f = reading.object(fixture["TennisProperties"], _TENNIS)
    return TennisProperties(
        number_of_sets=integer(reading, f, "NumberOfSets"),
        final_set=worded(reading, f.get("FinalSet"), FINAL_SETS, "final set"),
        scoring_system=worded(reading, f.get("ScoringSystemForServiceGames"), SCORING_SYSTEMS, "scoring system"),
        court_surface=worded(reading, f.get("CourtSurface"), SURFACES, "court surface"),
    )


def _basketball(reading: Reading, fixture: Fields) -> BasketballProperties | None:
    if "BasketballProperties" not in fixture:
        return None
    f = reading.object(fixture["BasketballProperties"], _BASKETBALL)
    return BasketballProperties(reading.name(f.get("BasketballAssociation"), 100))


def _is_off(reading: Reading, f: Fields) -> bool | None:
    """A race's start that cannot be read counts as started: that closes, and opens nothing."""
    value = boolean(reading, f, "IsOff")
    return True if value is None and text(f.get("IsOff")) else value


def fixture(reading: Reading, element: Element) -> tuple[str, FixtureDetails]:
    """003 "Fixture", every documented element."""
    f = reading.fields(element, _FIXTURE)
    status, status_text = status_of(reading, f.get("Status"), FIXTURE_STATUS, FixtureStatus.UNRECOGNISED, "fixture status")
    details = FixtureDetails(
        name=reading.name(f.get("Name")),
        type=worded(reading, f.get("FixtureType"), FIXTURE_TYPES, "fixture type"),
        status=status,
        status_text=status_text,
        start=moment(reading, f, "StartTimeUtc"),
        sport=_sport(reading, f.get("Sport")),
        competition=_competition(reading, f.get("Competition")),
        season=ref(reading, f.get("Season")),
        tour_season=ref(reading, f.get("TourSeason")),
        round=ref(reading, f.get("Round")),
        venue=_venue(reading, f.get("Venue")),
        competitors=_competitors(reading, f.get("Competitors")),
        external_ids=_externals(reading, element),
        first_leg=_first_leg(reading, f),
        football=_football(reading, f),
        tennis=_tennis(reading, f),
        basketball=_basketball(reading, f),
        association_fixture_id=reading.name(f.get("AssociationFixtureId"), 100),
        is_off=_is_off(reading, f),
    )
    return required_id(f, "Id", element), details


def _feed(reading: Reading, element: Element) -> CoverageFeed:
    f = reading.fields(element, _FEED)
    return CoverageFeed(worded(reading, f.get("Type"), COVERAGE_FEEDS, "coverage feed"), bool(boolean(reading, f, "IsLicensed")))


def coverage(reading: Reading, element: Element) -> tuple[str, Coverage]:
    """003 "Coverage"; what cannot be read counts as not booked and not licensed."""
    f = reading.fields(element, _COVERAGE)
    feeds = tuple(_feed(reading, e) for e in reading.array(f.get("AvailableFeeds"), _FEED_ITEM))
    external = reading.name(f.get("ExternalFixtureId"), 100)
    return required_id(f, "FixtureId", element), Coverage(bool(boolean(reading, f, "IsBooked")), feeds, external)
