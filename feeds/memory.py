"""Memory that was needed for a large message is given back at once (promise E4).

glibc keeps what a thread has freed for that thread. Both threads that drain lanes would keep what the largest message ever took, and the
next one would come on top.
"""

from __future__ import annotations

import ctypes

LARGE = 1_000_000
"""Bytes of a message from which on asking is worth its milliseconds."""
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Takes some milliseconds; does nothing where the C library is another one."""
    if _trim is not None:
        _trim(0)
