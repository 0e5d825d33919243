"""The streams in machine-readable form: AsyncAPI 3.0, made from the very structs that are sent. Served at ``/api/asyncapi.json``.

What stands inside the frames as REST has it, prices for instance, is described by the shapes of REST.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Schema

from markets import http

from . import schemas as rest
from .streams_frames import Beat, Gone, OverrideBeat, OverrideSnapshot, OverrideUpdate, Snapshot, SportBeat, Suspend, Update

Json = dict[str, Any]
_PARAMETERS = {
    "bookmakerId": {"description": "The bookmaker's UUID."},
    "sport": {"description": "A slug, like table-tennis."},
    "matchId": {"description": "An integer that never changes."},
}
_UPDATES = (Snapshot, Update, Suspend, Beat, Gone)
_OVERRIDES = (OverrideSnapshot, OverrideUpdate, OverrideBeat, Gone)
_DASHBOARD = "The same as `{}`, for the dashboard: by SSE only, and for a signed-in session too."
_CHANNELS: dict[str, tuple[str, str, tuple[type[msgspec.Struct], ...]]] = {
    "updates": ("/live/{bookmakerId}/{sport}/{matchId}/updates", "Prices and markets of one match.", _UPDATES),
    "overrides": ("/live/{bookmakerId}/{sport}/{matchId}/overrides", "Overrides and holds of one match.", _OVERRIDES),
    "dashboardUpdates": ("/bookmaker/{bookmakerId}/{sport}/{matchId}/updates", _DASHBOARD.format("updates"), _UPDATES),
    "dashboardOverrides": ("/bookmaker/{bookmakerId}/{sport}/{matchId}/overrides", _DASHBOARD.format("overrides"), _OVERRIDES),
    "sport": (
        "/live/{bookmakerId}/{sport}",
        "All live matches of a sport: the frames of `updates`, each match with a count of its own, and one beat for all.",
        (Snapshot, Update, Suspend, SportBeat, Gone),
    ),
}


@http.reading
def view(request: HttpRequest) -> HttpResponse:
    """Public, like the document of REST: it says nothing of anybody."""
    return http.answer(request, document())


@cache
def document() -> Json:
    """The whole of it; it differs with the version of the desk only."""
    kinds = list(dict.fromkeys(kind for _, _, frames in _CHANNELS.values() for kind in frames))
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Streams of Tradingdesk for bookmakers",
            "version": "1",
            "description": (
                "WebSocket and SSE on the same paths, with the same JSON. SSE has no event line; its id is the frame's seq. "
                "Not renewed within validForMs means suspended. Close codes: 4401 no valid key (any more), 4403 the page's origin is not "
                "listed or the key has not the scope odds, 4404 unknown or another's, 4408 too slow, 4429 too many, 4503 come again."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(address, words, frames) for name, (address, words, frames) in _CHANNELS.items()},
        "operations": {f"tell-{name}": _operation(name, address) for name, (address, _, _) in _CHANNELS.items()},
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in kinds},
            "schemas": {**schemas, **_of_rest(rest.Price, rest.Market, rest.OverrideEntry)},
            "securitySchemes": {
                "token": {"type": "httpApiKey", "name": "token", "in": "query"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "httpApiKey", "name": settings.SESSION_COOKIE_NAME, "in": "cookie"},
            },
        },
    }


def _of_rest(*shapes: type[Schema]) -> Json:
    """By name, with the shapes that they are made of."""
    found: Json = {}
    for shape in shapes:
        whole = shape.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
        found |= whole.pop("$defs", {})
        found[shape.__name__] = whole
    return found


def _operation(name: str, address: str) -> Json:
    schemes = ("bearer", "session" if address.startswith("/bookmaker/") else "token")
    security = [{"$ref": f"#/components/securitySchemes/{scheme}"} for scheme in schemes]
    return {"action": "send", "channel": {"$ref": f"#/channels/{name}"}, "security": security}


def _channel(address: str, words: str, frames: tuple[type[msgspec.Struct], ...]) -> Json:
    return {
        "address": address,
        "description": words,
        "parameters": {name: text for name, text in _PARAMETERS.items() if f"{{{name}}}" in address},
        "messages": {kind.__name__: {"$ref": f"#/components/messages/{kind.__name__}"} for kind in frames},
    }


def _message(kind: type[msgspec.Struct]) -> Json:
    return {
        "name": str(kind.__struct_config__.tag),
        "summary": (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " "),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }
