"""Bookmakers, keys, people, the demonstration, and the limits on guessing."""

from __future__ import annotations

import json
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db import connection
from pytest_django.fixtures import Settings

from markets import db
from markets.domain.values import Role
from markets.models import ApiKey, Attempts, AuditRecord, Bookmaker, Member, Sport
from markets.services import actor, api_keys, bookmakers, demo, people, throttle
from markets.services.errors import Forbidden, NotFound, Refused
from tests.services.threads import at_once, of_kind
from tests.services.world import STAFF, World, facts_of


def test_staff_make_a_bookmaker_with_sports_and_the_audit_has_it(world: World) -> None:
    made = bookmakers.create(STAFF, " Gamma ", ["football"])
    assert (made.name, [s.slug for s in made.sports.all()], made.demo) == ("Gamma", ["football"], False)
    record = AuditRecord.objects.get()
    assert (record.action, record.bookmaker_id, facts_of(record.after)["sports"]) == ("bookmaker created", made.pk, ["football"])
    for name in ("Gamma", "", "x" * 121):
        with pytest.raises(Refused):
            bookmakers.create(STAFF, name, [])
    with pytest.raises(Refused) as refused:
        bookmakers.create(STAFF, "Delta", ["chess"])
    assert "chess" in refused.value.fields["sports"]
    with pytest.raises(Forbidden):
        bookmakers.create(world.supervisor(), "Delta", [])


def test_of_two_creators_of_one_name_at_once_one_wins(committed: World) -> None:
    results = at_once(*([lambda: bookmakers.create(STAFF, "Gamma", [])] * 2))
    assert (len(of_kind(results, Bookmaker)), len(of_kind(results, Refused))) == (1, 1), results


def test_p4_a_supervisor_sets_limits_and_staff_the_rest(world: World) -> None:
    before = Bookmaker.objects.get(pk=world.alpha.pk).revision
    row = bookmakers.update(world.supervisor(), world.alpha.pk, margin_percent=Decimal("4.5"), soft_limit_percent=Decimal(10))
    assert (row.margin_percent, row.revision) == (Decimal("4.5"), before + 1)
    record = AuditRecord.objects.get()
    assert (facts_of(record.before)["margin_percent"], facts_of(record.after)["margin_percent"]) == ("0", "4.5")
    with pytest.raises(Forbidden):
        bookmakers.update(world.trader(), world.alpha.pk, margin_percent=Decimal(1))
    staffs: list[dict[str, Any]] = [{"demo": True}, {"sports": []}, {"name": "Mine"}]
    for changes in staffs:
        with pytest.raises(Forbidden):
            bookmakers.update(world.supervisor(), world.alpha.pk, **changes)
    bookmakers.update(STAFF, world.alpha.pk, sports=[], demo=True)
    assert Bookmaker.objects.get(pk=world.alpha.pk).demo


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("margin_percent", Decimal(-1)),
        ("margin_percent", Decimal("NaN")),
        ("soft_limit_percent", Decimal(60)),
        ("hard_limit_percent", Decimal(1)),
        ("max_override_seconds", 0),
        ("low_price", Decimal(1)),
        ("high_price", Decimal("1.01")),
        ("owner", "me"),
    ],
)
def test_it_refuses_limits_that_make_no_sense(world: World, field: str, value: object) -> None:
    with pytest.raises(Refused) as refused:
        bookmakers.update(STAFF, world.alpha.pk, **{field: value})  # type: ignore[arg-type]
    assert refused.value.fields
    assert not AuditRecord.objects.exists()


def test_e1_another_bookmakers_settings_answer_as_though_unknown(world: World) -> None:
    for of in (world.beta.pk, uuid.uuid4()):
        with pytest.raises(NotFound):
            bookmakers.update(world.supervisor(), of, margin_percent=Decimal(1))


def test_e2_a_role_given_and_taken_counts_at_the_next_request(world: World) -> None:
    user, _ = people.create(STAFF, "ann")
    bookmakers.set_role(STAFF, world.alpha.pk, user.pk, Role.TRADER)
    assert actor.of_user(user).may(world.alpha.pk, Role.TRADER)
    bookmakers.set_role(STAFF, world.alpha.pk, user.pk, Role.VIEWER)
    assert not actor.of_user(user).may(world.alpha.pk, Role.TRADER)
    bookmakers.set_role(STAFF, world.alpha.pk, user.pk, None)
    assert actor.of_user(user).roles == {}
    assert not Member.objects.exists()
    rows = AuditRecord.objects.filter(action="role changed").order_by("id")
    assert [(r.before, r.after) for r in rows] == [
        (None, {"role": "trader"}),
        ({"role": "trader"}, {"role": "viewer"}),
        ({"role": "viewer"}, None),
    ]
    with pytest.raises(Forbidden):
        bookmakers.set_role(world.supervisor(), world.alpha.pk, user.pk, Role.SUPERVISOR)


