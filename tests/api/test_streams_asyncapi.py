"""The document of the streams leads from each channel to its messages and their schemas; frames are held to it by tests/live."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from markets.api.streams_asyncapi import document

SCHEMAS: dict[str, Any] = document()["components"]["schemas"]


def resolved(reference: str) -> Any:
    found: Any = document()
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_it_is_served_to_everybody() -> None:
    answer = Client().get("/api/asyncapi.json")
    assert answer.status_code == 200
    assert answer.json() == document()
    assert Client().post("/api/asyncapi.json").status_code == 405


@pytest.mark.parametrize("channel", ["updates", "overrides", "dashboardUpdates", "dashboardOverrides", "sport"])
def test_every_message_of_a_channel_leads_to_its_schema(channel: str) -> None:
    messages = document()["channels"][channel]["messages"]
    assert messages
    for name, reference in messages.items():
        message = resolved(reference["$ref"])
        schema = resolved(message["payload"]["$ref"])
        assert schema["properties"]["type"]["enum" if "enum" in schema["properties"]["type"] else "const"] in (
            [message["name"]],
            message["name"],
        )
        assert name in SCHEMAS
    assert "snapshot" in {resolved(r["$ref"])["name"] for r in messages.values()}
