"""Elements of an Updategram to the desk's messages (003; decisions U4–U7, U9, U10).

Each public function takes one child of the root and answers (fixture id, part). It raises :class:`feeds.errors.Unreadable` only
where an id is missing; every smaller fault holds what it touches and is noted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from msgspec.structs import replace

from feeds.errors import Unreadable
from markets.domain.messages import (
    BasketballProperties,
    Competition,
    Competitor,
    Coverage,
    CoverageFeed,
    EachWay,
    ExternalRef,
    FirstLeg,
    FixtureDetails,
    FootballProperties,
    Market,
    MarketResult,
    MarketSet,
    Ref,
    ResultSet,
    Selection,
    SelectionResult,
    TennisProperties,
    Venue,
    market_ref,
)
from markets.domain.values import FixtureStatus, MarketStatus, ResultStatus, SelectionStatus

from . import grammar
from .reading import Element, Fields, Reading, Value, elements, inside, leaf, line, names, path, text

ID_LIMIT = 64
TYPE_NAME_LIMIT = 200
REMEMBERED_NAME = 40
ENTITY_LIMIT = 20_000  # markets and selections, or results, in one message: four times the largest that the vendor announces

MARKET_STATUS: dict[str, MarketStatus] = {s.value: s for s in MarketStatus if s is not MarketStatus.UNRECOGNISED}
SELECTION_STATUS: dict[str, SelectionStatus] = {s.value: s for s in SelectionStatus if s is not SelectionStatus.UNRECOGNISED}
FIXTURE_STATUS: dict[str, FixtureStatus] = {s.value: s for s in (FixtureStatus.SCHEDULED, FixtureStatus.DELETED, FixtureStatus.UNKNOWN)}
RESULT_STATUS: dict[str, ResultStatus] = {s.value: s for s in ResultStatus if s is not ResultStatus.UNRECOGNISED}

GENDERS = {"Male", "Female", "Mixed"}
AGES = {"Youth", "U15", "U16", "U17", "U18", "U19", "U20", "U21", "U22", "U23", "Senior"}
COMPETITOR_TYPES = {
    "NotSpecified", "Other", "Person", "Team", "DoublesPartnership", "Abstract", "Horse", "Jockey", "Trainer", "HorseOwner", "Dog",
}  # fmt: skip
FIXTURE_TYPES = {"Match", "Outright", "Aggregate", "Virtual"}
FINAL_SETS = {"Unset", "TieBreak", "Advantage", "MatchTieBreak"}
SCORING_SYSTEMS = {"Unset", "NoAd", "StandardAdvantage"}
SURFACES = {"Unset", "Clay", "Grass", "Hard", "Carpet", "Wood"}
SPORTS = {
    "11205863", "17", "2", "271554", "3", "4", "7950337", "5", "6", "7", "8", "10915624", "10", "491393", "6463040", "12", "99614",
    "208627", "14", "6463041", "15", "300115", "16", "73743", "73744", "22", "269467", "24", "91189",
}  # fmt: skip
COVERAGE_FEEDS = {"MatchState", "TradingState"}
CASH_OUTS = {"Open", "Suspended", "Closed"}

_FIXTURE = names(
    "Id", "Name", "FixtureType", "Status", "StartTimeUtc", "Sport", "Competition", "Season", "TourSeason", "Round", "Venue", "Competitors",
    "AggregateEventInfo", "ExternalId", "ExternalIds", "BasketballProperties", "FootballProperties", "TennisProperties",
    "AssociationFixtureId", "IsOff",
)  # fmt: skip
_REF = names("Id", "Name")
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

_MARKET_SET = names("FixtureId", "Markets")
_MARKET_ITEM = names("Market")
_MARKET = names(
    "Id", "Sequence", "TradingStatus", "Name", "ExpiryUtc", "Handicap", "MarketType", "InPlay", "Selections", "ExternalId", "CashOutStatus",
    "EachWayTerm",
)  # fmt: skip
_MARKET_TYPE = names("Id", "Name", "IsHandicap")
_EACH_WAY = names("Places", "Numerator", "Denominator")
_SELECTION_ITEM = names("Selection")
_SELECTION = names(
    "Id", "TradingStatus", "Name", "CompetitorId", "Outcome", "Range", "Numerator", "Denominator", "Decimal", "Probability", "ExternalId"
)
_RANGE = names("High", "Low")

_RESULT_SET = names("FixtureId", "Results")
_RESULT_ITEM = names("MarketResult")
_MARKET_RESULT = names("MarketId", "MarketSequence", "Results", "MarketResultScore")
_SELECTION_RESULT_ITEM = names("SelectionResult")
_SELECTION_RESULT = names("SelectionId", "ResultStatus", "AdditionalResultData")
_ADDITIONAL = names("PercentageWin", "PercentagePush", "Place", "CountInPlace")
_SCORE = names("First", "Second")

_COVERAGE = names("FixtureId", "ExternalFixtureId", "IsBooked", "AvailableFeeds")
_FEED_ITEM = names("Feed")
_FEED = names("IsLicensed", "Type")

Status = TypeVar("Status", FixtureStatus, MarketStatus, SelectionStatus, ResultStatus)
Read = TypeVar("Read")
Entity = TypeVar("Entity", Selection, SelectionResult)


# --- one value -----------------------------------------------------------------------------------------------------------------


def required_id(fields: Fields, name: str, parent: Element) -> str:
    """An id without which the message means nothing (U7)."""
    said = text(fields.get(name))
    found = grammar.identifier(said) if said else ""
    if not found:
        raise Unreadable(f"{path(parent)} has no readable {name}" + (f": “{said[:40]}”" if said else ""), line(parent))
    return found


def _optional_id(reading: Reading, value: Value) -> str:
    """A descriptive id: in its one spelling where it is an integer, else as it stands."""
    said = text(value)
    return (grammar.identifier(said) or reading.name(said, ID_LIMIT)) if said else ""


def _status(reading: Reading, value: Value, known: dict[str, Status], unrecognised: Status, what: str) -> tuple[Status, str]:
    said = text(value)
    status = known.get(said)
    if status is not None:
        return status, said
    reading.note(f"{what} “{said[:40]}” is not known: held" if said else f"{what} is missing: held")
    return unrecognised, said[:40]


def _worded(reading: Reading, value: Value, known: set[str], what: str) -> str:
    """A descriptive word: kept as it is, noted when it is a new one (U6)."""
    if value in known:
        return value
    said = reading.name(value, 40)
    if said and said not in known:
        reading.note(f"{what} “{said}” is not in the documentation: kept as text")
    return said


def _sequence(element: Element, fields: Fields, name: str) -> int | None:
    """Part of a market's identity: present and unreadable means that the market cannot be named."""
    said = text(fields.get(name))
    value = grammar.integer(said) if said else None
    if said and value is None:
        raise Unreadable(f"{path(element)}: {name} “{said[:40]}” is no integer", line(element))
    return value