def test_e2_a_disabled_person_may_do_nothing(world: World) -> None:
    user, _ = people.create(STAFF, "ann", staff=True)
    user.is_active = False
    user.save()
    assert (actor.of_user(user).staff, actor.of_user(user).roles) == (False, {})


def test_e7_a_key_is_shown_once_and_stored_as_a_hash(world: World) -> None:
    row, key = bookmakers.create_key(STAFF, world.alpha.pk, scopes=["odds", "ops"])
    start, prefix, secret = key.split("_", 2)
    assert (start, prefix, len(secret) >= 43) == ("desk", row.prefix, True)
    stored = json.dumps([list(AuditRecord.objects.values()), list(ApiKey.objects.values())], default=str)
    assert secret not in stored
    found = bookmakers.verify_key(key)
    assert found is not None
    who = actor.of_key(found)
    assert (who.id, who.via, who.roles, who.scopes) == (f"key:{prefix}", "api", {world.alpha.pk: Role.TRADER}, frozenset({"odds", "ops"}))


def test_a_key_for_operations_only_has_no_odds(world: World) -> None:
    _, key = bookmakers.create_key(STAFF, world.alpha.pk, scopes=["ops"])
    found = bookmakers.verify_key(key)
    assert found is not None
    assert actor.of_key(found).roles == {}


def test_e2_a_revoked_or_ended_key_is_no_key(world: World) -> None:
    row, key = bookmakers.create_key(STAFF, world.alpha.pk)
    second, other = bookmakers.create_key(STAFF, world.alpha.pk, expires_at=db.now() + timedelta(seconds=0.4))
    assert bookmakers.verify_key(key)
    assert bookmakers.verify_key(other)
    bookmakers.revoke_key(STAFF, row.pk)
    bookmakers.revoke_key(STAFF, row.pk)
    time.sleep(0.45)
    assert bookmakers.verify_key(key) is None
    assert bookmakers.verify_key(other) is None
    assert AuditRecord.objects.filter(action="key revoked").count() == 1
    assert second.revoked_at is None


@pytest.mark.parametrize("token", ["", "desk", "desk__", "desk_%_x", "desk_" + "a" * 300, "other_a_b", "desk_\0_x", "Bearer x", "desk_é_ü"])
def test_nonsense_is_no_key(world: World, token: str) -> None:
    assert bookmakers.verify_key(token) is None


def test_a_wrong_secret_is_no_key(world: World) -> None:
    _, key = bookmakers.create_key(STAFF, world.alpha.pk)
    assert bookmakers.verify_key(key[:-1] + ("A" if key[-1] != "A" else "B")) is None


def test_only_staff_make_keys(world: World) -> None:
    with pytest.raises(Forbidden):
        bookmakers.create_key(world.supervisor(), world.alpha.pk)
    with pytest.raises(Refused):
        bookmakers.create_key(STAFF, world.alpha.pk, scopes=["all"])
    with pytest.raises(Refused):
        api_keys.create(STAFF, world.alpha.pk, expires_at=db.now())


def test_people_are_made_with_a_strong_password_that_nobody_keeps(world: World) -> None:
    user, password = people.create(STAFF, "ann")
    assert len(password) >= 20
    assert user.check_password(password)
    assert password not in json.dumps(list(AuditRecord.objects.values()), default=str)
    for name, given in [("ann", "long enough indeed"), ("bob", "short"), ("demo-bob", "long enough indeed"), ("a b", "long enough indeed")]:
        with pytest.raises(Refused):
            people.create(STAFF, name, given)
    people.set_password(actor.of_user(user), user.pk, "another long one")
    with pytest.raises(Forbidden):
        people.set_password(world.trader(number=7777), user.pk, "another long one")


def test_the_demonstration_is_made_once_and_signs_in(settings: Settings, world: World) -> None:
    settings.DESK_DEMO_SIGN_INS = True
    for slug in ("tennis", "basketball", "table-tennis"):
        Sport.objects.get_or_create(slug=slug, defaults={"name": slug})
    shown = demo.ensure_demo()
    audited = AuditRecord.objects.count()
    assert demo.ensure_demo() == shown
    assert AuditRecord.objects.count() == audited
    assert [name for name, _, _ in shown] == ["demo-trader", "demo-supervisor", "demo-viewer", "demo-admin"]
    houses = Bookmaker.objects.filter(demo=True)
    assert {h.name: h.sports.count() for h in houses} == {"Demo North": 4, "Demo South": 4}
    for name, password, _ in shown:
        assert authenticate(username=name, password=password) is not None
    trader = get_user_model().objects.get(username="demo-trader")
    assert set(actor.of_user(trader).roles.values()) == {Role.TRADER}
    assert len(actor.of_user(trader).roles) == 2


