"""What we serve, described: the OpenAPI document and a page that shows it, without anything from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from markets import http

from .base import api
from .public import SLUGS

_BEARER = {"type": "http", "scheme": "bearer", "description": "An API key: desk_…"}
_TOKEN = {"type": "apiKey", "in": "query", "name": "token", "description": "The same key, where no header can be sent."}
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
            operation["tags"] = ["bookmaker" if own else "public"]
            _name_sports(operation["parameters"], seeded_only=not own)
    return found


def _name_sports(parameters: list[dict[str, Any]], *, seeded_only: bool) -> None:
    for one in parameters:
        if one["in"] == "path" and one["name"] == "sport":
            one["schema"] |= {"enum": list(SLUGS)} if seeded_only else {"examples": ["table-tennis"]}


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """The document, for anybody: it tells of no bookmaker."""
    return http.answer(request, document())


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The document as a page."""
    return render(request, "api/docs.html")
