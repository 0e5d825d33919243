"""The commands: one POST, one effect, and a refusal that says why."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from markets import db
from markets.desk import inbox
from markets.models import AuditRecord, Gap, Hold, Override, SourceLiveness
from tests.desk.conftest import SignIn, person
from tests.services.world import World


def override(client: Client, world: World, value: str = "2.04", **more: object) -> tuple[int, str]:
    given = {"selection": world.first.pk, "value": value, "seconds": 300, "kind": "price", "idempotency_key": uuid4().hex} | more
    answer = client.post("/do/override", given)
    return answer.status_code, answer.content.decode()


def hold(client: Client, scope: str, *targets: object, **more: object) -> tuple[int, str]:
    answer = client.post("/do/suspend", {"scope": scope, "target": targets} | more)
    return answer.status_code, answer.content.decode()


def test_it_overrides_a_price_and_tells_until_when(desk: Client, alice: User, world: World) -> None:
    status, words = override(desk, world, reason="injury")
    assert status == 200
    assert "Match result, Runner 0: 2.04 until" in words
    row = Override.objects.get()
    assert (row.bookmaker, row.owner, row.reason) == (world.alpha, f"user:{alice.pk}", "injury")
    record = AuditRecord.objects.get(action="override set")
    assert (record.via, record.actor_name) == ("page", "alice")
    assert record.request_id


def test_c3_a_command_sent_twice_with_one_key_has_one_effect(desk: Client, world: World) -> None:
    first = override(desk, world, idempotency_key="k1")
    again = override(desk, world, idempotency_key="k1")
    assert (first[0], again[0]) == (200, 200)
    assert Override.objects.count() == 1
    assert AuditRecord.objects.filter(action__startswith="override").count() == 1
    assert override(desk, world, "2.05", idempotency_key="k1")[0] == 422


def test_c3_the_key_may_come_as_a_header(desk: Client, world: World) -> None:
    for _ in range(2):
        answer = desk.post("/do/suspend", {"scope": "fixture", "target": world.fixture.pk}, headers={"Idempotency-Key": "h1"})
        assert answer.status_code == 200
    assert Hold.objects.count() == 1


def test_the_soft_limit_asks_and_the_second_enter_confirms(desk: Client, world: World) -> None:
    status, words = override(desk, world, "2.30", panel="1", reason="injury")
    assert status == 422
    assert 'id="override-confirmed" value="1"' in words
    assert 'id="override-key"' in words, "a fresh key for the next try"
    assert not Override.objects.exists()
    assert override(desk, world, "2.30", confirmed="1", panel="1", reason="injury")[0] == 200


def test_a_price_beyond_the_soft_limit_needs_a_reason(desk: Client, world: World) -> None:
    status, words = override(desk, world, "2.30", confirmed="1")
    assert status == 422
    assert "say why" in words


def test_the_hard_limit_refuses_and_names_itself(desk: Client, world: World) -> None:
    status, words = override(desk, world, "9.00", confirmed="1")
    assert status == 422
    assert "limit" in words
    assert "50" in words
    assert not Override.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [{"value": "abc"}, {"value": "NaN"}, {"value": "1E2"}, {"seconds": "0"}, {"seconds": ""}, {"selection": "x"}, {"kind": "magic"}],
)
def test_a_field_that_cannot_be_read_is_refused_with_its_name(desk: Client, world: World, wrong: dict[str, str]) -> None:
    status, words = override(desk, world, **wrong)
    assert status == 422
    assert next(iter(wrong)) in words
    assert not Override.objects.exists()


def test_c4_a_later_writer_is_told_who_what_and_when_with_both_values(world: World, sign_in: SignIn, desk: Client) -> None:
    from markets.domain.values import Role

    override(sign_in(person("maria", Role.TRADER, world.alpha)), world, "2.06")
    status, words = override(desk, world, "2.08", version="0", panel="1")
    assert status == 409
    for part in ("maria", "2.06", "2.08"):
        assert part in words
    assert 'id="override-version" value="1"' in words, "the next Enter knows the newer state"
    assert override(desk, world, "2.08", version="1")[0] == 200


def test_it_extends_and_cancels_an_override(desk: Client, world: World) -> None:
    override(desk, world)
    before = Override.objects.get().ends_at
    assert desk.post("/do/override/extend", {"selection": world.first.pk, "seconds": 300}).status_code == 200
    assert Override.objects.get().ends_at - before == timedelta(seconds=300)
    assert desk.post("/do/override/cancel", {"selection": world.first.pk}).status_code == 200
    assert Override.objects.get().ended_cause == "cancelled"


def test_a2_that_a_price_still_holds_is_said_of_the_point_that_was_seen_only(desk: Client, world: World) -> None:
    override(desk, world)
    said = {"selection": world.first.pk, "version": 1}
    unseen = desk.post("/do/override/confirm", said)
    assert (unseen.status_code, "point ended: This field is required" in unseen.content.decode()) == (422, True)
    answer = desk.post("/do/override/confirm", said | {"point_ended": 1_790_000_000_000})
    assert (answer.status_code, "another point has begun since you looked" in answer.content.decode()) == (422, True)
    assert Override.objects.get().confirmed_at is None
    assert not AuditRecord.objects.filter(action="override confirmed").exists()


@pytest.mark.parametrize("scope", ["selection", "market", "fixture", "competition", "sport", "everything"])
def test_c5_it_suspends_and_resumes_at_every_scope(desk: Client, world: World, scope: str) -> None:
    target = {
        "selection": str(world.first.pk),
        "market": str(world.market.pk),
        "fixture": str(world.fixture.pk),
        "competition": f"{world.source.pk}:55",
        "sport": "football",
        "everything": "",
    }[scope]
    assert 'data-s="open"' in desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    assert hold(desk, scope, target)[0] == 200
    assert f'id="p-{world.first.pk}" data-price data-s="suspended"' in desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    assert desk.post("/do/resume", {"scope": scope, "target": target}).status_code == 200
    assert f'id="p-{world.first.pk}" data-price data-s="open"' in desk.get(f"/fixture/{world.fixture.pk}").content.decode()


def test_it_suspends_many_rows_with_one_command(desk: Client, world: World) -> None:
    from markets.models import Sport
    from tests.services.world import add_fixture

    other = add_fixture(world.source, Sport.objects.get(slug="football"), "200")
    status, words = hold(desk, "fixture", world.fixture.pk, other.pk, seconds=60, reason="rain")
    assert (status, "2 fixtures for 1 min" in words) == (200, True)
    assert Hold.objects.count() == 2


def test_one_bad_target_among_many_changes_nothing(desk: Client, world: World) -> None:
    assert hold(desk, "fixture", world.fixture.pk, 987654)[0] == 404
    assert not Hold.objects.exists()


def test_no_target_is_refused(desk: Client, world: World) -> None:
    assert hold(desk, "fixture")[0] == 422


def test_c5_the_stop_button_suspends_everything_of_this_bookmaker(desk: Client, world: World) -> None:
    assert desk.post("/do/panic").status_code == 200
    row = Hold.objects.get()
    assert (row.scope, row.owner_kind, row.bookmaker) == ("everything", "panic", world.alpha)


COMMANDS = (
    "/do/override",
    "/do/override/cancel",
    "/do/override/extend",
    "/do/override/confirm",
    "/do/suspend",
    "/do/resume",
    "/do/panic",
    "/do/confirm",
    "/do/quarantine/retry",
    "/do/quarantine/dismiss",
)


def whole(world: World) -> dict[str, str | int]:
    """Fields that make every command complete."""
    at = db.now().isoformat()
    return {"selection": world.first.pk, "value": "2.04", "seconds": 60, "kind": "price", "scope": "fixture", "target": world.fixture.pk,
            "fixture": world.fixture.pk, "as_of": at, "frame": 1, "reason": "because", "point_ended": 0}  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS)
def test_e5_a_command_without_the_token_or_from_another_origin_changes_nothing(alice: User, world: World, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(path, whole(world)).status_code == 403
    client.get("/account")
    token = client.cookies["csrftoken"].value
    foreign = client.post(path, whole(world), headers={"X-CSRFToken": token, "Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert (Override.objects.count(), Hold.objects.count(), AuditRecord.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("path", COMMANDS)
def test_a_command_by_get_is_no_command(desk: Client, world: World, path: str) -> None:
    assert desk.get(path, whole(world)).status_code == 405


@pytest.mark.parametrize("path", COMMANDS)
def test_a_viewer_is_refused_every_command(vera: User, sign_in: SignIn, world: World, path: str) -> None:
    assert sign_in(vera).post(path, whole(world)).status_code in (403, 404)
    assert (Override.objects.count(), Hold.objects.count(), AuditRecord.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("path", COMMANDS)
def test_e2_a_command_after_sign_out_is_refused(desk: Client, world: World, path: str) -> None:
    desk.post("/sign-out")
    assert desk.post(path, whole(world)).status_code == 302
    assert (Override.objects.count(), Hold.objects.count()) == (0, 0)


def test_e1_a_command_on_a_foreign_sport_answers_as_one_on_an_unknown_id(world: World, sign_in: SignIn) -> None:
    from markets.domain.values import Role
    from markets.models import Sport
    from tests.services.world import add_bookmaker

    gina = sign_in(person("gina", Role.TRADER, add_bookmaker("Gamma", Sport.objects.get(slug="tennis"))))
    for path, field in (
        ("/do/override", "selection"),
        ("/do/override/cancel", "selection"),
        ("/do/suspend", "target"),
        ("/do/resume", "target"),
    ):
        foreign, unknown = gina.post(path, whole(world)), gina.post(path, whole(world) | {field: 987654})
        assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content), path
        assert foreign.status_code == 404, path


def test_only_staff_suspend_for_all_bookmakers(desk: Client, world: World, sign_in: SignIn) -> None:
    assert hold(desk, "sport", "football", everyone="1")[0] == 403
    assert hold(sign_in(person("sam", is_staff=True)), "sport", "football", everyone="1")[0] == 200
    assert Hold.objects.get().bookmaker is None


def test_p3_a_suspension_hides_an_override_and_ends_nothing(desk: Client, world: World) -> None:
    override(desk, world)
    hold(desk, "market", world.market.pk)
    part = desk.get(f"/fixture/{world.fixture.pk}/active").content.decode()
    assert "2.04" in part
    assert "hidden by a suspension" in part
    assert Override.objects.get().ended_at is None


def test_a5_it_shows_what_would_open_and_opens_it_on_a_persons_word(desk: Client, world: World) -> None:
    SourceLiveness.objects.update(heard_at=db.now())
    Gap.objects.create(source=world.source, opened_at=db.now(), cause="nobody was receiving for 9 s")
    page = desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    assert f'id="p-{world.first.pk}" data-price data-s="suspended"' in page
    shown = desk.get(f"/would-open?source={world.source.pk}").content.decode()
    assert "2.00" in shown
    assert "3.50" in shown
    as_of = shown.split('name="as_of" value="')[1].split('"')[0]
    assert desk.post("/do/confirm", {"source": world.source.pk, "as_of": as_of, "reason": "looked"}).status_code == 200
    page = desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    assert f'id="p-{world.first.pk}" data-price data-s="open"' in page
    record = AuditRecord.objects.get(action="re-opening confirmed")
    assert (record.reason, record.actor_name) == ("looked", "alice")


def test_a5_a_confirmation_without_having_looked_is_refused(desk: Client, world: World) -> None:
    assert desk.post("/do/confirm", {"source": world.source.pk}).status_code == 422


@pytest.mark.parametrize(
    "as_of", ["2026-11-20T10:10:00", "2026-11-20", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "2026-11-20T10:10\0"]
)
def test_a_confirmation_needs_the_instant_that_was_shown(desk: Client, world: World, as_of: str) -> None:
    assert desk.post("/do/confirm", {"source": world.source.pk, "as_of": as_of}).status_code == 422


@pytest.mark.parametrize("market", ["²", "9" * 5000, "9" * 19, "-1", "x", "1\0"])
def test_a_market_that_cannot_be_one_opens_nothing_and_nothing_wider(desk: Client, world: World, market: str) -> None:
    Gap.objects.create(source=world.source, opened_at=db.now(), cause="a hole")
    fields: dict[str, str | int] = {"source": world.source.pk, "market": market}
    shown = desk.get("/would-open", fields)
    assert shown.status_code == 200
    assert "2.00" not in shown.content.decode()
    assert desk.post("/do/confirm", fields | {"as_of": db.now().isoformat()}).status_code == 404


def test_f3_no_command_keeps_a_nul(desk: Client, world: World) -> None:
    assert override(desk, world, reason="a\0b")[0] == 422
    assert override(desk, world, idempotency_key="a\0b")[0] == 422
    assert hold(desk, "competition", f"{world.source.pk}:55\0")[0] == 404
    assert hold(desk, "sport", "foot\0ball")[0] == 404
    assert hold(desk, "fixture", world.fixture.pk, reason="a\0b")[0] == 422
    assert desk.post("/do/quarantine/dismiss", {"frame": 1, "reason": "a\0b"}).status_code == 422
    assert (Override.objects.count(), Hold.objects.count()) == (0, 0)


def test_c5_the_stop_button_works_whatever_the_reason_holds(desk: Client, world: World) -> None:
    assert desk.post("/do/panic", {"reason": "a\0b" + "x" * 1000}).status_code == 200
    assert Hold.objects.get().reason.startswith("abx")


def test_a5_single_markets_can_be_confirmed(desk: Client, world: World) -> None:
    from tests.services.world import add_market

    _, others = add_market(world.fixture, "8", ("1.50", "2.50"))
    Gap.objects.create(source=world.source, opened_at=db.now(), cause="a hole")
    shown = desk.get("/would-open", {"market": world.market.pk}).content.decode()
    as_of = shown.split('name="as_of" value="')[1].split('"')[0]
    assert desk.post("/do/confirm", {"market": world.market.pk, "as_of": as_of}).status_code == 200
    page = desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    assert f'id="p-{world.first.pk}" data-price data-s="open"' in page
    assert f'id="p-{others[0].pk}" data-price data-s="suspended"' in page


def test_the_preview_says_what_would_happen(desk: Client, world: World) -> None:
    ask: dict[str, str | int] = {"selection": world.first.pk, "kind": "price", "seconds": 300}
    good = desk.get("/preview", ask | {"value": "2.04"}).content.decode()
    assert "+2.0%" in good
    assert "Book after" in good
    assert "It needs a reason" in desk.get("/preview", ask | {"value": "2.30"}).content.decode()
    assert "Press Enter twice" in desk.get("/preview", ask | {"value": "2.30", "reason": "injury"}).content.decode()
    assert "limit" in desk.get("/preview", ask | {"value": "20"}).content.decode()
    for odd in ("", "abc", "NaN", "1E9999", "-"):
        assert desk.get("/preview", ask | {"value": odd}).status_code == 200


def test_the_inbox_is_registered_by_the_wiring() -> None:
    assert inbox.inbox().raw is not None
