"""``manage.py addfeed`` (E3, E7, P5)."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from feeds.models import Feed
from feeds.senders import secret_hash
from markets.models import AuditRecord, Source, SourceLiveness

pytestmark = pytest.mark.django_db
SECRET = "sixteen-characters-at-least"


def addfeed(*args: str) -> str:
    out = StringIO()
    call_command("addfeed", "updategram", *args, stdout=out)
    return out.getvalue()


def test_it_prints_both_urls_once_and_stores_only_a_hash() -> None:
    out = addfeed("genius", "--secret", SECRET, "--url", "https://desk.example.com/")
    assert f"https://desk.example.com/feeds/updategram/genius/ProcessMessage?token={SECRET}\n" in out
    assert f"https://desk.example.com/feeds/updategram/genius/Heartbeat?token={SECRET}\n" in out
    feed = Feed.objects.get()
    assert feed.secret_hashes == [secret_hash(SECRET)]
    assert feed.networks == ["185.107.196.0/22"]
    assert SourceLiveness.objects.filter(source=feed.source).exists()
    assert SECRET not in str(AuditRecord.objects.values_list("after", "before", "object_words", "reason"))


def test_p5_simulated_feeds_are_switched_off_when_a_real_one_is_added() -> None:
    Source.objects.create(slug="simulator", provider="updategram", name="Simulator", simulated=True)
    addfeed("genius")
    assert not Source.objects.get(slug="simulator").enabled
    assert Source.objects.get(slug="genius").enabled


def test_it_makes_a_secret_when_none_is_given() -> None:
    out = addfeed("genius", "--network", "10.0.0.0/8", "192.0.2.0/24")
    secret = out.split("token=")[1].split()[0]
    assert len(secret) >= 40
    assert Feed.objects.get().secret_hashes == [secret_hash(secret)]
    assert Feed.objects.get().networks == ["10.0.0.0/8", "192.0.2.0/24"]


def test_u17_two_secrets_are_valid_during_a_rotation() -> None:
    addfeed("genius", "--secret", SECRET)
    for n in (2, 3):
        addfeed("genius", "--rotate", "--secret", f"{SECRET}-{n}")
    assert Feed.objects.get().secret_hashes == [secret_hash(f"{SECRET}-{n}") for n in (2, 3)]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["genius", "--secret", "short"], "16 characters"),
        (["genius", "--network", "nonsense"], "Not a network"),
        (["genius", "--network", "0.0.0.0/0"], "whole internet"),
        (["no slug"], "slug"),
        (["nobody", "--rotate"], "no feed"),
    ],
)
def test_it_refuses_in_words(args: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        addfeed(*args)
    assert not Feed.objects.exists()


def test_it_refuses_a_slug_that_is_taken() -> None:
    addfeed("genius")
    with pytest.raises(CommandError, match="already"):
        addfeed("genius")


@pytest.mark.parametrize("idle", [["--network", "10.0.0.0/8"], ["--name", "Genius"]])
def test_an_option_that_a_rotation_would_pass_over_is_refused(idle: list[str]) -> None:
    addfeed("genius", "--secret", SECRET)
    with pytest.raises(CommandError, match=f"{idle[0]} is not for --rotate, which changes the secret only"):
        addfeed("genius", "--rotate", *idle)
    assert Feed.objects.get().secret_hashes == [secret_hash(SECRET)]
