"""Settings are typed by several threads at once: the lists', the runner's, a command's."""

from __future__ import annotations

import subprocess
import sys

import pytest

_TOGETHER = """
import sys, threading
sys.setswitchinterval(0.0005)
from {module} import settings_of
begin = threading.Barrier(3)
def first():
    begin.wait()
    settings_of({{"host": "http://127.0.0.1:1", "pace": {{"discovery": 1.0}}, "habits": {{}}}})
threads = [threading.Thread(target=first) for _ in range(3)]
[one.start() for one in threads]
[one.join() for one in threads]
"""


@pytest.mark.modeless
@pytest.mark.parametrize("module", ["feeds.odds360.settings", "feeds.tennis.feed"])
def test_three_threads_that_type_settings_first_at_once_do_not_crash(module: str) -> None:
    """A fresh process each time, since only the first use of a type is in danger."""
    runs = [subprocess.Popen([sys.executable, "-c", _TOGETHER.format(module=module)]) for _ in range(8)]
    assert [run.wait(60) for run in runs] == [0] * 8
