"""What happens on a court → packets of 004 and feeds.md 1.3–1.5, key by key in the order of the documented samples.

The source documents lack some of the words. Those that stand here instead are named in :data:`INVENTED`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from msgspec import Struct

from feeds.playing.court import Happened
from feeds.playing.people import Person
from feeds.playing.tennis import Happening, Match, What
from markets.domain.sports.tennis import Server, Side

Packet = dict[str, Any]

FINISHED, RETIRED = "Finished", "Retire"
ACE, DOUBLE_FAULT = "Ace", "DoubleFault"
INVENTED = frozenset({FINISHED, "challengeResult", ACE, DOUBLE_FAULT, "TieBreakGame", "MatchTieBreakGame", "heartbeat"})
"""Not in the source documents. A state with such a word carries ``"invented": true`` beside it."""

VENUE = timedelta(hours=2)  # the venue's clock, which the feed gives without a zone
UNKNOWN = "Unknown"
_STATES = {
    What.UMPIRE: "UmpireOnCourt",
    What.PLAYERS: "PlayersArriveOnCourt",
    What.WARMUP: "Warmup",
    What.PLAY: "InProgress",
    What.CHALLENGE: "ChallengeInProgress",
    What.CHALLENGED: "ChallengeInProgress",
    What.CORRECTION: "CorrectionMode",
    What.SUSPENDED: "Suspended",
    What.UNSUSPENDED: "Unsuspended",
    What.TOILET: "ToiletBreak",
    What.TOILET_OVER: "ToiletBreak",
    What.EVALUATION: "MedicalTreatment",
    What.TREATMENT: "MedicalTreatment",
}
_TYPES = {
    What.POINT: "PointStarted",
    What.FAULT: "PointFault",
    What.LET: "PointLet",
    What.REPLAYED: "PointReplayed",
    What.SCORED: "PointScored",
    What.PHYSIO: "PhysioCalled",
    What.VIOLATION: "CodeViolation",
    What.TIME: "TimeAnnouncement",
}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Listed(Struct, frozen=True):
    """A player as this provider lists it: ids of its own, padded to six with blanks as in the samples."""

    id: str
    person: Person

    @property
    def padded(self) -> str:
        return self.id.ljust(6)

    @property
    def short(self) -> str:
        return f"{self.person.first[0]}. {self.person.last}".upper()


def listed(random: Random, person: Person) -> Listed:
    letters = "".join(random.choice(_LETTERS) for _ in range(2))
    return Listed(f"{person.last[0].upper()}{random.randrange(10)}{letters}", person)


def moment(at: datetime) -> str:
    """``2022-08-16T07:47:54.985Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def not_started() -> Packet:
    """What a match that has not begun answers, word for word (004)."""
    nobody = {"player1Id": UNKNOWN, "player1Country": UNKNOWN}
    return {
        "timestamp": "1970-01-01T00:00:00.000Z",
        "eventElementType": "MatchStatusUpdate",
        "matchTime": "00:00:00",
        "seqNum": 0,
        "matchStatus": {
            "umpireCountry": UNKNOWN,
            "umpire": UNKNOWN,
            "teamAPlayer1": UNKNOWN,
            "tossChooser": UNKNOWN,
            "matchState": {"state": "NotStarted"},
            "teamBPlayer1": UNKNOWN,
            "numSets": -1,
            "scoringType": "UnknownScoringType",
            "firstServer": "UnknownTeam",
            "tossWinner": "UnknownTeam",
            "courtNum": -1,
            "teamAPlayersDetails": dict(nobody),
            "teamBPlayersDetails": dict(nobody),
            "umpireCode": UNKNOWN,
            "tieBreakType": UNKNOWN,
        },
    }


def alarm(number: int, at: datetime, last_received: datetime) -> Packet:
    """The venue cannot be reached. ``number`` counts alarms, not packets."""
    return {
        "timestamp": moment(at),
        "lastReceivedTimestamp": moment(last_received),
        "eventElementType": "Alarm",
        "seqNum": number,
    }


def abandoned(at: datetime) -> Packet:
    """The match is not played to its end (``MatchFinished``: ADR of the vendor's pages)."""
    return {"timestamp": moment(at), "eventElementType": "MatchFinished", "matchTime": "00:00:00", "reason": "Abandoned"}


def unknown(at: datetime) -> Packet:
    """A kind that no page names."""
    return {"timestamp": moment(at), "eventElementType": "CrowdInterruption", "matchTime": "00:00:00"}


