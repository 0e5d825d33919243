"""The pages: who sees what, and in how many queries."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from markets import db
from markets.domain.values import OverrideKind, Role, Scope
from markets.models import Confirmation, Gap, Source, Sport, Watch
from markets.selectors import board
from markets.services import holds, overrides
from tests.desk.conftest import PASSWORD, SignIn, person
from tests.services.world import World, add_bookmaker, add_fixture, add_market

PAGES = ("/", "/feeds", "/account", "/board/aside", "/board/extras", "/feeds/cards", "/audit", "/audit.csv")
D = OverrideKind.PRICE


def parts_of(world: World) -> tuple[str, ...]:
    return (
        f"/fixture/{world.fixture.pk}",
        f"/fixture/{world.fixture.pk}/active",
        f"/fixture/{world.fixture.pk}/audit",
        f"/selection/{world.first.pk}/graph",
        f"/selection/{world.first.pk}/explain",
    )


@pytest.mark.parametrize("path", PAGES)
def test_it_opens_every_page_for_a_trader(desk: Client, path: str) -> None:
    assert desk.get(path).status_code == 200


@pytest.mark.parametrize("path", PAGES)
def test_it_asks_strangers_to_sign_in(world: World, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=")


def test_it_opens_a_fixture_with_all_its_parts(desk: Client, world: World) -> None:
    for path in (*parts_of(world), f"/would-open?fixture={world.fixture.pk}"):
        answer = desk.get(path)
        assert (answer.status_code, bool(answer.content)) == (200, True), path


def test_it_shows_a_price_with_feed_state_and_version(desk: Client, world: World) -> None:
    page = desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    cell = re.search(rf'<button[^>]*id="p-{world.first.pk}".*?</button>', page, re.DOTALL)
    assert cell
    assert 'data-s="open"' in cell[0]
    assert 'data-feed="2.00"' in cell[0]
    assert "<span>2.00</span>" in cell[0]


def test_it_says_why_a_price_is_suspended_and_since_when(desk: Client, world: World) -> None:
    holds.suspend(world.trader(), world.alpha.pk, Scope.FIXTURE, str(world.fixture.pk), reason="rain")
    page = desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    cell = re.search(rf'<button[^>]*id="p-{world.first.pk}".*?</button>', page, re.DOTALL)
    assert cell
    assert 'data-s="suspended"' in cell[0]
    assert "<span>2.00</span>" in cell[0], "the price stays readable"
    assert "Person 1" in cell[0]
    assert "since " in cell[0]


def test_it_shows_overrides_in_effect_with_owner_and_end(desk: Client, world: World) -> None:
    from decimal import Decimal

    overrides.set_override(world.trader(), world.alpha.pk, world.first.pk, kind=D, value=Decimal("2.04"), seconds=600, reason="injury")
    part = desk.get(f"/fixture/{world.fixture.pk}/active").content.decode()
    assert "2.04" in part
    assert "Person 1" in part
    assert "injury" in part
    assert "data-ends=" in part


def test_it_marks_a_simulated_fixture_and_hides_it_once_a_real_feed_exists(desk: Client, world: World) -> None:
    """P5: a demo bookmaker sees simulated fixtures only while there is no real feed; others never."""
    Source.objects.update(simulated=True)
    world.fixture.simulated = True
    world.fixture.save()
    assert board.candidates(world.alpha.pk) == []
    world.alpha.demo = True
    world.alpha.save()
    assert "SIM" in desk.get("/").content.decode()
    Source.objects.create(slug="real", provider="updategram", name="Real", created_at=db.now())
    assert board.candidates(world.alpha.pk) == []


def test_it_lists_live_before_soon_and_never_deleted_ones(world: World) -> None:
    football = Sport.objects.get(slug="football")
    live, gone = add_fixture(world.source, football, "200"), add_fixture(world.source, football, "300")
    type(live).objects.filter(pk=live.pk).update(phase="live")
    type(gone).objects.filter(pk=gone.pk).update(status="Deleted")
    assert [c.id for c in board.candidates(world.alpha.pk)] == [live.pk, world.fixture.pk]


def test_it_follows_and_unfollows_a_fixture(desk: Client, alice: User, world: World) -> None:
    assert "★" in desk.post("/watch", {"fixture": world.fixture.pk}).content.decode()
    assert Watch.objects.filter(user=alice, fixture=world.fixture).exists()
    assert "☆" in desk.post("/watch", {"fixture": world.fixture.pk}).content.decode()
    assert not Watch.objects.exists()


# -- isolation -------------------------------------------------------------------------------------------------------


def test_e1_a_foreign_fixture_answers_exactly_as_one_that_never_existed(world: World, sign_in: SignIn) -> None:
    tennis = Sport.objects.get(slug="tennis")
    other = add_bookmaker("Gamma", tennis)
    gina = sign_in(person("gina", Role.TRADER, other))
    for path in (*parts_of(world), f"/would-open?fixture={world.fixture.pk}"):
        unknown = re.sub(r"\d+", "987654", path)
        foreign, missing = gina.get(path), gina.get(unknown)
        assert foreign.status_code == missing.status_code, path
        assert foreign.content == missing.content, path


@pytest.mark.parametrize(
    "query", ["day=9999-12-31", "day=9999-12-31&until=23:59", "day=0001-01-01", "day=9998-01-01&since=10:00", "q=a%00b", "action=%00"]
)
def test_an_odd_filter_of_the_audit_is_no_fault(desk: Client, world: World, query: str) -> None:
    for path in ("/audit", "/feeds", "/audit.csv"):
        assert desk.get(f"{path}?{query}").status_code == 200


def test_e1_another_bookmakers_overrides_holds_and_audit_are_not_shown(desk: Client, world: World) -> None:
    from decimal import Decimal

    theirs = world.trader(world.beta, 7)
    overrides.set_override(theirs, world.beta.pk, world.first.pk, kind=D, value=Decimal("2.07"), seconds=600, reason="secret reason")
    holds.suspend(theirs, world.beta.pk, Scope.FIXTURE, str(world.fixture.pk), reason="secret hold")
    for path in ("/", "/board/aside", "/board/extras", "/feeds", "/audit", *parts_of(world)):
        page = desk.get(path).content.decode()
        assert "secret" not in page, path
        assert "2.07" not in page, path
        assert "Person 7" not in page, path
    assert b"secret" not in b"".join(desk.get("/audit.csv").streaming_content)  # type: ignore[attr-defined]


def test_e1_a_bookmaker_of_somebody_else_cannot_be_chosen(desk: Client, world: World) -> None:
    for chosen in (str(world.beta.pk), "3f0c8f5e-0000-4000-8000-000000000000", "nonsense"):
        assert desk.post("/choose-bookmaker", {"bookmaker": chosen}).status_code == 302
        assert "Beta" not in desk.get("/").content.decode()


def test_it_switches_between_ones_own_bookmakers(world: World, sign_in: SignIn) -> None:
    both = person("both", Role.TRADER, world.alpha)
    world.beta.members.create(user=both, role=Role.VIEWER.value)
    client = sign_in(both)
    assert "do-" not in client.get("/").content.decode()
    assert 'id="panic"' in client.get("/").content.decode()
    client.post("/choose-bookmaker", {"bookmaker": str(world.beta.pk)})
    assert 'id="panic"' not in client.get("/").content.decode(), "a viewer there"


def test_e2_a_lost_role_counts_at_the_next_request(desk: Client, alice: User, world: World) -> None:
    assert desk.get("/").status_code == 200
    alice.memberships.all().delete()
    assert desk.get("/").status_code == 403
    alice.is_active = False
    alice.save()
    assert desk.get("/").status_code == 302


def test_e2_a_new_password_ends_every_other_session(alice: User, sign_in: SignIn) -> None:
    here, elsewhere = sign_in(alice), sign_in(alice)
    new = "another long password"
    answer = here.post("/account", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert "The password is changed" in answer.content.decode()
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_e2_a_part_asked_for_after_sign_out_sends_the_whole_browser_away(world: World) -> None:
    answer = Client().get("/board/aside", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/sign-in")


def test_it_tells_somebody_without_a_bookmaker_whom_to_ask(world: World, sign_in: SignIn) -> None:
    answer = sign_in(person("nobody")).get("/")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.content.decode()


def test_it_signs_in_and_out(alice: User) -> None:
    client = Client()
    assert client.post("/sign-in", {"username": "alice", "password": "wrong"}).status_code == 200
    assert client.post("/sign-in", {"username": "alice", "password": PASSWORD})["Location"] == "/"
    assert client.get("/").status_code == 200
    assert client.post("/sign-out").status_code == 302
    assert client.get("/").status_code == 302


# -- the shape of the pages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/feeds", "/account", "/sign-in"])
def test_e5_pages_carry_no_inline_script_or_style_and_a_strict_policy(desk: Client, world: World, path: str) -> None:
    answer = (Client() if path == "/sign-in" else desk).get(path)
    page = answer.content.decode()
    policy = answer["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", page)


def test_viewers_see_no_controls(vera: User, sign_in: SignIn, world: World) -> None:
    client = sign_in(vera)
    for path in ("/", f"/fixture/{world.fixture.pk}", "/feeds"):
        page = client.get(path).content.decode()
        assert "/do/" not in page, path
        assert "data-trades" not in page, path


def test_staff_may_act_for_all_bookmakers(world: World, sign_in: SignIn) -> None:
    page = sign_in(person("sam", is_staff=True)).get("/").content.decode()
    assert 'name="everyone"' in page
    assert "Alpha" in page
    assert "Beta" in page


def test_raw_values_of_a_feed_are_never_markup(desk: Client, world: World) -> None:
    type(world.fixture).objects.update(name="<script>alert(1)</script>")
    for path in ("/", f"/fixture/{world.fixture.pk}"):
        assert "<script>alert" not in desk.get(path).content.decode()


# -- how many queries ------------------------------------------------------------------------------------------------


def data_queries(captured: CaptureQueriesContext) -> list[str]:
    """Without those that say who is asking, and without the database's clock."""
    asking = ("django_session", "auth_user", '"markets_member"', "clock_timestamp")
    plain = [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(("BEGIN", "SAVEPOINT", "RELEASE", "SET "))]
    return [sql for sql in plain if not any(word in sql for word in asking)]


