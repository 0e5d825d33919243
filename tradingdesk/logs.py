"""No secret in a log line (promise E7)."""

from __future__ import annotations

import logging
import re

from feeds.senders import SHORTEST_SECRET

_SECRETS = re.compile(r"(?i)(token=|authtoken\\?[\"']\s*:\s*\\?[\"']|authorization: *(?:basic|bearer) +|desk_[a-z0-9]{4,16}_)[^\s&\"'<>]+")
# What stands beneath the feeds' door, up to the end of a path or line; a secret may have been typed there as a segment.
_BENEATH_DOOR = re.compile(r"(/feeds/updategram/)([^\s\"]+)")
_CALLS = ("ProcessMessage", "Heartbeat")


def hide(text: str) -> str:
    """``text`` with tokens, authorisation values and API keys struck out."""
    return _BENEATH_DOOR.sub(lambda found: found[1] + _hide_segments(found[2]), _SECRETS.sub(r"\1***", text))


def _hide_segments(path: str) -> str:
    """Only a slug too short to be a secret, and the two calls, are told."""
    slug, *rest = path.split("/")
    told = slug if len(slug) < SHORTEST_SECRET else "***"
    if not rest or rest == [""]:
        return "/".join([told, *rest])
    call, *beyond = rest
    return "/".join([told, call if call in _CALLS else "***", *(["***"] if any(beyond) else beyond)])


class HideSecrets(logging.Filter):
    """Rewrites a record before any handler formats it; exceptions included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = hide(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = hide(record.exc_text)
        return True
