"""``manage.py addfeed tennis``: hosts and paths are settings, the token comes from the environment or is sealed (E7)."""

from __future__ import annotations

import io
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from feeds import sealing
from feeds.errors import Refused
from feeds.models import Feed
from feeds.tennis.feed import settings_of
from markets.models import AuditRecord, Source, SourceLiveness

pytestmark = pytest.mark.django_db
TOKEN = "a-token-that-opens-doors"


def addfeed(*args: str) -> str:
    out = StringIO()
    call_command("addfeed", "tennis", *args, stdout=out, stderr=out)
    return out.getvalue()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody pipes the token in."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))


def test_it_stores_hosts_and_the_name_of_the_variable_but_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UMPIRE_TOKEN", TOKEN)
    paths = ["--live-events-path", "/v2/live", "--stream-path", "/v2/{event}", "--discovery-seconds", "20", "--silence-seconds", "30"]
    out = addfeed("umpires", "--host", "api.example.com", "--stream-host", "streams.example.com", "--token-env", "UMPIRE_TOKEN", *paths)
    feed = Feed.objects.get()
    assert (feed.token_env, bytes(feed.token_sealed)) == ("UMPIRE_TOKEN", b"")
    settings = settings_of(feed.settings)
    assert (settings.host, settings.stream_host, settings.live_events_path) == ("api.example.com", "streams.example.com", "/v2/live")
    assert (settings.pace.discovery, settings.pace.silence) == (20, 30)
    assert (feed.source.lease_seconds, feed.source.provider) == (15, "tennis")
    assert SourceLiveness.objects.filter(source=feed.source).exists()
    assert sealing.credential(feed) == TOKEN
    assert TOKEN not in out


def test_e7_a_typed_token_is_sealed_and_shown_nowhere(typed: None) -> None:
    out = addfeed("umpires", "--host", "api.example.com", "--token-stdin")
    feed = Feed.objects.get()
    assert TOKEN.encode() not in bytes(feed.token_sealed)
    assert sealing.credential(feed) == TOKEN
    assert TOKEN not in out
    assert TOKEN not in str(list(AuditRecord.objects.values()))


def test_e7_the_admin_shows_no_token_and_takes_another(typed: None, client: Client) -> None:
    addfeed("umpires", "--host", "api.example.com", "--token-stdin")
    client.force_login(User.objects.create_superuser("root", password="long-enough-for-a-test"))
    feed = Feed.objects.get()
    sealed = bytes(feed.token_sealed)
    page = client.get(f"/admin/feeds/feed/{feed.pk}/change/")
    assert page.status_code == 200
    assert TOKEN not in page.content.decode()
    assert sealed.decode() not in page.content.decode()
    form = {"name": "Umpires", "enabled": "on", "lease_seconds": "12", "senders": "", "secret": "another-token"}
    assert client.post(f"/admin/feeds/feed/{feed.pk}/change/", form).status_code == 302
    feed.refresh_from_db()
    assert sealing.credential(feed) == "another-token"
    assert Source.objects.get(pk=feed.pk).lease_seconds == 12
    assert "another-token" not in client.get("/admin/feeds/feed/").content.decode()


def test_another_secret_key_cannot_read_the_token_and_says_so(typed: None, settings: Settings) -> None:
    addfeed("umpires", "--host", "api.example.com", "--token-stdin")
    settings.SECRET_KEY = "another-secret-key-of-at-least-32-characters"
    with pytest.raises(Refused, match="SECRET_KEY has changed"):
        sealing.credential(Feed.objects.get())


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UMPIRE_TOKEN", raising=False)
    assert "UMPIRE_TOKEN is not set here" in addfeed("umpires", "--host", "api.example.com", "--token-env", "UMPIRE_TOKEN")
    with pytest.raises(Refused, match="UMPIRE_TOKEN"):
        sealing.credential(Feed.objects.get())


def test_rotate_puts_another_token_in_place(typed: None) -> None:
    addfeed("umpires", "--host", "api.example.com", "--token-env", "UMPIRE_TOKEN")
    addfeed("umpires", "--rotate", "--token-stdin")
    feed = Feed.objects.get()
    assert (feed.token_env, sealing.credential(feed)) == ("", TOKEN)


def test_p5_simulated_feeds_are_switched_off() -> None:
    Source.objects.create(slug="simulator", provider="updategram", name="Simulator", simulated=True)
    addfeed("umpires", "--host", "api.example.com", "--token-env", "UMPIRE_TOKEN")
    assert not Source.objects.get(slug="simulator").enabled


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["umpires", "--token-env", "T"], "needs --host"),
        (["umpires", "--host", "api.example.com"], "one of the two"),
        (["umpires", "--host", "http://api.example.com", "--token-env", "T"], "plain text"),
        (["umpires", "--host", "api.example.com", "--stream-host", "ws://api.example.com", "--token-env", "T"], "plain text"),
        (["umpires", "--host", "http://localhost.example.com", "--token-env", "T"], "plain text"),
        (["umpires", "--host", "https://user:pass@api.example.com", "--token-env", "T"], "no credential"),
        (["umpires", "--host", "ftp://api.example.com", "--token-env", "T"], "no scheme"),
        (["umpires", "--host", "api example", "--token-env", "T"], "no address"),
        (["umpires", "--host", "api.example.com:port", "--token-env", "T"], "no address"),
        (["umpires", "--host", "api.example.com", "--token-env", "no name"], "no name of an environment variable"),
        (["umpires", "--host", "api.example.com", "--token-env", "DESK_TOKEN"], "the desk's own"),
        (["umpires", "--host", "api.example.com", "--token-env", "T", "--stream-path", "/events"], "no {event}"),
        (["umpires", "--host", "api.example.com", "--token-env", "T", "--silence-seconds", "0"], "silence is above 0"),
        (["umpires", "--host", "api.example.com", "--token-env", "T", "--discovery-seconds", "inf"], "discovery is above 0"),
        (["umpires", "--host", "api.example.com", "--token-env", "T", "--secret", "sixteen-characters"], "--secret is not for tennis"),
        (["no slug", "--host", "api.example.com", "--token-env", "T"], "slug"),
        (["nobody", "--rotate", "--token-env", "T"], "no feed"),
    ],
)
def test_it_refuses_in_words(args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        addfeed(*args)
    assert not Feed.objects.exists()


def test_options_of_fetched_feeds_are_refused_for_pushed_ones() -> None:
    with pytest.raises(CommandError, match="--host is not for updategram"):
        call_command("addfeed", "updategram", "genius", "--host", "api.example.com")
