"""The probes: alive, and ready only when prices can be served."""

from __future__ import annotations

import asyncio

import pytest
from django.test import AsyncClient, Client
from pytest_django.fixtures import Settings

from markets.live import hub
from markets.selectors import health
from tests.cluster import free_port


def test_it_is_alive_without_asking_anybody() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


@pytest.mark.django_db
def test_it_is_not_ready_without_a_hub() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["the hub is not running"]


@pytest.mark.django_db
def test_a10_it_is_not_ready_while_the_backlog_is_unknown() -> None:
    health.register_backlog_reader(None)
    assert "the backlog of the feeds cannot be read" in Client().get("/readyz").json()["problems"]


@pytest.mark.django_db
def test_f4_redis_that_does_not_answer_is_named_and_is_no_reason_to_be_given_no_work(settings: Settings) -> None:
    before = Client().get("/readyz").json()
    settings.DESK_SCALED, settings.REDIS_URL = True, f"redis://127.0.0.1:{free_port()}"
    now = Client().get("/readyz").json()
    assert now["problems"] == before["problems"]
    assert [words.split(":")[0] for words in now["degraded"]] == ["Redis does not answer"]


@pytest.mark.django_db(transaction=True, databases=["default", "read"])
async def test_it_is_ready_while_the_hub_runs() -> None:
    started = hub.start(asyncio.get_running_loop())
    try:
        async with asyncio.timeout(5):
            while not started.alive:  # noqa: ASYNC110 -- the hub tells nobody
                await asyncio.sleep(0.02)
        answer = await AsyncClient().get("/readyz")
    finally:
        await asyncio.to_thread(hub.stop)
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "problems": [], "degraded": []})
