"""``manage.py addfeed odds360``: hosts, bookmaker and sport are settings, the token comes from the environment or is sealed (E7, O3)."""

from __future__ import annotations

import io
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from feeds import registration, sealing
from feeds.models import Feed
from feeds.odds360.settings import places, settings_of
from markets.domain.sports.catalogue import SPORTS
from markets.models import AuditRecord, Source
from markets.services import actor
from markets.services.errors import Refused

pytestmark = pytest.mark.django_db
TOKEN = "a-token-that-opens-doors"
UUID = "5f0c8a4e-3600-4360-8360-0dd5360dd536"


def addfeed(*args: str) -> str:
    out = StringIO()
    call_command("addfeed", "odds360", *args, stdout=out, stderr=out)
    return out.getvalue()


def test_one_host_and_a_variable_are_enough() -> None:
    addfeed("tables", "--host", "table-tennis.sportmicro.com", "--token-env", "ODDS_TOKEN")
    feed = Feed.objects.get()
    settings = settings_of(feed.settings)
    assert feed.settings == {"host": "table-tennis.sportmicro.com"}
    assert (settings.sport, settings.bookmaker, settings.send_overrides) == ("table-tennis", "", False)
    assert places(settings).dashboard == "https://table-tennis.sportmicro.com"
    assert (feed.token_env, bytes(feed.token_sealed)) == ("ODDS_TOKEN", b"")
    assert (feed.source.provider, feed.source.coverage_expected) == ("odds360", False)


def test_every_option_is_stored_as_a_setting_and_no_token_with_them() -> None:
    hosts = ["--odds-host", "odds360.sportmicro.com", "--dashboard-host", "desk.sportmicro.com", "--dashboard-token-env", "DASHBOARD_TOKEN"]
    times = ["--discovery-seconds", "20", "--poll-seconds", "7", "--reread-seconds", "15", "--requests-per-second", "5"]
    more = ["--bookmaker", UUID, "--sport", "tennis", "--send-overrides-of", UUID, "--token-env", "ODDS_TOKEN", "--name", "Tables"]
    addfeed("tables", "--host", "table-tennis.sportmicro.com", *hosts, *times, *more)
    assert Source.objects.get().name == "Tables"
    assert Feed.objects.get().settings == {
        "host": "table-tennis.sportmicro.com",
        "odds_host": "odds360.sportmicro.com",
        "dashboard_host": "desk.sportmicro.com",
        "dashboard_token_env": "DASHBOARD_TOKEN",
        "bookmaker": UUID,
        "sport": "tennis",
        "pace": {"discovery": 20.0},
        "habits": {"poll": 7.0, "live_reread": 15.0},
        "rates": {"requests": 5.0},
        "send_overrides": True,
        "overrides_of": UUID,
    }


def test_e7_a_typed_token_is_sealed_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    out = addfeed("tables", "--host", "odds.example.com", "--token-stdin")
    feed = Feed.objects.get()
    assert sealing.credential(feed) == TOKEN
    assert TOKEN.encode() not in bytes(feed.token_sealed)
    assert TOKEN not in out + str(list(AuditRecord.objects.values()))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--host", "odds.example.com"], "one of the two"),
        (["--token-env", "ODDS_TOKEN"], "needs --host"),
        (
            ["--host", "http://odds.example.com", "--token-env", "ODDS_TOKEN"],
            "[Ii]n plain text only this machine is reached, not odds.example.com",
        ),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--send-overrides-of", UUID], "--send-overrides-of needs --bookmaker"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--bookmaker", "me"], "bookmaker is a UUID"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--reread-seconds", "60"], "within 25 s"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--reread-seconds", "nan"], "within 25 s"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--poll-seconds", "0"], "within 30 s"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--poll-seconds", "inf"], "within 30 s"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--discovery-seconds", "-1"], "discovery is above 0"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--requests-per-second", "0"], "rates are above 0"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--accept", "x"], "--accept is not for odds360"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--secret", "sixteen-characters-at-least"], "--secret is not for"),
        (["--host", "odds.example.com", "--token-env", "DESK_TOKEN"], "the desk's own"),
        (["--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--dashboard-token-env", "DESK_TOKEN"], "the desk's own"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        addfeed("tables", *args)
    assert not Source.objects.exists()


@pytest.mark.parametrize("sport", ["curling", "24", "Table Tennis", "table-tennis-history"])
def test_a_sport_that_the_desk_does_not_know_is_refused_by_naming_those_it_knows(sport: str) -> None:
    with pytest.raises(CommandError) as refused:
        addfeed("tables", "--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--sport", sport)
    assert repr(sport) in str(refused.value)
    assert all(f"'{known.slug}'" in str(refused.value) for known in SPORTS)
    assert not Source.objects.exists()


def test_a_sport_that_the_desk_does_not_know_is_refused_at_every_door() -> None:
    new = registration.NewOutgoing("odds360", "tables", {"host": "odds.example.com", "sport": "curling"}, "ODDS_TOKEN")
    with pytest.raises(Refused, match="“curling” is no sport that the desk knows"):
        registration.add_outgoing(actor.of_command(), new)
    assert not Source.objects.exists()


@pytest.mark.parametrize("sport", [known.slug for known in SPORTS])
def test_every_sport_that_the_desk_knows_may_be_fetched(sport: str) -> None:
    addfeed("tables", "--host", "odds.example.com", "--token-env", "ODDS_TOKEN", "--sport", sport)
    assert settings_of(Feed.objects.get().settings).sport == sport


@pytest.mark.parametrize("idle", [["--sport", "tennis"], ["--host", "odds.example.com"], ["--name", "Tables"], ["--poll-seconds", "0"]])
def test_an_option_that_a_rotation_would_pass_over_is_refused(idle: list[str]) -> None:
    addfeed("tables", "--host", "table-tennis.sportmicro.com", "--token-env", "ODDS_TOKEN")
    with pytest.raises(CommandError, match=f"{idle[0]} is not for --rotate, which changes the token only"):
        addfeed("tables", "--rotate", "--token-env", "OTHER_TOKEN", *idle)
    assert Feed.objects.get().token_env == "ODDS_TOKEN"
