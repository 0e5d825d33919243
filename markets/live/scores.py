"""A scoreboard in one short line, as the board shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def score_text(scoreboard: Mapping[str, Any]) -> str:
    """``1-0 63'``, ``44-39 Q3``, ``1-1 half time``; empty without a scoreboard.

    Keys as the feeds make them: ``home``, ``away``, ``minute``, ``periods`` [{``name``, ``home``, ``away``}], ``phase``.
    """
    if not scoreboard:
        return ""
    home, away = scoreboard.get("home"), scoreboard.get("away")
    score = "" if home is None and away is None else f"{_number(home)}-{_number(away)}"
    return f"{score} {_when(scoreboard)}".strip()


def _when(scoreboard: Mapping[str, Any]) -> str:
    """The minute, else the period that is played, else the phase in words."""
    if scoreboard.get("minute") is not None:
        return f"{scoreboard['minute']}'"
    played = [p["name"] for p in scoreboard.get("periods", ()) if p.get("home") is not None or p.get("away") is not None]
    return str(played[-1]) if played else phase_words(str(scoreboard.get("phase") or ""))


def phase_words(phase: str) -> str:
    """``SecondHalf`` → ``second half``."""
    return _WORDS.sub(" ", phase).lower()


def _number(value: Any) -> str:
    return "–" if value is None else str(value)
