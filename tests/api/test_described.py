"""Every address of the contract stands in a document: REST in OpenAPI, streams in AsyncAPI; and nothing stands there that is not served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from markets.api import docs, streams, streams_asyncapi
from markets.api.streams_topics import Kind

PAGES = "markets.desk.urls"
"""What people are shown; no machine is promised anything of it."""
DOCUMENTS = {"api/docs", "api/openapi.json", "bookmaker/openapi.json", "api/asyncapi.json"}
NOWHERE = {"bookmaker/", "bookmaker(?:/.*)?"}
"""They answer 404 to whatever else is asked beneath them."""
CHANNELS: dict[str, Any] = streams_asyncapi.document()["channels"]
FILLED = {"bookmakerId": "11111111-2222-4333-8444-555555555555", "sport": "table-tennis", "matchId": "7"}


def routes() -> set[str]:
    """As they stand in the URL configuration, but for pages and the admin."""
    return set(_routes("", get_resolver().url_patterns))


def _routes(before: str, patterns: list[Any]) -> Iterator[str]:
    for one in patterns:
        route = before + str(one.pattern).strip("^$")
        if isinstance(one, URLPattern):
            yield route
        elif isinstance(one, URLResolver) and one.namespace != "admin" and getattr(one.urlconf_name, "__name__", "") != PAGES:
            yield from _routes(route, one.url_patterns)


def described(route: str) -> str:
    """``<seeded:sport>-classes`` → ``/{sport}-classes``, as the document writes it."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def rest() -> dict[str, Any]:
    """Path → its operations by method."""
    found: dict[str, Any] = docs.document()["paths"]
    return found


def test_every_address_of_rest_is_described_and_none_else_is() -> None:
    assert {described(route) for route in routes() - DOCUMENTS - NOWHERE} == rest().keys()
    assert routes() >= DOCUMENTS | NOWHERE, "an address that there is no longer"


def test_the_document_says_which_methods_an_address_takes() -> None:
    commands = {path: set(operations) for path, operations in rest().items() if set(operations) != {"get"}}
    assert commands == {"/bookmaker/{bookmaker_id}/{sport}/{match_id}/{odd_type}": {"patch", "delete"}}


@pytest.mark.parametrize("name", list(CHANNELS))
def test_every_channel_is_a_door_of_the_streams(name: str) -> None:
    path = CHANNELS[name]["address"].format(**FILLED)
    assert streams.matches({"type": "http", "method": "GET", "path": path})
    assert streams.matches({"type": "websocket", "path": path}) == path.startswith("/live/")


def test_every_door_of_the_streams_is_a_channel() -> None:
    match = "{bookmakerId}/{sport}/{matchId}"
    doors = {f"/{door}/{match}/{kind}" for door in ("live", "bookmaker") for kind in Kind} | {"/live/{bookmakerId}/{sport}"}
    assert {channel["address"] for channel in CHANNELS.values()} == doors
