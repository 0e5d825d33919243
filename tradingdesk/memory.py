"""Memory of a long-lived process: what it loaded at its start is never looked through again; what a large message took goes back."""

from __future__ import annotations

import ctypes
import gc

_NEW_OBJECTS = 5_000
_M_MMAP_THRESHOLD = -3
_LARGE = 256 * 1024


def settle() -> None:
    """Call once everything is loaded: a full collection would otherwise stop an acknowledgement for a tenth of a second (measured)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
    _give_large_blocks_back()


def _give_large_blocks_back() -> None:
    """glibc stops returning blocks of a size that was freed once; a worker then peaks 25 MB higher (measured, promise E4)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
