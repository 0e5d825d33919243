"""Long-lived database connections of our own threads, and which errors of theirs pass by themselves."""

from __future__ import annotations

import sqlite3
import threading

from django.db import Error, InterfaceError, OperationalError, connections

_PASSING_SQLSTATES = ("08", "25", "40", "53", "55", "57", "58")
"""Connection, transaction state, rollback (deadlock), resources, object in use, operator, system: the same work may succeed later."""
_PASSING_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    }
)


def own(using: str = "default", *, redone: bool = False) -> None:
    """Give the calling thread a connection outside the pool, kept until :func:`release`; its checkpoints are :mod:`feeds.checkpoint`'s.

    ``redone``: what it writes follows from what is stored and is done again when a power cut takes it back, so that its commits need not
    wait for the disk. The log keeps their order: an acknowledgement or a command that came later carries them there.
    """
    shared = connections[using]
    options = {key: value for key, value in shared.settings_dict["OPTIONS"].items() if key != "pool"}
    if shared.vendor == "postgresql" and redone:
        options["options"] = f"{options.get('options', '')} -c synchronous_commit=off".strip()
    if shared.vendor == "sqlite":
        pragmas = "PRAGMA wal_autocheckpoint=0;" + (" PRAGMA synchronous=NORMAL;" if redone else "")
        options["init_command"] = f"{options.get('init_command', '')} {pragmas}"
    shared.close()
    connections[using] = type(shared)({**shared.settings_dict, "OPTIONS": options, "CONN_MAX_AGE": None}, using)


_here = threading.local()


def own_once() -> None:
    """:func:`own` at the first call in a thread that drains; a worker's thread keeps its connection from task to task."""
    if not getattr(_here, "owns", False):
        own(redone=True)
        _here.owns = True


def release(using: str = "default") -> None:
    """Close the calling thread's connection; the next use opens it again."""
    connections[using].close()


def passes(error: BaseException) -> bool:
    """Whether a database error says nothing about the row at hand: the work is tried again, nothing is quarantined."""
    if not isinstance(error, Error):
        return False
    cause = error.__cause__
    if state := getattr(cause, "sqlstate", None):
        return str(state)[:2] in _PASSING_SQLSTATES
    if code := getattr(cause, "sqlite_errorcode", None):
        return (code & 0xFF) in _PASSING_SQLITE
    return isinstance(error, OperationalError | InterfaceError)
