"""Our overrides at the provider: off by default, sent by PATCH, ended with ours, tried again, audited, and never in a trader's way (O3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from feeds.models import SentOverride
from feeds.odds360.simulation.contest import Contest, Status
from feeds.odds360.simulation.faults import Fault
from feeds.odds360.simulation.stream import Pace
from feeds.odds360.simulator import BOOKMAKER, Odds360Simulator
from markets.domain.values import OverrideKind
from markets.models import AuditRecord, Selection
from markets.services import overrides
from tests.feeds.odds360 import following as f
from tests.live.listening import bookmaker
from tests.services.world import STAFF

pytestmark = pytest.mark.django_db(transaction=True)
D = Decimal


class Scene:
    """A still match, followed, with its prices in the store; a bookmaker of this desk, and what the provider has of its overrides."""

    def __init__(self, provider: Odds360Simulator, ours: UUID) -> None:
        self.provider, self.ours = provider, ours
        self.contest: Contest = next(provider.roster.all(Status.LIVE))

    @property
    def path(self) -> str:
        return f"/bookmaker/{BOOKMAKER}/table-tennis/{self.contest.card.id}/"

    def upstream(self) -> dict[str, float | None]:
        return {entry.odd_key: entry.value for entry in self.contest.ledger.entries()}

    async def sent(self, value: float | None) -> None:
        """Once the provider has this and nothing else."""
        await f.until(lambda: list(self.upstream().values()) == ([] if value is None else [value]), 15)

    async def put(self, value: str, seconds: int = 300, kind: OverrideKind = OverrideKind.PRICE) -> int:
        return await f.ask(lambda: self._put(value, seconds, kind))

    def _put(self, value: str, seconds: int, kind: OverrideKind) -> int:
        selection = _selection()
        wish: dict[str, Any] = {"kind": kind, "value": D(value), "seconds": seconds, "reason": "by hand", "confirmed": True}
        return overrides.set_override(STAFF, self.ours, selection.pk, **wish).id

    async def cancel(self) -> None:
        await f.ask(lambda: overrides.cancel(STAFF, self.ours, _selection().pk))


def _selection() -> Selection:
    return Selection.objects.filter(price__isnull=False).order_by("pk")[0]


def _price(factor: str) -> str:
    return str(((_selection().price or D(2)) * D(factor)).quantize(D("0.01")))


def provider_at_rest() -> Odds360Simulator:
    return f.play(matches=1, upcoming=0, speed=0.02, pace=Pace(beat=0.3, drift=600.0, retry=1.0))


async def ready(provider: Odds360Simulator, **settings: Any) -> Scene:
    """With the feed stored; its prices come as the runner runs."""
    ours = await f.ask(lambda: bookmaker("Ours", "table-tennis").pk)
    sending = {"send_overrides": True, "overrides_of": str(ours)}
    await f.ask(lambda: f.add(provider, **{**sending, **settings}))
    return Scene(provider, ours)


async def priced() -> None:
    await f.until(_priced, 15)


def _priced() -> bool:
    f.work()
    return Selection.objects.filter(price__isnull=False).exists()


def actions() -> list[str]:
    return list(AuditRecord.objects.filter(action__endswith="upstream").order_by("id").values_list("action", flat=True))


async def test_o3_nothing_is_sent_unless_the_feed_says_so() -> None:
    provider = provider_at_rest()
    async with provider.serving():
        scene = await ready(provider, send_overrides=False, overrides_of="")
        async with f.running():
            await priced()
            await scene.put(await f.ask(lambda: _price("1.01")))
            ref = str(scene.contest.card.id)
            line = await f.until(lambda: f.line(ref), 15)
            await f.until(lambda: f.shown(ref).rereads > line.rereads, 15)
            assert scene.upstream() == {}
            assert not await f.ask(SentOverride.objects.exists)


async def test_o3_an_override_is_sent_with_the_providers_own_keys_changed_with_ours_and_ended_with_it() -> None:
    provider = provider_at_rest()
    async with provider.serving():
        scene = await ready(provider)
        async with f.running():
            await priced()
            one, other = await f.ask(lambda: (_price("1.01"), _price("1.02")))
            await scene.put(one)
            await scene.sent(float(one))
            (key,) = scene.upstream()
            assert scene.contest.book.find(key)
            await scene.put(other)
            await scene.sent(float(other))
            await f.ask(lambda: overrides.extend(STAFF, scene.ours, _selection().pk, 600))
            await f.until(lambda: actions().count("override sent upstream") == 3, 15)
            await scene.cancel()
            await scene.sent(None)
            await f.until(lambda: actions()[-1:] == ["override ended upstream"], 10)
            states = await f.ask(lambda: set(SentOverride.objects.values_list("state", flat=True)))
            assert states == {SentOverride.ENDED}


async def test_e1_nothing_is_sent_where_another_bookmaker_would_read_it_back_as_the_feeds_price() -> None:
    provider = provider_at_rest()
    async with provider.serving():
        scene = await ready(provider)
        await f.ask(lambda: bookmaker("Theirs", "table-tennis").pk)
        async with f.running():
            await priced()
            await scene.put(await f.ask(lambda: _price("1.01")))
            await f.until(lambda: actions() == ["override refused upstream"], 15)
            told = await f.ask(lambda: AuditRecord.objects.get(action="override refused upstream"))
            assert "another bookmaker" in told.reason
            assert told.bookmaker_id == scene.ours
            assert scene.upstream() == {}


async def test_o3_what_fails_is_tried_again_and_what_cannot_be_sent_is_given_up_and_told() -> None:
    provider = provider_at_rest()
    async with provider.serving():
        scene = await ready(provider)
        async with f.running():
            await priced()
            for fault in (Fault.ERROR, Fault.CUT):
                provider.orders.add(fault, f"{scene.path}full-time")
                provider.orders.add(fault, f"{scene.path}set-time")
            value = await f.ask(lambda: _price("1.01"))
            await scene.put(value)
            await scene.sent(float(value))
            await f.until(lambda: actions() == ["override refused upstream", "override sent upstream"], 10)
            await scene.cancel()
            await scene.sent(None)
            await scene.put("0.05", kind=OverrideKind.OFFSET)
            await f.until(lambda: SentOverride.objects.filter(state=SentOverride.GIVEN_UP, words__contains="cannot be sent").exists(), 15)
            assert scene.upstream() == {}