def _read(reading: Reading, fields: Fields, name: str, grammar_of: Callable[[str], Read | None], what: str) -> Read | None:
    """An optional value: what cannot be read is left out and noted."""
    if name not in fields:
        return None
    said = text(fields[name])
    value = grammar_of(said) if said else None
    if value is None and said:
        reading.note(f"{name} “{said[:40]}” is {what}: left out")
    return value


def _integer(reading: Reading, fields: Fields, name: str) -> int | None:
    return _read(reading, fields, name, grammar.integer, "no integer")


def _decimal(reading: Reading, fields: Fields, name: str) -> Decimal | None:
    return _read(reading, fields, name, grammar.decimal, "no plain number")


def _moment(reading: Reading, fields: Fields, name: str) -> datetime | None:
    return _read(reading, fields, name, grammar.moment, "no time")


def _seconds(reading: Reading, fields: Fields, name: str) -> int | None:
    return _read(reading, fields, name, grammar.seconds, "no duration")


def _boolean(reading: Reading, fields: Fields, name: str) -> bool | None:
    return _read(reading, fields, name, grammar.boolean, "neither true nor false")


# --- Fixture -------------------------------------------------------------------------------------------------------------------


_remembered_ref = lru_cache(4096)(Ref)  # outcomes and market types are few, and named in every market


