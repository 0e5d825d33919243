"""What we serve, described: the OpenAPI document and a page that shows it, without anything from elsewhere."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import Schema

from markets import http

from . import public, routes, schemas
from .base import api

ROUTES = (routes, public)
"""Modules whose routes are served and described; importing them registers their views."""
_BEARER = {"type": "http", "scheme": "bearer", "description": "An API key: desk_…"}
_TOKEN = {"type": "apiKey", "in": "query", "name": "token", "description": "The same key, where no header can be sent."}
_TAGS = {"/bookmaker/": "bookmaker", "/feeds/": "operators", "/healthz": "probes", "/readyz": "probes"}
_SESSION = {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "The signed-in person of the desk."}


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    found: dict[str, Any] = api.get_openapi_schema(path_prefix="")
    found["components"]["securitySchemes"] = {"key": _BEARER, "token": _TOKEN, "session": _SESSION}
    for path, operations in found["paths"].items():
        own = path.startswith("/bookmaker/")
        for operation in operations.values():
            operation["security"] = [{"key": []}, {"session" if own else "token": []}]
            _name_sports(operation["parameters"], seeded_only=not own)
    found["paths"] |= {path: {"get": _plain(path, *told)} for path, told in _BESIDE.items()}
    found["components"]["schemas"] |= {shape.__name__: shape.model_json_schema() for shape in (schemas.Books, schemas.Kept, schemas.Probe)}
    for path, operations in found["paths"].items():
        for operation in operations.values():
            operation["tags"] = [next((tag for start, tag in _TAGS.items() if path.startswith(start)), "public")]
    return found


_OPERATORS = (200, 401, 403, 404, 429, 503)
_BESIDE: dict[str, tuple[str, type[Schema], tuple[int, ...]]] = {
    "/feeds/accounting": ("The books of every feed; staff, or a key with scope ops", schemas.Books, _OPERATORS),
    "/feeds/messages/{slug}/{guid}": ("What became of each kept frame of a message; the same callers", schemas.Kept, _OPERATORS),
    "/healthz": ("The process answers", schemas.Probe, (200,)),
    "/readyz": ("The process may be given work; else the problems in words", schemas.Probe, (200, 503)),
}
"""What is no view of the library's: an answer of the operators is a list of the shape, of a probe the shape itself, whatever its status."""


def _plain(path: str, words: str, shape: type[Schema], statuses: tuple[int, ...]) -> dict[str, Any]:
    """One operation, as the library would describe it."""
    probe = shape is schemas.Probe
    named = {"$ref": f"#/components/schemas/{shape.__name__}"}
    good = named if probe else {"type": "array", "items": named}
    bad = named if probe else {"$ref": "#/components/schemas/Error"}
    answers = {str(s): {"description": HTTPStatus(s).phrase, "content": _json(good if s == 200 else bad)} for s in statuses}
    text = {"in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,60}$"}}
    parameters = [{**text, "name": name} for name in re.findall(r"{(\w+)}", path)]
    security: list[dict[str, list[str]]] = [] if probe else [{"key": []}, {"session": []}]
    operation_id = path.strip("/").split("{")[0].strip("/").replace("/", "_")
    return {"operationId": operation_id, "summary": words, "parameters": parameters, "responses": answers, "security": security}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _name_sports(parameters: list[dict[str, Any]], *, seeded_only: bool) -> None:
    for one in parameters:
        if one["in"] == "path" and one["name"] == "sport":
            one["schema"] |= {"enum": list(public.SLUGS)} if seeded_only else {"examples": ["table-tennis"]}


@http.reading
def openapi(request: HttpRequest) -> HttpResponse:
    """The document, for anybody: it tells of no bookmaker."""
    return http.answer(request, document())


@http.reading
def page(request: HttpRequest) -> HttpResponse:
    """The document as a page."""
    return render(request, "api/docs.html")
