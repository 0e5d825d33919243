"""An odd or unsafe environment refuses to start, with every problem listed at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith("DESK_") and name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HOST", "PORT")
}


def check(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={**CLEAN, "DESK_DATA_DIR": str(tmp_path), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_starts_with_nothing_set(tmp_path: Path) -> None:
    assert check(tmp_path).returncode == 0


def test_it_lists_every_problem_at_once(tmp_path: Path) -> None:
    answer = check(tmp_path, PORT="99999", DESK_SIMULATE="maybe", DATABASE_URL="mysql://x", HOST="0.0.0.0", DESK_SIMULAT="1")
    assert answer.returncode == 1
    for words in ("PORT", "DESK_SIMULATE", "belong together", "postgresql://", "SECRET_KEY", "ALLOWED_HOSTS", "DESK_SIMULAT."):
        assert words in answer.stderr, words


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"DESK_TRUSTED_PROXIES": "0.0.0.0/0"}, "every address"),
        ({"DESK_TRUSTED_PROXIES": "proxy"}, "not a network"),
        ({"ALLOWED_HOSTS": "*"}, "may not be *"),
        ({"SECRET_KEY": "short"}, "at least 32"),
        ({"DATABASE_URL": "postgresql://h/d"}, "belong together"),
        ({"HOST": "desk.example"}, "IP address"),
        ({"DESK_DATA_DIR": "/proc/nowhere"}, "cannot be written"),
    ],
)
def test_it_refuses_an_unsafe_value(tmp_path: Path, environment: dict[str, str], words: str) -> None:
    answer = check(tmp_path, **environment)
    assert answer.returncode == 1
    assert words in answer.stderr


def test_the_example_names_every_variable() -> None:
    named = set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "tradingdesk/env.py").read_text()))
    assert read <= named


def test_the_embedded_secret_is_kept_and_private(tmp_path: Path) -> None:
    check(tmp_path)
    key = tmp_path / "secret_key"
    first = key.read_text()
    check(tmp_path)
    assert key.read_text() == first
    assert len(first) >= 32
    assert key.stat().st_mode & 0o077 == 0
