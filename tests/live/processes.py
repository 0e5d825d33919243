"""Starts :mod:`tests.live.desk_process` on a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection

from msgspec import Struct


class Desk(Struct):
    """A running process and what it made."""

    process: subprocess.Popen[str]
    port: int
    session: str
    fixture: int
    selections: list[int]
    match: str
    """Where a bookmaker reads the fixture by REST; the session may too."""
    key: str
    stream: str
    """Where the bookmaker's ``key`` listens, but for ``/updates`` or ``/overrides``."""

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}/live/ws/{path}"

    def rest(self, path: str) -> int:
        """The status of a GET as the person signed in."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
            return connection.getresponse().status

    def listen(self, kind: str = "updates") -> str:
        """The address of a stream, for WebSocket and SSE alike."""
        return f"http://127.0.0.1:{self.port}{self.stream}/{kind}?token={self.key}"

    @property
    def page(self) -> str:
        return f"fixture/{self.fixture}"


@contextlib.contextmanager
def desk(*options: str, env: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Migrates and serves: on the database of ``env``, else on a SQLite file that is thrown away."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **(env or {"DATABASE_URL": "", "REDIS_URL": ""})}
        environment |= {"DESK_DATA_DIR": home, "DJANGO_SETTINGS_MODULE": "tradingdesk.settings"}
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment, timeout=100, check=True)
        command = [sys.executable, "-m", "tests.live.desk_process", *options]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield Desk(process, **json.loads(process.stdout.readline()))
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait(10)