def _ref(reading: Reading, value: Value) -> Ref | None:
    f = reading.object(value, _REF)
    if not f:
        return None
    key, name = _optional_id(reading, f.get("Id")), reading.name(f.get("Name"))
    return _remembered_ref(key, name) if len(name) <= REMEMBERED_NAME else Ref(key, name)


def _sport(reading: Reading, value: Value) -> Ref | None:
    sport = _ref(reading, value)
    if sport and sport.id not in SPORTS:
        reading.note(f"sport {sport.id} “{sport.name[:40]}” is not in the documentation: kept as text")
    return sport


def _competition(reading: Reading, value: Value) -> Competition | None:
    f = reading.object(value, _COMPETITION)
    if not f:
        return None
    gender = _worded(reading, f.get("Gender"), GENDERS, "gender")
    return Competition(_optional_id(reading, f.get("Id")), reading.name(f.get("Name")), _ref(reading, f.get("Region")), gender)


def _venue(reading: Reading, value: Value) -> Venue | None:
    f = reading.object(value, _VENUE)
    return Venue(_optional_id(reading, f.get("Id")), reading.name(f.get("Name")), _ref(reading, f.get("Region"))) if f else None


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
        id=_optional_id(reading, f.get("Id")),
        name=reading.name(f.get("Name")),
        type=_worded(reading, f.get("CompetitorType"), COMPETITOR_TYPES, "competitor type"),
        home_away=_worded(reading, f.get("HomeAway"), {"Home", "Away"}, "home or away"),
        competitors=_competitors(reading, f.get("Competitors")),
        first_name=reading.name(f.get("FirstName")),
        last_name=reading.name(f.get("LastName")),
        squad_number=reading.name(f.get("SquadNumber"), 40),
        position=reading.name(f.get("Position"), 100),
        gender=_worded(reading, f.get("Gender"), GENDERS, "gender"),
        age_category=_worded(reading, f.get("AgeCategory"), AGES, "age category"),
        external_ids=_externals(reading, element),
    )


def _first_leg(reading: Reading, fixture: Fields) -> FirstLeg | None:
    if "AggregateEventInfo" not in fixture:
        return None
    f = reading.object(fixture["AggregateEventInfo"], _FIRST_LEG)
    return FirstLeg(_integer(reading, f, "CurrentHomeTeamFirstLegScore"), _integer(reading, f, "CurrentAwayTeamFirstLegScore"))


def _football(reading: Reading, fixture: Fields) -> FootballProperties | None:
    if "FootballProperties" not in fixture:
        return None
    f = reading.object(fixture["FootballProperties"], _FOOTBALL)
    extra = reading.object(f.get("ExtraTimeProperties"), _EXTRA_TIME)
    return FootballProperties(
        match_seconds=_seconds(reading, f, "MatchDuration"),
        extra_time_seconds=_seconds(reading, f, "ExtraTimeDuration"),
        is_extra_time=_boolean(reading, extra, "IsExtraTime"),
        is_second_leg=_boolean(reading, extra, "IsSecondLeg"),
        first_leg_id=_optional_id(reading, extra.get("FirstLegId")),
        straight_to_penalties=_boolean(reading, extra, "GoesStraightToPenalties"),
        away_goals_after_normal_time=_boolean(reading, extra, "AwayGoalsAfterNormalTime"),
        away_goals_after_extra_time=_boolean(reading, extra, "AwayGoalsAfterExtraTime"),
    )


def _tennis(reading: Reading, fixture: Fields) -> TennisProperties | None:
    if "TennisProperties" not in fixture:
        return None
    f = reading.object(fixture["TennisProperties"], _TENNIS)
    return TennisProperties(
        number_of_sets=_integer(reading, f, "NumberOfSets"),
        final_set=_worded(reading, f.get("FinalSet"), FINAL_SETS, "final set"),
        scoring_system=_worded(reading, f.get("ScoringSystemForServiceGames"), SCORING_SYSTEMS, "scoring system"),
        court_surface=_worded(reading, f.get("CourtSurface"), SURFACES, "court surface"),
    )


