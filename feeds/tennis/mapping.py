"""Frames of the umpire feed to the desk's messages (004; feeds.md 1.1, 1.3–1.5; decisions T1, T2, T4, T7). Pure.

A packet is a :class:`markets.domain.sports.tennis.Packet` of the event on whose stream it came. An object of the list of live events
is the fixture's details. Any other object is a heartbeat.
"""

from __future__ import annotations

from feeds.errors import Unreadable
from markets.domain.messages import Competition, Competitor, FixtureDetails, Message, Part, Ref
from markets.domain.sports.tennis import Card, Games, Kind, Packet, Player, Score, Server, Side
from markets.domain.values import FixtureStatus

from .wire import (
    Fields,
    Hint,
    Object,
    alarm_guid,
    content_digest,
    document,
    guid,
    hint,
    is_live_event,
    is_packet,
    not_started_guid,
    number,
    numbered,
    same_content,
)

__all__ = ["Hint", "content_digest", "hint", "numbered", "parse", "same_content"]

SPORT = Ref("tennis", "Tennis")
MOST_SETS = 9
_SIDES = {"TeamA": Side.A, "TeamB": Side.B}
_KINDS = {kind.value: kind for kind in Kind if kind is not Kind.UNRECOGNISED}
_EVENT_NAMES = ("eventId", "event_id", "matchId")
_PACKET = frozenset(
    {
        *_EVENT_NAMES, "seqNum", "eventElementType", "timestamp", "matchTime", "delayStatus", "server", "nextServer", "matchStatus",
        "score", "details", "team", "won", "playerId", "reason", "lastReceivedTimestamp",
    }
)  # fmt: skip
_CARD = frozenset(
    {
        "umpire", "umpireCode", "umpireCountry", "courtNum", "numSets", "scoringType", "tieBreakType", "tossWinner", "tossChooser",
        "firstServer", "teamAPlayer1", "teamAPlayer2", "teamBPlayer1", "teamBPlayer2", "teamAPlayersDetails", "teamBPlayersDetails",
        "matchState",
    }
)  # fmt: skip


def parse(body: bytes, stream: str) -> Message:
    """One frame, kept with ``stream``: the id of the event on whose stream it came, empty for a live-event object.

    Raises :class:`feeds.errors.Unreadable`, naming the event, so that only this one is held (B7).
    """
    try:
        return _message(document(body), body, stream)
    except Unreadable as error:
        raise Unreadable(error.reason, error.line, error.guid, (stream,) if stream else ()) from error


def _message(said: Object, body: bytes, stream: str) -> Message:
    fields = Fields(said, [])
    if is_packet(said):
        return _packet_message(fields, body, stream)
    if is_live_event(said):
        return _live_event(fields, stream)
    return Message(f"heartbeat:{content_digest(body)[:40]}", "", (), notes=("a heartbeat",))


# Packets


def _packet_message(fields: Fields, body: bytes, stream: str) -> Message:
    event = _event(fields, stream)
    kind = fields.said.get("eventElementType")
    packet = _packet(fields, kind if isinstance(kind, str) else "")
    return Message(_guid(fields, event, packet, body), event, (packet,), sent_at=packet.at, notes=tuple(fields.notes))


def _event(fields: Fields, stream: str) -> str:
    """Packets do not say whose they are; one that does must agree with its stream."""
    named = {said for name in _EVENT_NAMES if (said := fields.text(name, 64))}
    if not stream and len(named) == 1:
        return named.pop()
    if not stream:
        raise Unreadable("a packet of no event: it came on no stream and names none")
    if named - {stream}:
        raise Unreadable(f"a packet of another match: {min(named - {stream})}")
    return stream


def _guid(fields: Fields, event: str, packet: Packet, body: bytes) -> str:
    """Empty for what has neither number nor time: the same bytes may tell of another point, or of an alarm that came back."""
    timestamp = fields.said.get("timestamp")
    timed = isinstance(timestamp, str) and bool(timestamp.strip())
    if packet.kind is Kind.STATUS and packet.seq == 0:
        return not_started_guid(event, body)
    if packet.kind is not Kind.ALARM and packet.seq is not None:
        return guid(event, str(packet.seq))
    if packet.kind is Kind.ALARM and timed:
        return alarm_guid(event, str(timestamp))
    return guid(event, f"~{content_digest(body)[:24]}") if timed else ""


def _packet(fields: Fields, kind_text: str) -> Packet:
    kind = _KINDS.get(kind_text, Kind.UNRECOGNISED)
    status = fields.inner("matchStatus")
    state = status.inner("matchState") if status else None
    details = fields.inner("details")
    return Packet(
        seq=_seq(fields),
        kind=kind,
        kind_text=_words(kind_text),
        at=fields.moment("timestamp"),
        match_time=fields.text("matchTime", 20),
        delay=_delay(fields),
        server=_server(fields, "server"),
        next_server=_server(fields, "nextServer"),
        card=_card(status) if status else None,
        state=state.text("state", 60) if state else "",
        state_facts=state.rest({"state"}) if state else {},
        score=_score(fields),
        scored_by=_side(details, "scoredBy") if details else None,
        point_type=details.text("pointType", 40) if details else "",
        team=_team(fields, state, kind),
        player_id=fields.text("playerId", 40) or (state.text("playerId", 40) if state else ""),
        reason=fields.text("reason", 100),
        last_received_at=fields.moment("lastReceivedTimestamp"),
        facts={**fields.rest(_PACKET), **(status.rest(_CARD) if status else {})},
    )


def _words(kind_text: str) -> str:
    return Fields({"kind": kind_text}, []).text("kind", 60)


