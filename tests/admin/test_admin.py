"""The admin: staff only, every edit through a service with one audit record, secrets shown once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from feeds import registration
from feeds.models import Feed, Frame
from markets import db
from markets.models import ApiKey, AuditRecord, Bookmaker, Fixture, MarketType, Member, Source, Sport
from markets.selectors.health import load_health
from markets.services import actor, bookmakers
from tests.services.world import World, facts_of
from tests.services.world import world as make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_user("boss", is_staff=True, is_superuser=True))
    return client


def page(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def post(client: Client, page_name: str, /, *args: Any, **fields: Any) -> str:
    answer = client.post(reverse(page_name, args=args), fields, follow=True)
    assert answer.status_code == 200, answer.status_code
    said = str(answer.content.decode())
    print(re.findall(r"(?:errorlist|messagelist).*?</ul>", said, re.S))  # pytest shows it when the test fails
    return said


def bookmaker_fields(**changes: Any) -> dict[str, Any]:
    inlines = ("members", "keys", "reopen_rules")
    members = {f"{name}-{form}_FORMS": 0 for name in inlines for form in ("TOTAL", "INITIAL")}
    limits = {"margin_percent": 0, "soft_limit_percent": 5, "hard_limit_percent": 50, "max_override_seconds": 86400}
    return members | limits | {"low_price": "1.01", "high_price": "1001"} | changes


@pytest.mark.parametrize("name", ["index", "markets_bookmaker_changelist", "feeds_frame_changelist"])
def test_only_staff_enter_and_the_door_is_the_desks_own(client: Client, name: str) -> None:
    url = reverse(f"admin:{name}")
    assert client.get(url)["Location"].startswith("/admin/login/?next=")
    assert client.get(f"/admin/login/?next={url}")["Location"] == f"/sign-in?next={url}"
    client.force_login(get_user_model().objects.create_user("ann"))
    assert client.get(url, follow=True).status_code == 403


def test_every_list_and_form_opens(admin: Client, world: World) -> None:
    bookmakers.create_key(_staff(), world.alpha.pk)
    for model in ("bookmaker", "apikey", "markettype", "auditrecord"):
        page(admin, f"admin:markets_{model}_changelist")
    for model in ("feed", "frame"):
        page(admin, f"admin:feeds_{model}_changelist")
    page(admin, "admin:auth_user_changelist")
    page(admin, "admin:auth_user_add")
    page(admin, "admin:feeds_feed_add")
    page(admin, "admin:markets_apikey_add")
    page(admin, "admin:markets_bookmaker_change", world.alpha.pk)
    page(admin, "admin:markets_apikey_change", ApiKey.objects.get().pk)
    page(admin, "admin:markets_auditrecord_change", AuditRecord.objects.latest("id").pk)


def _staff() -> Any:
    from markets.services.actor import of_command

    return of_command()


def test_f1_a_bookmaker_is_made_and_changed_by_the_service_with_one_record_each(admin: Client) -> None:
    sport, _ = Sport.objects.get_or_create(slug="tennis", defaults={"name": "Tennis"})
    post(admin, "admin:markets_bookmaker_add", **bookmaker_fields(name="Acme", sports=[sport.pk]))
    made = Bookmaker.objects.get(name="Acme")
    assert [s.slug for s in made.sports.all()] == ["tennis"]
    post(admin, "admin:markets_bookmaker_change", made.pk, **bookmaker_fields(name="Acme", sports=[sport.pk], margin_percent="4.5"))
    rows = list(AuditRecord.objects.order_by("id"))
    assert [(r.action, r.via, r.actor_name) for r in rows] == [
        ("bookmaker created", "admin", "boss"),
        ("bookmaker changed", "admin", "boss"),
    ]
    assert facts_of(rows[1].after)["margin_percent"] == "4.5"
    assert not LogEntry.objects.exists()


def test_a13_what_a_point_feed_means_is_set_by_the_services(admin: Client, world: World) -> None:
    tennis, kind = Sport.objects.get(slug="tennis"), MarketType.objects.get(provider="updategram", ref="1")
    rule = {"reopen_rules-TOTAL_FORMS": 1, "reopen_rules-0-type": kind.pk, "reopen_rules-0-seconds": "8.5"}
    fields = bookmaker_fields(name="Alpha", point_sports=[tennis.pk], open_in_breaks=["ToiletBreak"])
    post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **(fields | rule))
    alpha = Bookmaker.objects.get(pk=world.alpha.pk)
    made = alpha.reopen_rules.get()
    assert (alpha.point_sports.get(), alpha.open_in_breaks, made.type, str(made.seconds)) == (tennis, ["ToiletBreak"], kind, "8.5")
    stored = {"reopen_rules-INITIAL_FORMS": 1, "reopen_rules-0-id": made.pk, "reopen_rules-0-bookmaker": alpha.pk}
    too_long = post(admin, "admin:markets_bookmaker_change", alpha.pk, **(fields | rule | stored | {"reopen_rules-0-seconds": "601"}))
    assert "between 0.5 and 600 seconds" in too_long
    post(admin, "admin:markets_bookmaker_change", alpha.pk, **(fields | rule | stored | {"reopen_rules-0-DELETE": "on"}))
    assert not alpha.reopen_rules.exists()
    actions = list(AuditRecord.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["bookmaker changed", "re-open rule changed", "re-open rule changed"]


def test_o8_no_point_feed_can_be_demanded_for_a_sport_that_has_none(admin: Client, world: World) -> None:
    table_tennis = Sport.objects.get(slug="table-tennis")
    said = post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **bookmaker_fields(name="Alpha", point_sports=[table_tennis.pk]))
    assert "No point feed is known for this sport" in said
    assert not Bookmaker.objects.get(pk=world.alpha.pk).point_sports.exists()
    assert not AuditRecord.objects.exists()


def test_what_the_service_refuses_is_said_and_not_written(admin: Client, world: World) -> None:
    said = post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **bookmaker_fields(name="Alpha", soft_limit_percent=60))
    assert "not above the hard limit" in said
    assert not AuditRecord.objects.exists()


def test_a_negative_margin_is_an_error_beside_its_field(admin: Client, world: World) -> None:
    said = post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **bookmaker_fields(name="Alpha", margin_percent="-1"))
    assert re.search(r'<ul class="errorlist"[^>]*id="id_margin_percent_error"[^>]*><li>between 0 and 50', said)
    assert not AuditRecord.objects.exists()


def test_a_member_is_named_by_person_and_role(world: World) -> None:
    ann = get_user_model().objects.create_user("ann")
    assert str(Member.objects.create(user=ann, bookmaker=world.alpha, role="trader")) == "ann, trader"


def test_members_are_given_roles_by_the_service(admin: Client, world: World) -> None:
    ann, bob = (get_user_model().objects.create_user(name) for name in ("ann", "bob"))
    fields = bookmaker_fields(name="Alpha", sports=[world.fixture.sport_id])
    one = {"members-0-id": "", "members-0-bookmaker": world.alpha.pk, "members-0-user": ann.pk, "members-0-role": "trader"}
    post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **fields | one | {"members-TOTAL_FORMS": 1})
    member = Member.objects.get()
    assert (member.user_id, member.role) == (ann.pk, "trader")
    again = one | {"members-0-id": member.pk, "members-0-user": bob.pk, "members-TOTAL_FORMS": 1, "members-INITIAL_FORMS": 1}
    post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **fields | again)
    assert Member.objects.get().user_id == bob.pk
    again |= {"members-0-id": Member.objects.get().pk, "members-0-DELETE": "on"}
    post(admin, "admin:markets_bookmaker_change", world.alpha.pk, **fields | again)
    assert not Member.objects.exists()
    assert list(AuditRecord.objects.order_by("id").values_list("object_words", flat=True)) == [
        "ann at Alpha", "ann at Alpha", "bob at Alpha", "bob at Alpha",
    ]  # fmt: skip


def test_e7_a_key_is_shown_once(admin: Client, world: World) -> None:
    said = post(admin, "admin:markets_apikey_add", bookmaker=world.alpha.pk, scopes=["odds"])
    found = re.search(r"desk_[0-9a-f]+_[\w-]+", said)
    assert found
    row = bookmakers.verify_key(found[0])
    assert row is not None
    secret = found[0].split("_", 2)[2]
    for name, args in [
        ("admin:markets_apikey_changelist", ()),
        ("admin:markets_apikey_change", (row.id,)),
        ("admin:markets_bookmaker_change", (world.alpha.pk,)),
        ("admin:markets_auditrecord_changelist", ()),
    ]:
        shown = page(admin, name, *args)
        assert secret not in shown
        assert row.digest not in shown
    post(admin, "admin:markets_apikey_changelist", action="revoke", _selected_action=[row.id])
    assert bookmakers.verify_key(found[0]) is None


def test_a_person_is_made_disabled_and_given_a_password_with_one_record_each(admin: Client) -> None:
    passwords = {"password1": "a long enough one", "password2": "a long enough one", "usable_password": "true"}
    post(admin, "admin:auth_user_add", username="ann", **passwords)
    ann = User.objects.get(username="ann")
    post(admin, "admin:auth_user_change", ann.pk, username="ann", is_staff="on")
    ann.refresh_from_db()
    assert (ann.is_active, ann.is_staff, ann.is_superuser) == (False, True, True)
    post(
        admin, "admin:auth_user_password_change", ann.pk, password1="another long one", password2="another long one", usable_password="true"
    )
    actions = list(AuditRecord.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["person created", "person changed", "password changed"]
    assert "that start with demo-" in post(admin, "admin:auth_user_add", username="demo-x", **passwords)
    assert not User.objects.filter(username="demo-x").exists()


def test_u16_a_market_types_group_is_changed_for_its_family_and_readers_look_again(admin: Client, world: World) -> None:
    kind = MarketType.objects.get(ref="1")
    url = "admin:markets_markettype_change"
    post(admin, url, kind.pk, odd_group="half-time", sequence_meaning="auto", is_main="on")
    kind.refresh_from_db()
    assert (kind.odd_group, kind.is_main) == ("half-time", True)
    assert Fixture.objects.get().revision == 2
    assert "small letters" in post(admin, url, kind.pk, odd_group="Half Time", sequence_meaning="auto")
    assert AuditRecord.objects.count() == 1


def test_e7_a_feed_is_added_and_changed_and_its_secret_shown_once(admin: Client) -> None:
    said = post(admin, "admin:feeds_feed_add", provider="updategram", slug="genius", senders="192.0.2.0/24")
    found = re.search(r"Secret (\S+)", said)
    assert found
    feed = Feed.objects.get()
    shown = page(admin, "admin:feeds_feed_change", feed.pk)
    assert found[1] not in shown
    assert feed.secret_hashes[0] not in shown
    fields = {"name": "Genius", "enabled": "on", "lease_seconds": 20, "senders": "192.0.2.0/24\n198.51.100.0/24"}
    post(admin, "admin:feeds_feed_change", feed.pk, **fields, secret="a secret of sixteen or more")
    feed.refresh_from_db()
    assert (feed.networks, len(feed.secret_hashes)) == (["192.0.2.0/24", "198.51.100.0/24"], 2)
    assert Source.objects.get().lease_seconds == 20
    assert "a secret of" not in page(admin, "admin:feeds_feed_change", feed.pk)
    assert list(AuditRecord.objects.order_by("id").values_list("action", flat=True)) == [
        "feed added",
        "feed changed",
        "feed secret rotated",
    ]
    assert "whole internet" in post(admin, "admin:feeds_feed_change", feed.pk, **fields | {"senders": "0.0.0.0/0"})


def test_o2_how_long_odds_count_is_set_for_a_feed_whose_matches_have_connections(admin: Client) -> None:
    new = registration.NewOutgoing("odds360", "tables", {"host": "https://odds.example.com"}, token_env="ODDS_TOKEN")
    source_id = registration.add_outgoing(actor.of_command(), new)
    said = {"name": "Tables", "enabled": "on", "lease_seconds": 30, "live_data_seconds": 20, "upcoming_data_seconds": 120}
    post(admin, "admin:feeds_feed_change", source_id, **said)
    health = load_health()[source_id]
    assert (health.live_data_seconds, health.upcoming_data_seconds) == (20, 120)
    for beyond in ({"live_data_seconds": 61}, {"upcoming_data_seconds": 301}, {"live_data_seconds": ""}):
        assert "errorlist" in post(admin, "admin:feeds_feed_change", source_id, **said | beyond)
    assert load_health()[source_id] == health


def test_o2_a_feed_without_such_connections_keeps_what_it_has(admin: Client) -> None:
    post(admin, "admin:feeds_feed_add", provider="updategram", slug="genius", senders="192.0.2.0/24")
    said = {"name": "Genius", "enabled": "on", "lease_seconds": 20, "senders": "192.0.2.0/24"}
    feed = Feed.objects.get()
    post(admin, "admin:feeds_feed_change", feed.pk, **said, live_data_seconds=10)
    assert (Source.objects.get().lease_seconds, Source.objects.get().live_data_seconds) == (20, 60)


def test_the_inbox_shows_reasons_and_the_raw_message_escaped(admin: Client, world: World) -> None:
    body = b"<Updategram><script>alert(1)</script>"
    now = db.now()
    frame = Frame.objects.create(
        day=now.date(), source=world.source, lane=0, received_at=now, kept_at=now, size=len(body), body=body,
        outcome="quarantined", reason="not well-formed, line 1", guid="g-1", applied_at=now + timedelta(seconds=1),
    )  # fmt: skip
    listed = page(admin, "admin:feeds_frame_changelist")
    assert "not well-formed, line 1" in listed
    shown = page(admin, "admin:feeds_frame_change", frame.pk)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "<script>alert" not in shown
    whole = admin.get(reverse("admin:feeds_frame_raw", args=[frame.pk]))
    assert (whole.content, whole["X-Content-Type-Options"]) == (body, "nosniff")
    assert whole["Content-Disposition"].startswith("attachment")


def test_the_audit_and_the_inbox_cannot_be_edited(admin: Client, world: World) -> None:
    bookmakers.create_key(_staff(), world.alpha.pk)
    record = AuditRecord.objects.get()
    for name in ("change", "delete"):
        assert admin.post(reverse(f"admin:markets_auditrecord_{name}", args=[record.pk]), {"action": "x"}).status_code == 403
    assert admin.get(reverse("admin:markets_auditrecord_add")).status_code == 403
    assert admin.post(reverse("admin:markets_bookmaker_delete", args=[world.alpha.pk]), {"post": "yes"}).status_code == 403


def test_e5_no_page_of_the_admin_has_a_script_of_its_own_inside(admin: Client, world: World) -> None:
    for name, args in [("admin:index", ()), ("admin:markets_bookmaker_change", (world.alpha.pk,)), ("admin:feeds_feed_add", ())]:
        answer = admin.get(reverse(name, args=args))
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert re.findall(rb"<script(?![^>]*\b(?:src|type=\"application/json\"))[^>]*>", answer.content) == []


def test_a_bookmakers_page_speaks_in_words_and_the_list_gives_the_id_that_a_key_is_made_for(admin: Client, world: World) -> None:
    form = page(admin, "admin:markets_bookmaker_change", world.alpha.pk)
    assert "need a live point feed that is bound to their fixture" in form
    assert not re.search(r"\([A-Z][0-9]+\)", form)
    assert str(world.alpha.pk) in page(admin, "admin:markets_bookmaker_changelist")
