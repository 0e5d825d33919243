"""Text that people and programs send: what the store of either mode can keep."""

from __future__ import annotations

REASON_LENGTH = 300


def problem(text: str, longest: int = REASON_LENGTH) -> str:
    """Why ``text`` cannot be kept, in words; empty when it can. PostgreSQL keeps no NUL, so neither mode takes one (promise F3)."""
    if len(text) > longest:
        return f"at most {longest} characters"
    return "must not contain the character NUL" if "\0" in text else ""
