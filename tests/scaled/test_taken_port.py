"""`make run-scaled` on a taken port says so before it touches anything of the desk that runs there."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import free_port
from tests.processes import ROOT, Place

pytestmark = pytest.mark.scaled


@pytest.mark.parametrize("taken", [0, 1])
def test_a_taken_port_of_either_web_process_is_refused_with_words(tmp_path: Path, taken: int) -> None:
    place = Place(tmp_path)
    port = free_port()
    with socket.create_server(("127.0.0.1", port + taken)):
        command = [sys.executable, "manage.py", "web", "--check", "--port", str(port)]
        done = subprocess.run(command, env=place.environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    place.drop()
    assert done.returncode == 1
    assert f"port {port + taken}: Address already in use" in done.stderr