def test_a_board_of_a_hundred_fixtures_takes_at_most_four_data_queries(desk: Client, world: World) -> None:
    football = Sport.objects.get(slug="football")
    for n in range(99):
        add_market(add_fixture(world.source, football, str(1000 + n)), f"m{n}", ("2.0", "3.5", "4.0"))
    desk.get("/")
    with CaptureQueriesContext(connection) as captured:
        page = desk.get("/").content.decode()
    assert page.count('<tr id="f-') == 100
    assert len(data_queries(captured)) <= 4, data_queries(captured)


def test_a_fixture_of_a_hundred_markets_takes_at_most_five_data_queries(desk: Client, world: World) -> None:
    for n in range(99):
        add_market(world.fixture, f"m{n}", ("2.0", "3.5", "4.0"))
    desk.get(f"/fixture/{world.fixture.pk}")
    with CaptureQueriesContext(connection) as captured:
        page = desk.get(f"/fixture/{world.fixture.pk}").content.decode()
    assert page.count("data-price") == 300
    assert len(data_queries(captured)) <= 5, data_queries(captured)


def test_an_expired_hold_is_not_listed(desk: Client, world: World) -> None:
    holds.suspend(world.trader(), world.alpha.pk, Scope.SPORT, "football", seconds=60)
    from markets.selectors import journal

    assert len(journal.holds(world.alpha.pk, db.now())) == 1
    assert journal.holds(world.alpha.pk, db.now() + timedelta(seconds=61)) == []