class Scribe:
    """Writes one match's packets, each without its ``seqNum``."""

    def __init__(self, match: Match, random: Random) -> None:
        self._match = match
        self.team_a = tuple(listed(random, person) for person in match.plan.team_a)
        self.team_b = tuple(listed(random, person) for person in match.plan.team_b)
        self._tossed = False
        self._play_began: datetime | None = None

    def packet(self, happened: Happened) -> Packet:
        """Call it once for each happening, in their order."""
        at, h = happened.at, happened.what
        self._tossed = self._tossed or h.what is What.WARMUP
        if h.what is What.PLAY and self._play_began is None:
            self._play_began = at
        if h.what in _TYPES:
            return self._element(at, h)
        return self._status(at, h)

    # elements

    def _element(self, at: datetime, h: Happening) -> Packet:
        head: Packet = {}
        tail: Packet = {"timestamp": moment(at)}
        if h.what in (What.POINT, What.FAULT, What.LET, What.REPLAYED, What.SCORED):
            head["server"] = _server(h.server)
            tail["nextServer"] = _server(h.next_server)
        return {**head, **tail, **self._facts(h), "eventElementType": _TYPES[h.what], "matchTime": self._match_time(at)}

    def _facts(self, h: Happening) -> Packet:
        match h.what:
            case What.FAULT:
                return {"faultType": "Fault"}
            case What.SCORED:
                assert h.side is not None
                return {"score": _score(h), "details": {"scoredBy": _team(h.side), "pointType": h.how}}
            case What.PHYSIO:
                assert h.side is not None
                return {"team": _team(h.side)}
            case What.VIOLATION:
                assert h.side is not None
                return {"team": _team(h.side), "playerId": self._of(h.side)[0].padded, "reason": h.how}
            case What.TIME:
                return {"time": "Time"}
            case _:
                return {}

    # states

    def _status(self, at: datetime, h: Happening) -> Packet:
        return {
            "timestamp": moment(at),
            "eventElementType": "MatchStatusUpdate",
            "matchTime": self._match_time(at),
            "matchStatus": self._card(_marked(self._state(at, h))),
        }

    def _card(self, state: Packet) -> Packet:
        plan, match, umpire = self._match.plan, self._match, self._match.plan.umpire
        return {
            "umpireCountry": umpire.country,
            "umpire": f"{umpire.first[0]}. {umpire.last}".upper(),
            **_names("teamA", self.team_a),
            "tossChooser": match.toss_choice if self._tossed else "UnknownTossChooser",
            "matchState": state,
            **_names("teamB", self.team_b),
            "numSets": plan.sets,
            "scoringType": plan.scoring,
            "firstServer": _team(match.first_server) if self._tossed else "UnknownTeam",
            "tossWinner": _team(match.toss_winner) if self._tossed else "UnknownTeam",
            "courtNum": plan.court,
            "teamAPlayersDetails": _details(self.team_a),
            "teamBPlayersDetails": _details(self.team_b),
            "umpireCode": (umpire.last[:4] + umpire.first[:2]).upper(),
            "tieBreakType": plan.tie_break,
        }

    def _state(self, at: datetime, h: Happening) -> Packet:
        local = (at.astimezone(UTC) + VENUE).strftime("%Y-%m-%dT%H:%M:%S")
        if h.what is What.FINISHED:
            return {"state": RETIRED if h.how == "Retired" else FINISHED, "locationTimestamp": local, **self._whose(h)}
        return {"state": _STATES[h.what], "locationTimestamp": local, **self._whose(h), **self._state_facts(h, local)}

    def _whose(self, h: Happening) -> Packet:
        return {"team": _team(h.side)} if h.side is not None else {}

    def _state_facts(self, h: Happening, local: str) -> Packet:
        if h.what in (What.EVALUATION, What.TREATMENT):
            return self._treatment(h, local)
        facts: dict[What, Packet] = {
            What.CHALLENGED: {"challengeResult": h.how, "challengeEnded": local},
            What.SUSPENDED: {"suspensionType": h.how},
            What.UNSUSPENDED: {"suspensionType": h.how, "suspensionEnded": local},
            What.TOILET_OVER: {"toiletBreakEnded": local},
        }
        return facts.get(h.what, {})

    def _treatment(self, h: Happening, local: str) -> Packet:
        assert h.side is not None
        begun = "evaluationStarted" if h.what is What.EVALUATION else "treatmentStarted"
        return {"playerId": self._of(h.side)[0].padded, "treatmentLocation": h.how, begun: local}

    def _of(self, side: Side) -> tuple[Listed, ...]:
        return self.team_a if side is Side.A else self.team_b

    def _match_time(self, at: datetime) -> str:
        seconds = 0 if self._play_began is None else max(0, int((at - self._play_began).total_seconds()))
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _marked(state: Packet) -> Packet:
    return state | ({"invented": True} if INVENTED & {state["state"], *state} else {})


def _team(side: Side) -> str:
    return f"Team{side.value}"


def _server(server: Server) -> Packet:
    assert server.side is not None
    return {"team": _team(server.side)} | ({"member": server.member} if server.member else {})


def _score(h: Happening) -> Packet:
    score = h.score
    return {
        "currentGameScore": {"gameType": score.game_type, "pointsA": score.points_a, "pointsB": score.points_b},
        "currentSetScore": {"gamesA": score.games.a, "gamesB": score.games.b},
        "previousSetsScore": [{"gamesA": one.a, "gamesB": one.b} for one in score.previous],
        "overallSetScore": {"setsA": score.sets.a, "setsB": score.sets.b},
    }


def _names(team: str, players: tuple[Listed, ...]) -> Packet:
    return {f"{team}Player{n}": one.short for n, one in enumerate(players, 1)}


def _details(players: tuple[Listed, ...]) -> Packet:
    found: Packet = {}
    for n, one in enumerate(players, 1):
        found |= {f"player{n}Id": one.padded, f"player{n}Country": one.person.country}
    return found
