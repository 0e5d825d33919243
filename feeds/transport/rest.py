"""Requests with a Bearer token over verified TLS: no redirects, proxies or cookies, no body beyond its limit, and none that is packed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar
from typing import Any

import httpx
from msgspec import Struct

from feeds.errors import Gone, Hopeless, Refused, Retryable, Throttled

from . import address
from .limits import Limits

MOST_BYTES = 4 * 1024 * 1024
LONGEST_PAUSE = 300.0
"""Seconds: no ``Retry-After`` keeps us away for longer, where a feed's settings name no other time."""
THROTTLED_PAUSE = 5.0
"""Seconds after a 429 that does not say for how long."""
MOST_AT_ONCE = 50
"""Requests of a client that are under way; more wait for their turn. httpx walks over all of its requests and connections for each one."""
_PASSING = frozenset({408, 425})
_MISSING = frozenset({404, 410})
_GOOD = frozenset({200, 201, 202, 204})

for _name in ("httpx", "httpcore"):  # they would tell of every request, with its headers at DEBUG
    logging.getLogger(_name).setLevel(logging.WARNING)


class Answer(Struct, frozen=True):
    """A whole answer that is a success: empty ``body`` for 204."""

    body: bytes
    content_type: str = ""


class _NoCookies(CookieJar):
    """Takes none: who grants access by a Bearer token needs no memory of ours, which a provider could fill without end."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """They are not even read."""


def http_client(timeout: httpx.Timeout | float, limits: httpx.Limits | None = None) -> httpx.AsyncClient:
    """Of which all requests to providers are made; ``timeout`` in seconds. Packed answers are not asked for: a few bytes could become
    gigabytes before anybody could count them.
    """
    return httpx.AsyncClient(
        verify=address.tls(),
        timeout=timeout,
        limits=limits or httpx.Limits(max_connections=100, max_keepalive_connections=20),
        cookies=_NoCookies(),
        headers={"Accept-Encoding": "identity"},
        trust_env=False,
        follow_redirects=False,
    )


class Client:
    """One provider's REST side. ``close`` once; every error is a :class:`feeds.errors.Trouble`, whose words hold no header.

    ``seconds``: without a byte an answer has failed; ``whole``: and so has one that is not there by then. ``limits``: how often each
    host is asked; who answers 429 is left alone for as long as it says, but no longer than ``longest_pause`` seconds.
    """

    def __init__(
        self, *, seconds: float, whole: float | None = None, limits: Limits | None = None, longest_pause: float = LONGEST_PAUSE
    ) -> None:
        kept = httpx.Limits(max_connections=MOST_AT_ONCE, max_keepalive_connections=MOST_AT_ONCE)
        self._http = http_client(seconds, kept)
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._whole = whole
        self._limits = limits
        self._longest_pause = longest_pause

    async def get(self, url: str, headers: Mapping[str, str]) -> bytes:
        """The whole body; empty for 204."""
        return (await self.ask("GET", url, headers)).body

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The whole answer."""
        host = address.host_of(address.checked(url))
        if self._limits is not None:
            await self._limits.of(url).turn()
        try:
            with troubles(host):
                async with asyncio.timeout(self._whole), self._places:
                    return await self._ask(self._http.build_request(method, url, headers=dict(headers), content=body or None), host)
        except Throttled as throttled:
            if self._limits is not None:
                self._limits.of(url).pause(throttled.seconds)
            raise

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, request: httpx.Request, host: str) -> Answer:
        answer = await self._http.send(request, stream=True)
        try:
            if answer.status_code not in _GOOD:
                raise judge(answer.status_code, host, answer.headers.get("Retry-After"), self._longest_pause)
            refuse_packed(answer, host)
            return Answer(await _whole(answer), answer.headers.get("Content-Type", ""))
        finally:
            await answer.aclose()


def judge(status: int, host: str, retry_after: str | None = None, longest_pause: float = LONGEST_PAUSE) -> Exception:
    """What an answer other than success says of the next attempt; ``longest_pause`` in seconds."""
    words = f"{host} answers {status}"
    if status in (401, 403):
        return Refused(f"{host} refuses the token or this machine's address ({status})")
    if status == 429 or (status == 503 and retry_after):
        return Throttled(words, min(_pause(retry_after), longest_pause))
    if status in _PASSING or status >= 500:
        return Retryable(words)
    return Gone(words) if status in _MISSING else Hopeless(words)


def refuse_packed(answer: httpx.Response, host: str) -> None:
    """Raises ``Retryable`` for a body in any encoding but its own bytes (RFC 9110, 8.4)."""
    if answer.headers.get("Content-Encoding", "").strip().lower() not in ("", "identity"):
        raise Retryable(f"{host} answers in an encoding that nobody asked for")


def certificate_problem(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The failed verification that caused ``error``, if one did."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, ssl.SSLCertVerificationError):
        found = found.__cause__ or found.__context__
    return found


@contextmanager
def troubles(host: str) -> Iterator[None]:
    """Whatever fails within is a :class:`feeds.errors.Trouble`, whose words name nothing of the address but its host."""
    try:
        yield
    except TimeoutError:
        raise Retryable(f"{host} does not answer in time") from None
    except httpx.HTTPError as error:
        raise _trouble(error, host) from None
    except (httpx.InvalidURL, UnicodeError) as error:
        raise Hopeless(f"{host} cannot be asked: {type(error).__name__}") from None


def _trouble(error: httpx.HTTPError, host: str) -> Exception:
    """What a failed request says of the next attempt."""
    if bad := certificate_problem(error):
        return Hopeless(f"the certificate of {host} is not valid: {bad.verify_message}")
    if isinstance(error, httpx.TimeoutException):
        return Retryable(f"{host} does not answer in time")
    return Retryable(f"{host} cannot be reached: {type(error).__name__}")


def _pause(retry_after: str | None) -> float:
    """``Retry-After`` in seconds: a number of them, or a date (RFC 9110, 10.2.3); what is neither says nothing."""
    said = (retry_after or "").strip()
    if said.isdecimal():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
        aware = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max((aware - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, OverflowError):
        return THROTTLED_PAUSE


async def _whole(answer: httpx.Response) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > MOST_BYTES:
            raise Retryable(f"an answer is longer than {MOST_BYTES} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
