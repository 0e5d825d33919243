"""Replay: the raw log into an empty desk gives the same feed hash (B6)."""

from __future__ import annotations

import random
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from feeds import accounting, quarantine
from feeds.models import Feed, Frame, MessageGuid, OutcomeCount, ReceivedCount
from markets.models import AuditRecord, Fixture, Gap, MarketType, Source
from markets.services import factstore, ingest
from tests.feeds import frames
from tests.services.world import STAFF

pytestmark = pytest.mark.django_db


def history(seed: int) -> list[bytes]:
    """Orders swapped, repeats, conflicts and broken ones, for five fixtures."""
    chance = random.Random(seed)
    bodies = [
        frames.market_set(n % 5, f"1.{chance.randint(10, 99)}", message=frames.guid((seed, n)), order=n, market=n % 3) for n in range(60)
    ]
    for n in range(0, 50, 10):
        bodies[n], bodies[n + 1] = bodies[n + 1], bodies[n]
    bodies += [bodies[7], frames.market_set(1, "5.55", message=frames.guid((seed, 3))), frames.broken(2), b"nothing"]
    chance.shuffle(bodies[40:])
    return bodies


def wipe() -> None:
    for model in (Gap, Frame, MessageGuid, OutcomeCount, ReceivedCount, AuditRecord, Fixture, Feed, Source, MarketType):
        model._default_manager.all().delete()
    factstore.CACHE.clear()


def outcomes() -> list[str]:
    return sorted(str(one) for one in Frame.objects.values_list("outcome", flat=True))


@pytest.mark.parametrize("seed", range(3))
def test_b6_replaying_the_raw_log_gives_the_same_feed_hash(tmp_path: Path, seed: int) -> None:
    source = frames.feed()
    for n, body in enumerate(history(seed)):
        frames.keep(source, body)
        if n % 7 == 0:
            frames.drain_all()
    frames.drain_all()
    before, given = ingest.feed_hash(source.pk), outcomes()
    call_command("replay", tmp_path / "log.gz", "--export", stdout=StringIO())
    wipe()
    out = StringIO()
    call_command("replay", tmp_path / "log.gz", stdout=out)
    assert f"genius: feed hash {before}" in out.getvalue()
    assert outcomes() == given
    (entry,) = accounting.accounting()
    assert entry["received"] == len(given) == sum(entry[name] for name in ("applied", "superseded", "duplicate", "quarantined"))


def test_b6_a_message_that_was_retried_is_replayed_where_it_took_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = frames.feed()
    apply = ingest.apply
    with monkeypatch.context() as faulty:
        faulty.setattr(ingest, "apply", lambda *_: 1 / 0)
        (late,) = frames.send(source, frames.market_set(100, "1.50"))
    assert ingest.apply is apply
    frames.send(source, frames.market_set(100, "1.60"))
    quarantine.retry(late.pk, STAFF)
    before = ingest.feed_hash(source.pk)
    call_command("replay", tmp_path / "log.gz", "--export", stdout=StringIO())
    wipe()
    out = StringIO()
    call_command("replay", tmp_path / "log.gz", stdout=out)
    assert before in out.getvalue()


def test_it_refuses_to_replay_into_a_desk_that_is_not_empty(tmp_path: Path) -> None:
    frames.send(frames.feed(), frames.market_set(1))
    call_command("replay", tmp_path / "log.gz", "--export", stdout=StringIO())
    with pytest.raises(CommandError, match="genius"):
        call_command("replay", tmp_path / "log.gz")


def test_it_refuses_what_is_no_raw_log(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else")
    with pytest.raises(CommandError, match="no raw log"):
        call_command("replay", tmp_path / "other")