def _basketball(reading: Reading, fixture: Fields) -> BasketballProperties | None:
    if "BasketballProperties" not in fixture:
        return None
    f = reading.object(fixture["BasketballProperties"], _BASKETBALL)
    return BasketballProperties(reading.name(f.get("BasketballAssociation"), 100))


def _is_off(reading: Reading, f: Fields) -> bool | None:
    """A race's start that cannot be read counts as started: that closes, and opens nothing."""
    value = _boolean(reading, f, "IsOff")
    return True if value is None and text(f.get("IsOff")) else value


def fixture(reading: Reading, element: Element) -> tuple[str, FixtureDetails]:
    """003 "Fixture", every documented element."""
    f = reading.fields(element, _FIXTURE)
    status, status_text = _status(reading, f.get("Status"), FIXTURE_STATUS, FixtureStatus.UNRECOGNISED, "fixture status")
    details = FixtureDetails(
        name=reading.name(f.get("Name")),
        type=_worded(reading, f.get("FixtureType"), FIXTURE_TYPES, "fixture type"),
        status=status,
        status_text=status_text,
        start=_moment(reading, f, "StartTimeUtc"),
        sport=_sport(reading, f.get("Sport")),
        competition=_competition(reading, f.get("Competition")),
        season=_ref(reading, f.get("Season")),
        tour_season=_ref(reading, f.get("TourSeason")),
        round=_ref(reading, f.get("Round")),
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


# --- MarketSet -----------------------------------------------------------------------------------------------------------------


def _price(reading: Reading, f: Fields, status: SelectionStatus, selection_id: str) -> grammar.Price:
    decimal, numerator, denominator = f.get("Decimal"), f.get("Numerator"), f.get("Denominator")
    if isinstance(decimal, str) and isinstance(numerator, str) and isinstance(denominator, str):
        found = grammar.price(decimal, numerator, denominator)
    elif inside(decimal) is None and inside(numerator) is None and inside(denominator) is None:
        found = grammar.price(text(decimal), text(numerator), text(denominator))
    else:
        found = grammar.Price(problem="markup inside the price", text=text(decimal)[:40])
    if found.problem and not (found.absent and status is not SelectionStatus.TRADING):
        reading.note(f"selection {selection_id}: {found.problem}")
    return found


def _range(reading: Reading, value: Value) -> tuple[Decimal | None, Decimal | None]:
    f = reading.object(value, _RANGE)
    return (_decimal(reading, f, "Low"), _decimal(reading, f, "High")) if f else (None, None)


def _selection(reading: Reading, element: Element) -> Selection:
    f = reading.fields(element, _SELECTION)
    selection_id = required_id(f, "Id", element)
    said = text(f.get("TradingStatus"))
    status = SELECTION_STATUS.get(said) or _unknown_selection_status(reading, said, selection_id)
    price = _price(reading, f, status, selection_id)
    low, high = _range(reading, f["Range"]) if "Range" in f else (None, None)
    return Selection(
        selection_id,
        reading.name(f.get("Name")),
        status,
        said if len(said) <= ID_LIMIT else said[:ID_LIMIT],
        _optional_id(reading, f["CompetitorId"]) if "CompetitorId" in f else "",
        _ref(reading, f["Outcome"]) if "Outcome" in f else None,
        low,
        high,
        price.numerator,
        price.denominator,
        price.value,
        price.text,
        price.problem,
        _decimal(reading, f, "Probability"),
        reading.name(f["ExternalId"], 100) if "ExternalId" in f else "",
    )


def _unknown_selection_status(reading: Reading, said: str, selection_id: str) -> SelectionStatus:
    what = f"status of selection {selection_id}"  # apart, so that the words are made only when they are needed
    return _status(reading, said, SELECTION_STATUS, SelectionStatus.UNRECOGNISED, what)[0]


def _once_each(reading: Reading, found: list[Entity], ids: list[str], unrecognised: SelectionStatus | ResultStatus) -> tuple[Entity, ...]:
    """Entities by id; one that is sent twice, differently, is held, because nobody can say which is meant."""
    if len(set(ids)) == len(ids):
        return tuple(found)
    kept: dict[str, Entity] = {}
    for key, entity in zip(ids, found, strict=True):
        differs = key in kept and kept[key] != entity
        kept[key] = replace(entity, status=unrecognised) if differs else entity
        if differs:
            reading.note(f"selection {key} is sent twice, differently: held")
    return tuple(kept.values())


def _selections(reading: Reading, value: Value) -> tuple[Selection, ...]:
    found = [_selection(reading, e) for e in reading.array(value, _SELECTION_ITEM)]
    return _once_each(reading, found, [s.id for s in found], SelectionStatus.UNRECOGNISED)


def _each_way(reading: Reading, value: Value) -> EachWay | None:
    f = reading.object(value, _EACH_WAY)
    if not f:
        return None
    places, numerator, denominator = (_integer(reading, f, name) for name in ("Places", "Numerator", "Denominator"))
    if places is None or numerator is None or denominator is None:
        reading.note("each-way terms cannot be read: left out")
        return None
    return EachWay(places, numerator, denominator)


def _market_problem(f: Fields, in_play: bool | None, is_handicap: bool, line: Decimal | None, expiry: datetime | None) -> str:
    """Why a market that says Open cannot be taken at its word: a fact that decides about its prices is unreadable."""
    if in_play is None:
        return "InPlay is missing or unreadable"
    if line is None and (is_handicap or text(f.get("Handicap"))):
        return "the handicap line is missing or unreadable"
    if expiry is None and not in_play and text(f.get("ExpiryUtc")):
        return "the expiry time is unreadable"
    return ""


def _market_status(reading: Reading, said: str, problem: str, ref: str) -> tuple[MarketStatus, str]:
    status = MARKET_STATUS.get(said)
    if status is None:
        return _status(reading, said, MARKET_STATUS, MarketStatus.UNRECOGNISED, f"status of market {ref}")
    if problem and status is MarketStatus.OPEN:
        reading.note(f"market {ref}: {problem}: held")
        return MarketStatus.UNRECOGNISED, f"{said}, but {problem}"
    return status, said


def _market(reading: Reading, element: Element) -> Market:
    f = reading.fields(element, _MARKET)
    kind = reading.object(f.get("MarketType"), _MARKET_TYPE)
    market_id = required_id(f, "Id", element)
    sequence = _sequence(element, f, "Sequence")
    in_play = _boolean(reading, f, "InPlay")
    is_handicap = bool(_boolean(reading, kind, "IsHandicap"))
    line = _decimal(reading, f, "Handicap")
    expiry = _moment(reading, f, "ExpiryUtc")
    problem = _market_problem(f, in_play, is_handicap, line, expiry)
    status, status_text = _market_status(reading, text(f.get("TradingStatus")), problem, market_ref(market_id, sequence))
    return Market(
        market_id,
        sequence,
        reading.name(f.get("Name")),
        status,
        _optional_id(reading, kind.get("Id")),
        reading.name(kind.get("Name"), TYPE_NAME_LIMIT),
        sequence is not None if in_play is None else in_play,
        status_text,
        is_handicap,
        line,
        expiry,
        _worded(reading, f["CashOutStatus"], CASH_OUTS, "cash-out status") if "CashOutStatus" in f else "",
        _each_way(reading, f["EachWayTerm"]) if "EachWayTerm" in f else None,
        reading.name(f["ExternalId"], 100) if "ExternalId" in f else "",
        _selections(reading, f.get("Selections")),
    )


def _markets_once_each(reading: Reading, found: list[Market]) -> tuple[Market, ...]:
    kept: dict[str, Market] = {}
    for market in found:
        differs = market.ref in kept and kept[market.ref] != market
        kept[market.ref] = replace(market, status=MarketStatus.UNRECOGNISED) if differs else market
        if differs:
            reading.note(f"market {market.ref} is sent twice, differently: held")
    return tuple(kept.values())


def _refuse_too_many(element: Element, *tags: str) -> None:
    """Reading and what follows it, row by row, are bounded here (E4): before either, and however often an entity is sent."""
    entities = sum(1 for _ in element.iter(*tags))
    if entities > ENTITY_LIMIT:
        raise Unreadable(f"{path(element)} holds {entities} entities, more than {ENTITY_LIMIT}", line(element))


def market_set(reading: Reading, element: Element) -> tuple[str, MarketSet]:
    """003 "MarketSet"."""
    _refuse_too_many(element, *_MARKET_ITEM, *_SELECTION_ITEM)
    f = reading.fields(element, _MARKET_SET)
    markets = [_market(reading, e) for e in reading.array(f.get("Markets"), _MARKET_ITEM)]
    return required_id(f, "FixtureId", element), MarketSet(_markets_once_each(reading, markets))


# --- ResultSet -----------------------------------------------------------------------------------------------------------------


def _selection_result(reading: Reading, element: Element) -> SelectionResult:
    f = reading.fields(element, _SELECTION_RESULT)
    selection_id = required_id(f, "SelectionId", element)
    what = f"result status of selection {selection_id}"
    status, said = _status(reading, f.get("ResultStatus"), RESULT_STATUS, ResultStatus.UNRECOGNISED, what)
    a = reading.object(f.get("AdditionalResultData"), _ADDITIONAL)
    return SelectionResult(
        selection_id,
        status,
        said,
        _decimal(reading, a, "PercentageWin"),
        _decimal(reading, a, "PercentagePush"),
        _integer(reading, a, "Place"),
        _integer(reading, a, "CountInPlace"),
    )


def _score(reading: Reading, value: Value) -> tuple[int | None, int | None] | None:
    f = reading.object(value, _SCORE)
    return (_integer(reading, f, "First"), _integer(reading, f, "Second")) if f else None


def _market_result(reading: Reading, element: Element) -> MarketResult:
    f = reading.fields(element, _MARKET_RESULT)
    market_id = required_id(f, "MarketId", element)
    found = [_selection_result(reading, e) for e in reading.array(f.get("Results"), _SELECTION_RESULT_ITEM)]
    return MarketResult(
        market_id,
        _sequence(element, f, "MarketSequence"),
        _once_each(reading, found, [s.selection_id for s in found], ResultStatus.UNRECOGNISED),
        _score(reading, f.get("MarketResultScore")),
    )


def _results_once_each(reading: Reading, found: list[MarketResult]) -> tuple[MarketResult, ...]:
    kept: dict[str, MarketResult] = {}
    for result in found:
        differs = result.ref in kept and kept[result.ref] != result
        kept[result.ref] = replace(result, selections=_doubtful(result)) if differs else result
        if differs:
            reading.note(f"the result of market {result.ref} is sent twice, differently: held")
    return tuple(kept.values())


def _doubtful(result: MarketResult) -> tuple[SelectionResult, ...]:
    return tuple(replace(s, status=ResultStatus.UNRECOGNISED) for s in result.selections)


def result_set(reading: Reading, element: Element) -> tuple[str, ResultSet]:
    """003 "ResultSet"."""
    _refuse_too_many(element, *_RESULT_ITEM, *_SELECTION_RESULT_ITEM)
    f = reading.fields(element, _RESULT_SET)
    results = [_market_result(reading, e) for e in reading.array(f.get("Results"), _RESULT_ITEM)]
    return required_id(f, "FixtureId", element), ResultSet(_results_once_each(reading, results))


# --- Coverage ------------------------------------------------------------------------------------------------------------------


def _feed(reading: Reading, element: Element) -> CoverageFeed:
    f = reading.fields(element, _FEED)
    return CoverageFeed(_worded(reading, f.get("Type"), COVERAGE_FEEDS, "coverage feed"), bool(_boolean(reading, f, "IsLicensed")))


def coverage(reading: Reading, element: Element) -> tuple[str, Coverage]:
    """003 "Coverage"; what cannot be read counts as not booked and not licensed."""
    f = reading.fields(element, _COVERAGE)
    feeds = tuple(_feed(reading, e) for e in reading.array(f.get("AvailableFeeds"), _FEED_ITEM))
    external = reading.name(f.get("ExternalFixtureId"), 100)
    return required_id(f, "FixtureId", element), Coverage(bool(_boolean(reading, f, "IsBooked")), feeds, external)
