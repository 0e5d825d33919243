"""Match State to a scoreboard (feeds documentation 2.3: field names as a public consumer types them; no schema is public).

A scoreboard is a plain JSON object: ``sport``, ``phase``, ``home`` and ``away`` (the score, integers or ``None``), ``minute``,
``clock`` {``seconds`` into the phase, ``at``, ``running``}, ``periods`` [{``name``, ``home``, ``away``}], ``counts``
{name: {``home``, ``away``, ``collected``, ``reliable``}} and ``facts``: every other element as it came, text or nested object.
Phase words are extensible; one that we do not know counts as in play, which closes pre-match markets and opens nothing.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from lxml import etree

from markets.domain.messages import MatchState

from . import grammar
from .reading import Element, Fields, Reading, elements, leaf, local, names, text
from .values import required_id

KIND_LIMIT = 80
RAW_LIMIT = 32_000
SCOREBOARD_LIMIT = 2_000

NOT_STARTED = {"PreMatch", "NotStarted", "Scheduled", "Postponed"}
ENDED = {"PostMatch", "Ended", "Finished", "Abandoned", "Cancelled"}
IN_PLAY = {
    "FirstHalf", "HalfTime", "SecondHalf", "ExtraTimeFirstHalf", "ExtraTimeHalfTime", "ExtraTimeSecondHalf", "Penalties", "FirstQuarter",
    "SecondQuarter", "ThirdQuarter", "FourthQuarter", "Overtime", "Suspended",
}  # fmt: skip

_BASKETBALL_PERIODS = {
    "FirstQuarterScore": "Q1",
    "SecondQuarterScore": "Q2",
    "ThirdQuarterScore": "Q3",
    "FourthQuarterScore": "Q4",
    "OvertimeScore": "OT",
}
_READ = {"FootballMatchSummary": "football", "BasketballMatchSummary": "basketball"}
_HEADS = names("FixtureId", "CurrentPhase", "MatchStatus", "BetAcceptOk")


def is_match_state(name: str) -> bool:
    """``<Sport>MatchSummary`` and ``<Sport>MatchDetails`` of any sport (U6)."""
    return name.endswith(("MatchSummary", "MatchDetails"))


def match_state(reading: Reading, element: Element) -> tuple[str, MatchState]:
    """(fixture id, state). Football and basketball summaries are read; every other kind is kept raw."""
    heads = reading.some(element, _HEADS)
    name = _kind(reading, local(element))
    phase = reading.name(heads.get("CurrentPhase", heads.get("MatchStatus")), 80)
    accepts = _bet_accept(reading, heads)
    fixture_ref = required_id(heads, "FixtureId", element)
    if name not in _READ or sum(1 for _ in element.iter()) > SCOREBOARD_LIMIT:
        return fixture_ref, MatchState(name, phase, bet_accept_ok=accepts, raw=_raw(reading, element, name))
    return fixture_ref, MatchState(
        element=name,
        phase=phase,
        in_play=_in_play(reading, phase),
        ended=phase in ENDED,
        bet_accept_ok=accepts,
        scoreboard=_scoreboard(element, _READ[name], phase),
    )


def _kind(reading: Reading, name: str) -> str:
    """The kind under which the state is kept; a longer one is cut so that no two become one."""
    if len(name) <= KIND_LIMIT:
        return name
    return reading.name(name, KIND_LIMIT - 9) + "~" + sha256(name.encode()).hexdigest()[:8]


def _bet_accept(reading: Reading, heads: Fields) -> bool | None:
    """What cannot be read as true holds the fixture's in-play markets."""
    said = text(heads.get("BetAcceptOk"))
    value = grammar.boolean(said) if said else None
    if said and value is None:
        reading.note(f"BetAcceptOk “{said[:40]}” is neither true nor false: taken as false")
        return False
    return value


def _in_play(reading: Reading, phase: str) -> bool:
    if phase in NOT_STARTED or phase in ENDED or not phase:
        return False
    if phase not in IN_PLAY:
        reading.note(f"match phase “{phase}” is not known: taken as in play")
    return True


def _raw(reading: Reading, element: Element, name: str) -> str:
    raw = etree.tostring(element, encoding="unicode", with_tail=False)
    if len(raw) > RAW_LIMIT:
        reading.note(f"{name} is shown up to {RAW_LIMIT} characters; the kept frame has the whole")
    return raw[:RAW_LIMIT]


def _plain(element: Element) -> Any:
    """Element to plain JSON: text, an object, or a list where a name repeats."""
    if not any(True for _ in elements(element)):
        return text(leaf(element))
    found: dict[str, Any] = {}
    for child in elements(element):
        name, value = local(child), _plain(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    return grammar.integer(value) if isinstance(value, str) else None


def _truth(value: Any) -> bool | None:
    return grammar.boolean(value) if isinstance(value, str) else None


def _sides(value: Any) -> dict[str, int | None]:
    return {"home": _whole(_object(value).get("Home")), "away": _whole(_object(value).get("Away"))}


def _clock(facts: dict[str, Any]) -> dict[str, Any]:
    clock = _object(facts.pop("Clock", None))
    running = clock.get("IsClockRunning", facts.pop("IsClockRunning", None))
    elapsed = clock.get("TimeElapsedInPhase")
    return {
        "seconds": grammar.seconds(elapsed) if isinstance(elapsed, str) else None,
        "at": clock.get("TimestampUtc") or None,
        "running": _truth(running),
    }


def _counts(facts: dict[str, Any]) -> dict[str, Any]:
    """Counters of the shape {Score{Home, Away}, IsCollected, IsReliable}, taken out of ``facts``."""
    found = {}
    for name in [n for n, value in facts.items() if "Score" in _object(value)]:
        counter = facts.pop(name)
        flags = {"collected": _truth(counter.get("IsCollected")), "reliable": _truth(counter.get("IsReliable"))}
        found[name] = {**_sides(counter["Score"]), **flags}
    return found


def _football_score(facts: dict[str, Any], counts: dict[str, Any]) -> dict[str, Any]:
    goals = counts.get("Goals", {})
    minute = _whole(facts.pop("CurrentMinute", None))
    return {"home": goals.get("home"), "away": goals.get("away"), "minute": minute, "periods": []}


def _basketball_score(facts: dict[str, Any]) -> dict[str, Any]:
    scores = _object(facts.get("Scores"))
    periods = [{"name": name} | _sides(scores[key]) for key, name in _BASKETBALL_PERIODS.items() if _object(scores.get(key))]
    return _sides(scores.get("CurrentScore")) | {"minute": None, "periods": periods}


def _scoreboard(element: Element, sport: str, phase: str) -> dict[str, Any]:
    facts = {k: v for k, v in _object(_plain(element)).items() if k not in {"FixtureId", "CurrentPhase", "BetAcceptOk"}}
    counts = _counts(facts)
    score = _football_score(facts, counts) if sport == "football" else _basketball_score(facts)
    return {"sport": sport, "phase": phase} | score | {"clock": _clock(facts), "counts": counts, "facts": facts}