def test_what_is_not_there_and_what_fails_is_told_on_a_page_of_the_desk(desk: Client) -> None:
    missing = desk.get("/no-such-page")
    assert missing.status_code == 404
    assert "css/desk" in missing.content.decode()
    for name in ("400.html", "403.html", "403_csrf.html", "500.html"):
        assert "To the live board" in render_to_string(name)


def test_the_guessed_icon_is_the_desks(desk: Client) -> None:
    assert desk.get("/favicon.ico")["Location"].endswith(".svg")


def test_a_feed_that_nobody_heard_or_that_is_off_offers_no_re_opening(desk: Client, world: World) -> None:
    assert "Confirm re-opening …" in desk.get("/feeds/cards").content.decode()
    Source.objects.filter(pk=world.source.pk).update(enabled=False)
    assert "Confirm re-opening …" not in desk.get("/feeds/cards").content.decode()


def test_a_gap_that_the_bookmaker_answered_is_not_told_to_it_any_more(desk: Client, bob: User, sign_in: SignIn, world: World) -> None:
    opened = Gap.objects.create(source=world.source, cause="nobody was receiving", opened_at=db.now())
    assert "nobody was receiving" in desk.get("/feeds/cards").content.decode()
    given = {"bookmaker": world.alpha, "source": world.source, "gap": opened, "by": "alice"}
    Confirmation.objects.create(**given, at=db.now() + timedelta(seconds=1))
    assert "nobody was receiving" not in desk.get("/feeds/cards").content.decode()
    assert "nobody was receiving" in sign_in(bob).get("/feeds/cards").content.decode()
