"""Which addresses we connect to: TLS everywhere, plain text only to this machine."""

from __future__ import annotations

import ipaddress
import ssl
from functools import cache
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx

from feeds.errors import Hopeless

_STREAMS = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_PAGES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_PLAIN = frozenset({"http", "ws"})


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base(host: str) -> str:
    """What an operator calls a host (``api.example.com``, ``https://api.example.com/base``) as an ``http(s)`` URL without its last slash.

    Without a scheme it is ``https``, and ``http`` on this machine. Raises :class:`Hopeless` with words for an address that is none, that
    carries a credential, a query or a fragment, or that is plain text and beyond this machine.
    """
    parts = _split(host if "://" in host else f"//{host}")
    scheme = parts.scheme or ("http" if is_loopback(parts.hostname or "") else "https")
    if scheme not in _PAGES:
        raise Hopeless(f"there is no scheme {scheme}:// for a feed: https://")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise Hopeless("a host has no credential, query or fragment in it")
    url = urlunsplit((_PAGES[scheme], parts.netloc, parts.path.rstrip("/"), "", ""))
    return checked(url)


def stream(url: str) -> str:
    """An ``http(s)`` URL as the websocket URL of the same place."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(scheme=_STREAMS[parts.scheme]))


def checked(url: str) -> str:
    """``url`` itself. Raises :class:`Hopeless` where it is plain text and leaves this machine, or is no URL."""
    parts = _split(url)
    if parts.scheme in _PLAIN and not is_loopback(parts.hostname or ""):
        raise Hopeless(f"in plain text only this machine is reached, not {parts.hostname}")
    return url


def host_of(url: str) -> str:
    """The host's name alone: what may be told of an address that carries a token."""
    return urlsplit(url).hostname or ""


@cache
def tls() -> ssl.SSLContext:
    """Certificates and host names are verified, always; ``SSL_CERT_FILE`` may name a house's own authorities.

    Made once: reading the authorities takes as long as many packets.
    """
    return httpx.create_ssl_context(trust_env=True)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        known = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or any(c.isspace() for c in url):
        raise Hopeless("this is no address of a host")
    return parts
