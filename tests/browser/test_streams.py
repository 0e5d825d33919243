"""000's WebSocket and EventSource examples, and those of docs/api.md, run as they stand in a real browser on a page of another origin."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import ConsoleMessage
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.browser.conftest import ROOT, Chrome, Desk, introduced
from tests.browser.provider import Match, Provider

pytestmark = pytest.mark.browser
WEBSOCKET = """
const ws = new WebSocket(
"wss://odds360.sportmicro.com/live/<bookmaker_id>/table-tennis/<match_id>/updates"
);
ws.addEventListener("message", (ev) => console.log(JSON.parse(ev.data)));
"""
EVENT_SOURCE = """
const es = new EventSource(
"https://odds360.sportmicro.com/live/<bookmaker_id>/table-tennis/<match_id>/updates"
);
es.addEventListener("message", (ev) => console.log(JSON.parse(ev.data)));
"""
OURS = re.findall(r"```js\n(.*?)```", (ROOT / "docs" / "api.md").read_text().partition("\n# Streams\n")[2], re.DOTALL)
EXAMPLES = {
    "contract's websocket": WEBSOCKET,
    "contract's event source": EVENT_SOURCE,
    "our websocket": OURS[0],
    "our event source": OURS[1],
}


class Shop:
    """A bookmaker whose web page is served from an origin of its own; ``script`` is what the page runs."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.script = ""
        self._page = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._page.serve_forever, daemon=True).start()
        self.origin = f"http://127.0.0.1:{self._page.server_port}"
        said = self._manage("addbookmaker", "Shop", "--sports", "football")
        self.id, self.key = (re.search(rf"^{word} +(\S+)$", said, re.MULTILINE)[1] for word in ("bookmaker", "key"))  # type: ignore[index]

    def _manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.desk.env, capture_output=True, text=True, check=True).stdout

    def lists(self, *origins: str) -> None:
        self._manage(
            "shell", "--verbosity", "0", "-c",
            "from markets.services import bookmakers; from markets.services.actor import of_command;"
            f"bookmakers.update(of_command(), '{self.id}', origins={list(origins)!r})",
        )  # fmt: skip

    def match_id(self, match: Match) -> int:
        url = f"{self.desk.url}/bookmaker/{self.id}/football/matches"
        rows = httpx.get(url, headers={"Authorization": f"Bearer {self.key}"}, params={"homeTeam": match.home}).json()
        return int(rows[0]["match_id"])

    def example(self, text: str, match: Match) -> str:
        """The contract's words with this desk's address, the ids filled in, and the key after the path."""
        here = self.desk.url.removeprefix("http://")
        filled = (
            text.replace("<bookmaker_id>", self.id).replace("<match_id>", str(self.match_id(match))).replace("table-tennis", "football")
        )
        filled = filled.replace("wss://odds360.sportmicro.com", f"ws://{here}").replace("https://odds360.sportmicro.com", f"http://{here}")
        return filled.replace("<key>", self.key) if "<key>" in filled else filled.replace('updates"', f'updates?token={self.key}"')

    def close(self) -> None:
        self._page.shutdown()

    def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
        class Page(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"<!doctype html><script>{shop.script}</script>".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Page


@pytest.fixture(scope="module")
def shop(desk: Desk) -> Iterator[Shop]:
    one = Shop(desk)
    one.lists(one.origin)
    yield one
    one.close()


def told(chrome: Chrome, shop: Shop, script: str, enough: Callable[[list[Any]], object], meanwhile: Callable[[], None]) -> list[Any]:
    """What the page logs until it is ``enough``; ``meanwhile`` is done after its first words."""
    shop.script = script

    def steps() -> list[Any]:
        context = chrome.browser.new_context()
        page, said = context.new_page(), []

        def hear(message: ConsoleMessage) -> None:
            said.append(message.args[0].json_value() if message.type == "log" else message.text)

        page.on("console", hear)
        page.goto(shop.origin)
        deadline = time.monotonic() + 20
        acted = False
        while not enough(said) and time.monotonic() < deadline:
            if said and not acted:
                acted = True
                meanwhile()
            page.wait_for_timeout(50)
        context.close()
        return said

    return chrome.worker.submit(steps).result(60)


def kinds(said: list[Any]) -> list[str]:
    return [frame["type"] for frame in said]


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_an_example_runs_as_it_stands(chrome: Chrome, shop: Shop, provider: Provider, example: str) -> None:
    match = introduced(provider)

    def moves() -> None:
        match.prices[0][0] = "2.35"
        provider.send(match.markets())

    def enough(said: list[Any]) -> bool:
        return {"snapshot", "update", "beat"} <= set(kinds(said))

    said = told(chrome, shop, shop.example(example, match), enough, moves)
    assert kinds(said)[0] == "snapshot"
    assert "2.35" in json.dumps(next(frame for frame in said if frame["type"] == "update"))


def test_o5_a_page_that_is_not_listed_hears_nothing(chrome: Chrome, shop: Shop, provider: Provider) -> None:
    match = introduced(provider)
    shop.lists("https://elsewhere.example")
    script = shop.example(WEBSOCKET, match) + 'ws.addEventListener("close", (ev) => console.log(ev.code));'
    assert told(chrome, shop, script, bool, lambda: None) == [4403]
    script = shop.example(EVENT_SOURCE, match) + 'es.addEventListener("error", () => console.log(es.readyState));'
    said = told(chrome, shop, script, lambda heard: 2 in heard, lambda: None)
    assert 2 in said
    assert "value" not in json.dumps(said)
    shop.lists(shop.origin)


def test_e7_no_line_of_the_log_holds_the_key(desk: Desk, shop: Shop, provider: Provider) -> None:
    match = introduced(provider)
    path = f"/live/{shop.id}/football/{shop.match_id(match)}/updates"
    with connect(f"ws{desk.url.removeprefix('http')}{path}?token={shop.key}") as socket:
        assert json.loads(socket.recv())["type"] == "snapshot"
    with httpx.stream("GET", f"{desk.url}{path}?token={shop.key}") as answer:
        assert answer.status_code == 200
    httpx.get(f"{desk.url}{path}?token={shop.key}x")
    deadline = time.monotonic() + 5
    while f'"GET {path}" 401' not in (log := desk.log.read_text(errors="replace")):
        assert time.monotonic() < deadline, log[-2000:]
        time.sleep(0.05)
    assert shop.key not in log
    assert shop.key.rpartition("_")[2] not in log
    assert f'"WS {path}" connected' in log


def test_the_desk_s_own_sockets_are_not_shadowed(desk: Desk) -> None:
    with (
        connect(f"ws{desk.url.removeprefix('http')}/live/ws/board", origin=Origin(desk.url)) as socket,
        pytest.raises(ConnectionClosed) as ended,
    ):
        socket.recv()
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 4401
    assert httpx.get(f"{desk.url}/live/ws/board").status_code == 404
