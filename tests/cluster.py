"""Run a command with a temporary PostgreSQL cluster and Redis server: ``python -m tests.cluster COMMAND …``.

Uses ``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` where they are set. PostgreSQL refuses to run as root, so it runs as ``postgres`` then.
The command sees ``DATABASE_URL`` and ``REDIS_URL``; everything is stopped and removed at the end.
"""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_reserved: list[socket.socket] = []


def free_port(together: int = 1) -> int:
    """A TCP port on loopback, the first of ``together``, that nobody else is given as long as this process lives.

    It stays bound without listening: the kernel hands it to no one, and whoever sets ``SO_REUSEADDR``, as servers do, may listen on it.
    """
    while True:
        with contextlib.suppress(OSError):
            first = _reserve(0)
            for port in range(first + 1, first + together):
                _reserve(port)
            return first


def _reserve(port: int) -> int:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))
    _reserved.append(one)
    return int(one.getsockname()[1])


def postgres_bin() -> Path:
    """The newest installed PostgreSQL's programs; raises ``SystemExit`` with words when there are none."""
    if found := sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4])):
        return Path(found[-1]).parent
    if which := shutil.which("initdb"):
        return Path(which).parent
    raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")


@contextlib.contextmanager
def postgres(*, durable: bool = True) -> Iterator[str]:
    """A throw-away cluster on a free port; yields its URL. Unless ``durable``, it waits for no disk: not for tests that time it."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    home = Path(tempfile.mkdtemp(prefix="desk-pg-"))
    run_as: list[str] = []
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
        run_as = ["runuser", "-u", "postgres", "--"]
    port = free_port()
    bin_dir = postgres_bin()
    data = home / "data"
    subprocess.run(
        [*run_as, str(bin_dir / "initdb"), "-D", str(data), "-U", "desk", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=home,
        timeout=120,
    )
    tuned = f"-c max_connections=200 -c shared_buffers=256MB -c fsync={'on' if durable else 'off'}"
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 {tuned}"
    control = [*run_as, str(bin_dir / "pg_ctl"), "-D", str(data), "-w", "-l", str(home / "log")]
    subprocess.run([*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=home, timeout=120)
    try:
        subprocess.run([str(bin_dir / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "desk", "desk"], check=True, timeout=60)
        yield f"postgresql://desk@127.0.0.1:{port}/desk"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd=home, timeout=60)
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A throw-away Redis on a free port, without persistence; yields its URL."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    if not (program := shutil.which("redis-server")):
        raise SystemExit("Redis is not installed: apt-get install redis-server")
    port = free_port()
    server = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
    )
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        server.kill()
        server.wait(10)


def wait_for(port: int, seconds: float = 10) -> None:
    """Until something accepts on ``port`` of loopback."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def main() -> int:
    with postgres() as database_url, redis() as redis_url:
        return subprocess.run(sys.argv[1:], env=scaled_environment(database_url, redis_url), check=False).returncode


def scaled_environment(database_url: str, redis_url: str) -> dict[str, str]:
    """This process's environment turned to scaled mode."""
    key = os.environ.get("SECRET_KEY", "a-key-for-tests-only-that-is-long-enough")
    return {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url, "SECRET_KEY": key}


if __name__ == "__main__":
    sys.exit(main())
