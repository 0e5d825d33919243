"""A Redis of a test's own, to be hung, killed and started again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from redis import Redis

from tests.cluster import free_port, wait_for


class OwnRedis:
    """It listens on the same port whenever it runs; ``home`` is a directory that it may write to."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self._home = home
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server") or "redis-server"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._home)
        wait_for(self.port)

    def fail(self, how: signal.Signals) -> None:
        """``SIGSTOP`` hangs it, ``SIGKILL`` ends it."""
        self._process.send_signal(how)
        if how is signal.SIGKILL:
            self._process.wait(10)

    def come_back(self) -> None:
        """From either."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        else:
            self.start()

    def cut_subscribers(self) -> None:
        with Redis.from_url(self.url) as client:
            client.client_kill_filter(_type="pubsub")

    def end(self) -> None:
        self._process.kill()
        self._process.wait(10)


@contextlib.contextmanager
def own_redis(home: Path) -> Iterator[OwnRedis]:
    one = OwnRedis(home)
    try:
        yield one
    finally:
        one.end()
