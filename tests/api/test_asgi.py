"""The same door as Daphne opens it: ASGI, with every middleware."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async
from httpx import ASGITransport, AsyncClient

from tests.api.conftest import HOME, make
from tradingdesk.routing import application


@pytest.mark.django_db(transaction=True)
async def test_it_serves_and_takes_overrides_through_asgi() -> None:
    shop = await sync_to_async(make)()
    await sync_to_async(shop.fixture)()
    headers = {"Authorization": f"Bearer {shop.owner.token}"}
    async with AsyncClient(transport=ASGITransport(application), base_url="http://localhost", headers=headers) as client:
        patched = await client.patch(shop.path("full-time"), json={"oddKey": HOME, "oddValue": 2.1, "durationSeconds": 60})
        served = await client.get(shop.path())
    assert (patched.status_code, patched.json()["version"]) == (200, 1)
    assert served.json()["odds"]["fullTime"]["match-result"]["runner-1"]["value"] == 2.1
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
