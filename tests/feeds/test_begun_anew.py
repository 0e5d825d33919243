"""A stream begun anew through the inbox: the replay makes the match again, once, and a person opens it (T2; A5, B2, B5, C3, E1, F1, P4)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from feeds import accounting, anew, clerk, parking
from feeds.keeping import Writer
from feeds.models import Frame, MessageGuid
from markets import db
from markets.domain import facts
from markets.domain.sports.tennis import ANEW, TURN, Tennis
from markets.domain.values import Role
from markets.models import AuditRecord, Binding, Fixture, Gap, PointState, Source, Sport, TimelineEntry
from markets.services.errors import Forbidden, NotFound, Refused
from tests.feeds import points
from tests.services.world import World, add_fixture, facts_of, person
from tests.services.world import world as make_world

pytestmark = pytest.mark.django_db

MOST = 120
ERRED_AT = 80


class Scene:
    """A fixture of Alpha's bound to the match of an umpire's feed."""

    def __init__(self) -> None:
        self.world: World = make_world()
        tennis = Sport.objects.get(slug="tennis")
        self.world.alpha.sports.add(tennis)
        self.fixture = add_fixture(self.world.source, tennis, "900")
        self.source: Source = points.feed()
        self.packets = points.match(most=MOST)
        points.send(self.source, points.live_event(), event="")
        self.match: Fixture = points.fixture(self.source)
        self.binding: Binding = points.bind(self.fixture, self.match)

    def send(self, *packets: bytes) -> list[str | None]:
        return [row.outcome for row in points.send(self.source, *packets)]

    def errs(self) -> None:
        """After number 80 one comes with 5000, and is given up for; then the stream goes on as it was."""
        self.send(*self.packets[:ERRED_AT])
        points.send(self.source, points.changed(self.packets[ERRED_AT], seqNum=5000))
        points.wait(*Frame.objects.filter(parked=True).values_list("pk", flat=True), seconds=31)
        assert points.sweep() == 1
        assert set(self.send(*self.packets[ERRED_AT : ERRED_AT + 10])) == {"superseded"}

    def begin(self, reason: str = "number 5000 was wrong") -> str:
        return anew.begin(self.world.trader(), self.world.alpha.pk, self.fixture.pk, reason)

    @property
    def told(self) -> Tennis:
        return facts.tennis_from(PointState.objects.get(fixture=self.match).state)

    def lines(self) -> list[tuple[Any, ...]]:
        rows = TimelineEntry.objects.filter(fixture=self.match, seq__lt=5000).exclude(kind="numbers went back")
        return sorted(rows.values_list("seq", "kind", "mark", "at"), key=str)


@pytest.fixture
def scene(db: None) -> Scene:
    return Scene()


@pytest.fixture
def erred(scene: Scene) -> Scene:
    scene.errs()
    return scene


def books() -> dict[str, Any]:
    (entry,) = [one for one in accounting.accounting() if one["feed"] == "umpire"]
    assert entry["received"] == sum(entry[name] for name in ("applied", "superseded", "duplicate", "quarantined", "pending"))
    return entry


def unerred() -> tuple[Tennis, list[tuple[Any, ...]]]:
    """The same match on a feed where nothing was wrong, and its lines."""
    source = points.feed("other")
    points.send(source, *points.match(most=MOST))
    match = points.fixture(source)
    rows = TimelineEntry.objects.filter(fixture=match).values_list("seq", "kind", "mark", "at")
    return facts.tennis_from(PointState.objects.get(fixture=match).state), sorted(rows, key=str)


def test_t2_a_wild_number_closes_the_match_and_is_said_in_its_timeline(erred: Scene) -> None:
    match = erred.told
    assert (match.applied, match.course.back, match.between_points) == (5000, ERRED_AT + 2, False)
    assert TimelineEntry.objects.filter(fixture=erred.match, kind="numbers went back").count() == 1


def test_t2_the_replay_makes_the_match_that_never_erred_and_its_timeline_once(erred: Scene) -> None:
    assert erred.begin() == points.EVENT
    assert erred.told.applied is None
    assert set(erred.send(*erred.packets)) == {"applied"}
    match, lines = unerred()
    made = erred.told
    for name in ("applied", "score", "server", "state", "in_point", "points", "card", "unknown", "correcting", "ended", "match_time"):
        assert getattr(made, name) == getattr(match, name), name
    assert erred.lines() == lines
    assert TimelineEntry.objects.filter(fixture=erred.match, kind="begun anew").count() == 1
    books()


def test_t2_a_replay_in_pieces_and_out_of_order_makes_the_same(erred: Scene) -> None:
    erred.begin()
    erred.send(*erred.packets[40:90])
    assert erred.told.number == TURN - 1
    assert list(Frame.objects.filter(parked=True, outcome=None).order_by("hint_seq").values_list("hint_seq", flat=True)[:2]) == [
        TURN + 41,
        TURN + 42,
    ]
    erred.send(*erred.packets[:45], *erred.packets[80:])
    match, lines = unerred()
    assert (erred.told.applied, erred.told.score) == (MOST, match.score)
    assert erred.lines() == lines
    assert books()["pending"] == 0


def test_a1_what_waits_counts_as_beyond_all_that_was_before(erred: Scene) -> None:
    erred.begin()
    ids = points.keep(erred.source, erred.packets[0])
    assert clerk.position(erred.source.pk, points.EVENT) == clerk.Position(None, 1)  # kept on the old connection: asked for again
    Frame.objects.filter(pk__in=ids).delete()
    Writer().write([replace(points.arrived(erred.source, erred.packets[0]), turn=1)])
    assert accounting.pending_of_streams() == {(erred.source.pk, points.EVENT): (TURN + 1, False)}
    assert clerk.position(erred.source.pk, points.EVENT) == clerk.Position(1, 1)
    points.drain()
    assert erred.told.number == TURN + 1


def test_a5_it_holds_the_match_until_a_trader_confirms_and_takes_the_place_of_earlier_gaps(erred: Scene) -> None:
    erred.begin()
    erred.send(*erred.packets)
    (gap,) = Gap.objects.filter(fixture=erred.match, closed_at=None)
    assert (gap.cause, gap.sticky) == (ANEW, True)


def test_t2_a_provider_that_counts_anew_is_quarantined_until_its_stream_is_begun_anew(scene: Scene) -> None:
    scene.send(*scene.packets[:40])
    anew_counted = [points.changed(packet, seqNum=n) for n, packet in enumerate(scene.packets[20:], 1)]
    assert set(scene.send(*anew_counted[:30])) == {"quarantined"}
    assert Gap.objects.filter(fixture=scene.match, closed_at=None).count() == 30
    scene.begin("the provider was restarted")
    assert not Frame.objects.filter(outcome="quarantined", resolution="").exists()
    assert [gap.cause for gap in Gap.objects.filter(fixture=scene.match, closed_at=None)] == [ANEW]
    assert set(scene.send(*anew_counted)) == {"applied"}
    assert scene.told.applied == MOST - 20
    assert scene.told.score == unerred()[0].score
    books()


def test_t2_what_is_parked_when_it_is_begun_anew_is_let_go_and_comes_again(scene: Scene) -> None:
    scene.send(*scene.packets[:40])
    scene.send(points.changed(scene.packets[50], seqNum=4000), *scene.packets[60:70])
    assert books()["pending"] == 11
    scene.begin()
    assert books()["pending"] == 0
    assert parking.overdue(db.now()) == []
    assert set(scene.send(*scene.packets)) == {"applied"}
    assert (scene.told.applied, books()["pending"]) == (MOST, 0)


def test_t2_alarms_of_before_stay_repeats(scene: Scene) -> None:
    scene.send(*scene.packets[:10], points.alarm(11))
    scene.begin()
    assert MessageGuid.objects.filter(guid__contains="alarm").count() == 1
    assert scene.send(points.alarm(11)) == ["duplicate"]
    assert scene.told.alarm


def test_f1_it_is_told_once_with_its_reason_to_that_bookmaker(erred: Scene) -> None:
    erred.begin("number 5000 was wrong")
    (record,) = AuditRecord.objects.filter(action="stream begun anew")
    assert (record.bookmaker_id, record.fixture_id, record.actor_name) == (erred.world.alpha.pk, erred.fixture.pk, "Person 1")
    assert record.reason == "number 5000 was wrong"
    assert facts_of(record.before)["applied"] == 5000


def test_p4_a_viewer_may_not_and_nobody_without_a_reason(erred: Scene) -> None:
    where = (erred.world.alpha.pk, erred.fixture.pk)
    with pytest.raises(Forbidden):
        anew.begin(erred.world.viewer(), *where, "why not")
    for reason in ("", "  ", "a\0b", "x" * 301):
        with pytest.raises(Refused):
            erred.begin(reason)
    assert erred.told.course.turn == 0


def test_e1_another_bookmakers_trader_finds_nothing_to_begin_anew(erred: Scene) -> None:
    beta = erred.world.beta
    with pytest.raises(NotFound):
        anew.begin(person(5, beta.pk, Role.TRADER), beta.pk, erred.fixture.pk, "why not")
    with pytest.raises(NotFound):
        anew.begin(erred.world.trader(), erred.world.alpha.pk, erred.world.fixture.pk, "bound to nothing")
    assert erred.told.course.turn == 0


def test_t2_alarms_that_took_numbers_leave_no_gap_that_a_person_must_confirm(scene: Scene) -> None:
    """ADR 0011: the missing number is that of a kept Alarm."""
    scene.send(*scene.packets[:10], points.alarm(11))
    scene.send(points.changed(scene.packets[10], seqNum=12))
    points.wait(*Frame.objects.filter(parked=True).values_list("pk", flat=True), seconds=31)
    assert points.sweep() == 1
    gap = Gap.objects.get(fixture=scene.match)
    assert (gap.cause, gap.sticky) == ("packet 11 never came: alarms", False)
    assert not scene.told.between_points


def test_t2_a_number_that_no_alarm_took_leaves_a_gap_for_a_person(scene: Scene) -> None:
    scene.send(*scene.packets[:10], points.alarm(11))
    scene.send(points.changed(scene.packets[10], seqNum=13))
    points.wait(*Frame.objects.filter(parked=True).values_list("pk", flat=True), seconds=31)
    points.sweep()
    assert Gap.objects.get(fixture=scene.match).sticky
