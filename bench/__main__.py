"""``make bench``: every figure beside its floor of the same run, one table. ``python -m bench NAME …`` runs some of them.

Machines are shared and noisy: read the ratios. Each group runs in a process of its own on a fresh database; what the scaled desk
does is measured on a temporary PostgreSQL and Redis.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figure import HEAD

EMBEDDED = (
    "parse",
    "apply",
    "ack",
    "sustained",
    "fanout",
    "streams",
    "end_to_end",
    "point",
    "drawn",
    "runner",
    "following",
    "memory",
    "rest",
)
SCALED = ("apply", "ack", "sustained", "point", "runner", "following")


def main(names: list[str]) -> int:
    if os.environ.get("BENCH_GROUP"):
        return _group(names[0])
    print(HEAD, flush=True)
    codes = [_run(name, [sys.executable]) for name in EMBEDDED if not names or name in names]
    codes += [_run(name, [sys.executable, "-m", "tests.cluster", sys.executable]) for name in SCALED if not names or name in names]
    return max(codes, default=0)


def _run(name: str, python: list[str]) -> int:
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "BENCH_GROUP": name, "DESK_DATA_DIR": home, "LOG_LEVEL": "ERROR"}
        return subprocess.run([*python, "-m", "bench", name], env=environment, check=False).returncode


def _group(name: str) -> int:
    """The figures of one group, in this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingdesk.settings")
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True, cwd=Path(__file__).resolve().parent.parent)
    import django

    django.setup()
    figures = importlib.import_module(f"bench.{name}").figures()
    for figure in figures:
        print(figure.line(), flush=True)
    return 0 if all(figure.reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
