"""The whole test suite: ``python -m tests.run``; with paths, what they name.

On SQLite as the embedded desk runs, and what touches a database again on real PostgreSQL and Redis. The long folders of both modes are
lanes of their own, a few of them at once, since tests wait most of the time; what is marked ``alone`` is run after them, by itself.
So is what failed beside others, when it is little: many tests hold the product to a time, and a busy machine is not the product. What
passes then is named at the end, since it may as well be a race; what fails twice has failed.
Missing Debian packages are installed when this user may; otherwise their suites are named at the end as not run.
With ``CI`` set nothing may be missing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from typing import IO

from msgspec import Struct

from tests import cluster

EMBEDDED = ("tests",)
SCALED = ("tests/selectors", "tests/services", "tests/feeds", "tests/live", "tests/api", "tests/promises", "tests/scaled", "tests/campaign")
LONG = (
    "tests/promises",
    "tests/browser",
    "tests/feeds/odds360",
    "tests/feeds/tennis",
    "tests/browser/test_points.py",
    "tests/feeds",
    "tests/live",
    "tests/promises/test_points.py",
)
"""Folders and files that are lanes of their own, the longest first; what a folder has lanes for is not in its own."""
AT_ONCE = 1 if {"TEST_DATABASE_URL", "TEST_REDIS_URL"} & os.environ.keys() else (os.cpu_count() or 1) + 2
"""Lanes; more than processors, since what is not ``alone`` mostly waits. They cannot share one store."""
TESTS_FAILED, NOTHING_COLLECTED = 1, 5
LOOKED_AT_AGAIN = 5
"""Failed tests of a lane that are run again by themselves; more are no accident."""
PACKAGES = {"postgresql": "scaled", "redis-server": "scaled", "chromium": "browser"}


def missing() -> list[str]:
    """Debian packages that the suites need and that are not here."""
    present = {
        "postgresql": bool(os.environ.get("TEST_DATABASE_URL") or glob("/usr/lib/postgresql/*/bin/initdb") or shutil.which("initdb")),
        "redis-server": bool(os.environ.get("TEST_REDIS_URL") or shutil.which("redis-server")),
        "chromium": bool(shutil.which("chromium")),
    }
    return [name for name, here in present.items() if not here]


def install(packages: list[str]) -> None:
    """Install Debian packages as root or by password-less sudo; does nothing when neither is allowed."""
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (sudo and subprocess.run([*sudo, "true"], capture_output=True, check=False).returncode):
        return
    print(f"Installing {', '.join(packages)} …", flush=True)
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run([*sudo, "apt-get", "update"], check=False, **quiet)  # type: ignore[call-overload]
    subprocess.run([*sudo, "apt-get", "install", "-y", "--no-install-recommends", *packages, "fonts-dejavu-core"], check=False, **quiet)  # type: ignore[call-overload]


class Mode(Struct, frozen=True):
    """A way to run the desk: where its tests are, and the marks of those that are not for it or cannot be run here.

    ``memory`` is the folder in which lanes keep what failed.
    """

    name: str
    paths: Sequence[str]
    left_out: set[str]
    memory: Path

    def lane(self, name: str, arguments: Sequence[str], *marks: str) -> Lane:
        chosen = " and ".join([*marks, *(f"not {mark}" for mark in sorted(self.left_out))])
        return Lane(self.name, name, arguments, chosen, Path(tempfile.mkdtemp(dir=self.memory)))


class Lane(Struct, frozen=True):
    """One call of pytest on what ``arguments`` and the expression ``marks`` choose; ``memory`` is where it keeps what failed."""

    mode: str
    name: str
    arguments: Sequence[str]
    marks: str
    memory: Path

    def run(self, output: IO[str] | None, *, durable: bool, only: Sequence[str] = ()) -> int:
        """Its exit code; "nothing collected" is 0, since a path may hold no test for this mode."""
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={self.memory}", "-m", self.marks, *(only or self.arguments)]
        with self._environment(durable) as environment:
            code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
        return 0 if code == NOTHING_COLLECTED else code

    def failed(self) -> list[str]:
        """The tests that failed when it was run."""
        kept = self.memory / "v/cache/lastfailed"
        return sorted(json.loads(kept.read_bytes())) if kept.exists() else []

    @contextmanager
    def _environment(self, durable: bool) -> Iterator[dict[str, str]]:
        """A store of its own. Hundreds of processes are started, so they may keep their bytecode."""
        mine = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        if self.mode == "embedded":
            yield mine
            return
        with cluster.postgres(durable=durable) as database_url, cluster.redis() as redis_url:
            yield mine | cluster.scaled_environment(database_url, redis_url)


class Ended(Struct, frozen=True):
    """A lane that was run: ``seconds`` it took, ``code`` 0 when all passed; ``doubtful`` tests failed first and passed by themselves."""

    lane: Lane
    seconds: float
    code: int
    doubtful: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [f"{self.lane.mode:9}{self.lane.name:26}{self.seconds:5.0f} s  {'FAILED' if self.code else 'passed'}"]
        return "\n".join([*lines, *(f"  AT THE SECOND LOOK: {test}; find out why" for test in self.doubtful)])


def lanes(modes: Sequence[Mode]) -> Iterator[Lane]:
    """What may be run beside others: each long place, and the rest of each mode."""
    for place in LONG:
        apart = [f"--ignore={other}" for other in LONG if other.startswith(f"{place}/")]
        for mode in modes:
            if any(Path(place).is_relative_to(path) for path in mode.paths) and Path(place).parts[1] not in mode.left_out:
                yield mode.lane(place.removeprefix("tests/"), [place, *apart], "not alone")
    for mode in modes:
        rest = [path for path in mode.paths if path not in LONG]
        yield mode.lane("the rest", [*rest, *(f"--ignore={place}" for place in LONG)], "not alone")


def run_together(every: Sequence[Lane]) -> list[Ended]:
    """A few at once; what a lane said comes in one piece at its end."""
    printing = threading.Lock()

    def run(lane: Lane) -> Ended:
        started = time.monotonic()
        with tempfile.TemporaryFile("w+") as said:
            code = lane.run(said, durable=False)
            ended = Ended(lane, time.monotonic() - started, code)
            said.seek(0)
            with printing:
                print(f"\n— {lane.mode}, {lane.name}\n{said.read()}", end="", flush=True)
        return ended

    print(f"— {len(every)} lanes, {AT_ONCE} at once; each is shown when it has ended", flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, every))


def run_alone(lane: Lane) -> Ended:
    print(f"\n— {lane.mode}, {lane.name}", flush=True)
    started = time.monotonic()
    code = lane.run(None, durable=True)
    return Ended(lane, time.monotonic() - started, code)


def look_again(ended: Ended) -> Ended:
    """Judge by itself what failed, when it is little."""
    failed = ended.lane.failed()
    if ended.code != TESTS_FAILED or not 0 < len(failed) <= LOOKED_AT_AGAIN:
        return ended
    print(f"\n— {ended.lane.mode}, {ended.lane.name}: what failed, by itself", flush=True)
    started = time.monotonic()
    code = ended.lane.run(None, durable=True, only=failed)
    return Ended(ended.lane, ended.seconds + time.monotonic() - started, code, () if code else failed)


def run_all(paths: Sequence[str], not_run: set[str], memory: Path) -> list[Ended]:
    """What ``paths`` name, or everything, in each mode that can be run here."""
    modes = [
        Mode("embedded", paths or EMBEDDED, not_run | {"scaled"}, memory),
        Mode("scaled", paths or SCALED, not_run | {"modeless"}, memory),
    ]
    if "scaled" in not_run:
        modes.pop()
    if paths:
        ended = [run_alone(mode.lane(" ".join(paths), paths)) for mode in modes]
    else:
        ended = run_together([*lanes(modes)]) + [run_alone(mode.lane("alone", mode.paths, "alone")) for mode in modes]
    return [look_again(one) for one in ended]


def main() -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in the background deaf to Ctrl-C, and all below it
    if gone := missing():
        install(gone)
    not_run = {PACKAGES[name] for name in missing()}
    with tempfile.TemporaryDirectory() as memory:
        ended = run_all(sys.argv[1:], not_run, Path(memory))
    print("", *ended, sep="\n")
    for suite in sorted(not_run):
        print(f"NOT RUN: the {suite} suite ({', '.join(p for p in missing() if PACKAGES[p] == suite)} could not be installed)")
    return max(one.code for one in ended) or (1 if not_run and os.environ.get("CI") else 0)


if __name__ == "__main__":
    sys.exit(main())
