"""Every page that a person can reach by following what pages offer, as a browser would."""

from __future__ import annotations

import re
from collections import Counter, deque
from urllib.parse import urljoin, urlsplit

import httpx

_LINK = re.compile(r"""(?:href|src|hx-get|data-url)=["']([^"'#]+)["']""")
_NUMBER = re.compile(r"\d+|[0-9a-f-]{36}")
_ALIKE = 3  # pages of one form that are looked at
_STATIC = ("/static/", "/admin/jsi18n")
START = ("/", "/feeds", "/audit", "/audit.csv", "/account", "/board/aside", "/board/extras", "/feeds/cards", "/admin/", "/sign-in")


def crawl(http: httpx.Client, start: tuple[str, ...] = START, most: int = 150) -> dict[str, httpx.Response]:
    """Path with query → answer. Of pages that differ in numbers only a few are fetched; signing out is left out."""
    found: dict[str, httpx.Response] = {}
    forms: Counter[str] = Counter()
    waiting = deque(start)
    while waiting and len(found) < most:
        path = waiting.popleft()
        form = _NUMBER.sub("#", path)
        if path in found or forms[form] >= _ALIKE or "sign-out" in path or "logout" in path or path.startswith(_STATIC):
            continue
        forms[form] += 1
        found[path] = answer = http.get(path)
        waiting.extend(_links(path, answer))
    return found


def _links(path: str, answer: httpx.Response) -> list[str]:
    if "text/html" not in answer.headers.get("content-type", ""):
        return [answer.headers["location"]] if answer.headers.get("location", "").startswith("/") else []
    links = (urlsplit(urljoin(path, link.replace("&amp;", "&"))) for link in _LINK.findall(answer.text))
    return [f"{link.path}?{link.query}" if link.query else link.path for link in links if not link.netloc and link.path.startswith("/")]