def test_a_demonstration_of_an_earlier_version_sees_the_sports_that_are_played_since(settings: Settings, world: World) -> None:
    settings.DESK_DEMO_SIGN_INS = True
    Sport.objects.get_or_create(slug="table-tennis", defaults={"name": "Table tennis"})
    demo.ensure_demo()
    house = Bookmaker.objects.get(name="Demo North")
    bookmakers.update(actor.of_command(), house.pk, sports=["football"])
    demo.ensure_demo()
    assert {"football", "table-tennis"} <= set(house.sports.values_list("slug", flat=True))


def test_demo_people_sign_in_nowhere_else(settings: Settings, world: World) -> None:
    settings.DESK_DEMO_SIGN_INS = True
    shown = demo.ensure_demo()
    settings.DESK_DEMO_SIGN_INS = False
    for name, password, _ in shown:
        assert authenticate(username=name, password=password) is None
    assert demo.DeskBackend().get_user(get_user_model().objects.get(username="demo-admin").pk) is None
    assert demo.ensure_demo() == []


def test_e6_guessing_from_one_place_is_stopped(world: World) -> None:
    for _ in range(5):
        assert throttle.blocked_for(throttle.SIGN_IN, "192.0.2.1", "ann") == 0
        throttle.failed(throttle.SIGN_IN, "192.0.2.1", "ann")
    assert 290 <= throttle.blocked_for(throttle.SIGN_IN, "192.0.2.1", "ANN") <= 301
    assert throttle.blocked_for(throttle.SIGN_IN, "192.0.2.1", "bob") == 0
    assert throttle.blocked_for(throttle.SIGN_IN, "192.0.2.2", "ann") == 0


def test_e6_one_place_guessing_many_names_is_stopped(world: World) -> None:
    for n in range(30):
        throttle.failed(throttle.SIGN_IN, "192.0.2.1", f"name{n}")
    assert throttle.blocked_for(throttle.SIGN_IN, "192.0.2.1", "fresh") > 0


def test_e6_many_places_guessing_one_name_do_not_lock_out_its_owner(world: World) -> None:
    throttle.succeeded(throttle.SIGN_IN, "198.51.100.7", "ann")
    for n in range(60):
        throttle.failed(throttle.SIGN_IN, f"192.0.2.{n}", "ann")
    assert throttle.blocked_for(throttle.SIGN_IN, "203.0.113.9", "ann") > 0
    assert throttle.blocked_for(throttle.SIGN_IN, "198.51.100.7", "ann") == 0


def test_e6_ipv6_counts_by_subscriber(world: World) -> None:
    for n in range(5):
        throttle.failed(throttle.SIGN_IN, f"2001:db8::{n}", "ann")
    assert throttle.blocked_for(throttle.SIGN_IN, "2001:db8::99", "ann") > 0
    assert throttle.blocked_for(throttle.SIGN_IN, "2001:db8:0:1::1", "ann") == 0


def test_e6_the_count_ends_with_its_window_and_with_success(world: World) -> None:
    for _ in range(5):
        throttle.failed(throttle.SIGN_IN, "192.0.2.1", "ann")
    throttle.succeeded(throttle.SIGN_IN, "192.0.2.1", "ann")
    assert throttle.blocked_for(throttle.SIGN_IN, "192.0.2.1", "ann") == 0
    for _ in range(5):
        throttle.failed(throttle.SIGN_IN, "192.0.2.1", "ann")
    Attempts.objects.exclude(kind="known").update(since=db.now() - timedelta(minutes=5, seconds=1))
    assert throttle.blocked_for(throttle.SIGN_IN, "192.0.2.1", "ann") == 0
    throttle.forget(db.now(), 100)
    assert list(Attempts.objects.values_list("kind", flat=True)) == ["known"]


def test_e6_the_table_names_nobody(world: World) -> None:
    throttle.failed(throttle.SIGN_IN, "192.0.2.1", "ann")
    stored = json.dumps(list(Attempts.objects.values()), default=str)
    assert "ann" not in stored.replace("channel", "")
    assert "192.0.2.1" not in stored


def test_e6_guesses_at_once_are_all_counted(committed: World) -> None:
    results = at_once(*([lambda: throttle.failed(throttle.KEY, "192.0.2.1")] * 4))
    assert results == [None] * 4, (connection.vendor, results)
    assert Attempts.objects.get().failures == 4
