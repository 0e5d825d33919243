"""Every curl command of ``docs/api.md``, as it stands there, against a running desk."""

from __future__ import annotations

import re
import shlex
from string import Template

import httpx
import pytest

from tests.api.served import LIVE, Desk
from tests.processes import ROOT

_BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
COMMANDS = [line for block in _BLOCKS for line in block.replace("\\\n", " ").splitlines() if line.startswith("curl -s ")]


def test_there_is_an_example_of_every_kind_of_route() -> None:
    routes = ("/matches?", "/verify", "/override", "-X PATCH", "-X DELETE", "table-tennis?", "-history?", "-leagues", "-classes")
    assert [route for route in routes if not any(route in command for command in COMMANDS)] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_each_example_does_what_it_says(desk: Desk, command: str) -> None:
    known = {"DESK": desk.town.url, "KEY": desk.key, "BOOKMAKER": desk.bookmaker, "MATCH": str(LIVE)}
    method, headers, body, url = "GET", {}, None, ""
    words = iter(shlex.split(Template(command).substitute(known))[2:])
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                body = next(words)
            case _:
                url = word
    answer = httpx.request(method, url, headers=headers, content=body, timeout=20, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.json() or url.endswith(("-classes", "/override"))