def _seq(fields: Fields) -> int | None:
    seq = number(fields.said.get("seqNum"))
    if seq is None:
        fields.note("no readable seqNum: the packet opens nothing")
    return seq


def _delay(fields: Fields) -> str:
    """Presence of the field means "not live" (feeds.md 1.2), whatever stands in it."""
    if "delayStatus" not in fields.said:
        return ""
    return fields.text("delayStatus", 20) or "unreadable"


def _side(fields: Fields, name: str) -> Side | None:
    return _SIDES.get(fields.text(name, 20))


def _server(fields: Fields, name: str) -> Server | None:
    server = fields.inner(name)
    if server is None or (side := _side(server, "team")) is None:
        return None
    return Server(side, server.integer("member", 1, 2))


def _team(fields: Fields, state: Fields | None, kind: Kind) -> Side | None:
    if kind is Kind.FINISHED:
        return _side(fields, "won")
    return _side(state, "team") if state else _side(fields, "team")


# The card


def _card(status: Fields) -> Card:
    sets = status.integer("numSets", 1, MOST_SETS)
    court = status.known("courtNum", 40)
    return Card(
        umpire=status.known("umpire"),
        umpire_code=status.known("umpireCode", 40),
        umpire_country=status.known("umpireCountry", 40),
        court="" if court == "-1" else court,
        sets=sets if sets is None or sets % 2 else None,
        scoring=status.known("scoringType", 40),
        tie_break=status.known("tieBreakType", 40),
        toss_winner=_side(status, "tossWinner"),
        toss_choice=status.known("tossChooser", 40),
        first_server=_side(status, "firstServer"),
        team_a=_players(status, "teamA"),
        team_b=_players(status, "teamB"),
    )


def _players(status: Fields, team: str) -> tuple[Player, ...]:
    details = status.inner(f"{team}PlayersDetails") or Fields({}, status.notes)
    found = (
        Player(details.known(f"player{n}Id", 40), status.known(f"{team}Player{n}"), details.known(f"player{n}Country", 40)) for n in (1, 2)
    )
    return tuple(player for player in found if player.id or player.name)


# The score


def _score(fields: Fields) -> Score | None:
    """Whole, or none at all: half a score would move the match."""
    score = fields.inner("score")
    if score is None:
        return None
    found = _whole_score(score)
    if found is None:
        fields.note("the score cannot be read")
    return found


def _whole_score(score: Fields) -> Score | None:
    game = score.inner("currentGameScore")
    games = _games(score.inner("currentSetScore"), "gamesA", "gamesB", 99)
    told = score.array("previousSetsScore", MOST_SETS)
    previous = [_games(one, "gamesA", "gamesB", 99) for one in told or ()]
    if game is None or games is None or told is None or None in previous:
        return None
    over = tuple(one for one in previous if one is not None)
    sets = _games(score.inner("overallSetScore"), "setsA", "setsB", MOST_SETS) if "overallSetScore" in score.said else _won(over)
    a, b = game.text("pointsA", 8), game.text("pointsB", 8)
    return Score(a, b, game.text("gameType", 40), games, over, sets) if sets is not None and a and b else None


def _games(fields: Fields | None, a: str, b: str, most: int) -> Games | None:
    if fields is None:
        return None
    won_a, won_b = fields.integer(a, 0, most), fields.integer(b, 0, most)
    return None if won_a is None or won_b is None else Games(won_a, won_b)


def _won(sets: tuple[Games, ...]) -> Games:
    """Older packets count no sets: they are those of ``previousSetsScore``."""
    return Games(sum(one.a > one.b for one in sets), sum(one.b > one.a for one in sets))


# Live events


def _live_event(fields: Fields, stream: str) -> Message:
    """What the list says of one event. It carries no time and no number, so it has no name either: what was said before may hold again."""
    event = _event(fields, stream)
    if not event:
        raise Unreadable("a live event without a readable eventId")
    part: Part = _details(fields, event)
    return Message("", event, (part,), notes=tuple(fields.notes))


def _details(fields: Fields, event: str) -> FixtureDetails:
    start = fields.inner("startTime")
    if start and start.text("status", 40) == "FollowsPrevious":
        fields.note("the start time is a guess: the match follows another")
    teams = tuple(_competitor(fields, name) for name in ("teamA", "teamB"))
    return FixtureDetails(
        name=" v ".join(team.name or team.id for team in teams),
        type="Match",
        status=FixtureStatus.SCHEDULED,
        status_text="",
        start=start.moment("time") if start else None,
        sport=SPORT,
        competition=_competition(event),
        competitors=teams,
    )


def _competition(event: str) -> Competition | None:
    """The id ``YYYY-CCCC-DDNNN`` names it (feeds.md 1.1)."""
    parts = event.split("-")
    return Competition(parts[1]) if len(parts) == 3 and parts[1] else None


def _competitor(fields: Fields, name: str) -> Competitor:
    """A side, with its players below it; nothing but the players has an id of its own."""
    said = fields.inner(name)
    team = said.inner("team") if said else None
    found = (_player(team.inner(f"player{n}")) for n in (1, 2)) if team else ()
    players = tuple(player for player in found if player is not None)
    words = "/".join(player.name for player in players if player.name)
    return Competitor(name[0].upper() + name[1:], words, "DoublesPartnership" if len(players) == 2 else "Person", competitors=players)


def _player(said: Fields | None) -> Competitor | None:
    if said is None or not (id_ := said.known("id", 40)):
        return None
    first, last = said.known("firstName"), said.known("lastName")
    return Competitor(id_, f"{first} {last}".strip(), "Person", first_name=first, last_name=last)
