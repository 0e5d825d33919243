"""Secrets, right and wrong ones, are sent everywhere; then everything that the desk wrote, serves or stored is searched for them (E7)."""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.processes import ROOT, SCALED, end, until
from tests.promises import letters
from tests.promises.crawl import crawl
from tests.promises.prepare import SECRET, SLUG
from tests.promises.town import Match, Prepared, Town

KEY = "desk-secret-key-of-this-very-test-0123456789"
STORE = "store-password-0001"
WRONG_TOKEN = "wrong/token+of a guesser=77"
WRONG_KEY = "desk_abcdef123456_wrongkeywrongkeywrongkeywrong"
WRONG_PASSWORD = "wrong password of a guesser 77"
NEW_PASSWORD = "new password of the trader 88"
ROTATED = "a rotated/secret+of the feed"
TYPED = "a typed/secret+for a new feed"


class Talker:
    """A worker that says everything; ``lines`` is all of it."""

    def __init__(self, town: Town) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tradingdesk", "worker", "--pool", "solo", "--loglevel", "DEBUG"]
        self.process = subprocess.Popen(
            command, env=town.place.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.lines.append(line)

    def stop(self, how: int = signal.SIGTERM) -> None:
        end(self.process, how)


class Witness:
    """Every answer that anybody got: status line, headers and body, but for the one cookie that is the secret itself."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def client(self, town: Town) -> httpx.Client:
        return httpx.Client(base_url=town.url, timeout=20, trust_env=False, event_hooks={"response": [self._hear]})

    def _hear(self, answer: httpx.Response) -> None:
        answer.read()
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items() if name != "set-cookie")
        self.heard.append((str(answer.request.url.path), f"{answer.status_code}\n{headers}\n{answer.text}"))


@pytest.fixture
def own(tmp_path: Path, prepared: Prepared) -> Iterator[Town]:
    town = Town(tmp_path, prepared, LOG_LEVEL="DEBUG", SECRET_KEY=KEY)
    if SCALED:
        town.place.environment["DATABASE_URL"] = town.place.environment["DATABASE_URL"].replace("desk@", f"desk:{STORE}@")
        town.worker = Talker(town)
    try:
        town.start()
        with town.beating():
            yield town
    finally:
        town.end()


def basic(password: str) -> str:
    return base64.b64encode(f"genius:{password}".encode()).decode()


def forms(secret: str) -> set[str]:
    """As it could be written by somebody careless."""
    escaped = json.dumps(secret)[1:-1]
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), escaped, encoded, basic(secret)}


def push_with_secrets(town: Town, http: httpx.Client, match: Match) -> None:
    """Right and wrong ones by token and by password; right ones on requests that fail."""
    feed = f"/feeds/updategram/{SLUG}"
    for secret in (SECRET, WRONG_TOKEN):
        for path in (f"{feed}/ProcessMessage", f"{feed}/Heartbeat", "/feeds/updategram/nobody/Heartbeat", f"{feed}/Other", f"{feed}/"):
            http.post(path, params={"token": secret}, content=letters.cut_short(match.ref))
            http.post(path, headers={"Authorization": f"Basic {basic(secret)}"}, content=b"")
            http.put(path, params={"token": secret})
        http.post(f"{feed}/ProcessMessage", params={"token": secret}, content=b"x" * 5_000_000)
        cut_off(town, f"{feed}/ProcessMessage?token={quote(secret, safe='')}")
        with contextlib.suppress(WebSocketException, OSError):
            connect(f"ws://127.0.0.1:{town.web.port}/live/ws/board?token={quote(secret)}").close()
        time.sleep(1.5)  # so that guessing is not what is refused


def cut_off(town: Town, target: str) -> None:
    """Half a request, then nothing; and half a request line."""
    import socket

    for said in (
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
        f"POST {target} HTT\x00\r\n\r\n",
        f"GET {target}",
    ):
        with socket.create_connection(("127.0.0.1", town.web.port), 5) as line:
            line.sendall(said.encode())
            time.sleep(0.05)


def call_with_keys(town: Town, http: httpx.Client, match: Match) -> None:
    """Right and wrong keys in the header, in the address and in bodies."""
    body = {"oddKey": "nothing#nothing", "oddValue": 2.05, "durationSeconds": 60}
    for key in (town.alpha.key, town.ops, WRONG_KEY, "Bearer", town.alpha.key[:-1] + "\x7f"):
        bearer = {"Authorization": f"Bearer {key}"}
        for path in (
            match.path(),
            match.path(town.beta),
            "/feeds/accounting",
            f"/feeds/messages/{SLUG}/x",
            "/bookmaker/nobody",
            "/bookmaker/",
        ):
            http.get(path, headers=bearer)
            http.get(path, params={"token": key, "key": key})
            http.post(path, headers=bearer, json={"key": key})
        http.get(match.path(), headers={"Authorization": key})
        http.get(f"/bookmaker/{quote(key, safe='')}/football/1", headers=bearer)
        http.get(f"/{quote(key, safe='')}")
        for wrong in (json.dumps(body), "{", json.dumps({"oddKey": 1})):
            http.patch(f"{match.path()}/full-time", content=wrong, headers=bearer | {"Content-Type": "application/json", "If-Match": "x"})
        time.sleep(0.5)


def sign_in_with_passwords(town: Town, witness: Witness) -> dict[str, httpx.Client]:
    """Wrong, then right; the trader changes the password, at the third attempt well. Everybody that is signed in, by role."""
    people = {}
    for role in ("viewer", "trader", "supervisor", "staff"):
        http = people[role] = witness.client(town)
        http.get("/sign-in", params={"next": "/", "password": WRONG_PASSWORD})
        for password in (WRONG_PASSWORD, town.passwords[f"alpha-{role}"]):
            post(http, "/sign-in", {"username": f"alpha-{role}", "password": password})
        assert http.get("/").status_code == 200
    old, trader = town.passwords["alpha-trader"], people["trader"]
    for before, one, two in (
        (WRONG_PASSWORD, NEW_PASSWORD, NEW_PASSWORD),
        (old, NEW_PASSWORD, WRONG_PASSWORD),
        (old, NEW_PASSWORD, NEW_PASSWORD),
    ):
        post(trader, "/account", {"old_password": before, "new_password1": one, "new_password2": two})
    assert trader.get("/").status_code == 200
    post(trader, "/do/override", {"selection": "x", "password": old, "token": SECRET, "key": town.alpha.key})
    return people


def post(http: httpx.Client, path: str, data: dict[str, Any]) -> httpx.Response:
    return http.post(path, data=data, headers={"X-CSRFToken": http.cookies.get("csrftoken") or ""})


def administer(town: Town, staff: httpx.Client) -> None:
    """Staff type secrets into the admin, with mistakes and without."""
    feed = int(town.place.rows("SELECT source_id FROM feeds_feed")[0][0])
    fields = {"name": "Genius", "enabled": "on", "lease_seconds": "25", "senders": "127.0.0.0/8"}
    for wrong in ({"senders": "nowhere"}, {}):
        post(staff, f"/admin/feeds/feed/{feed}/change/", fields | {"secret": ROTATED} | wrong)
    for wrong in ({"senders": "nowhere"}, {}):
        new = {"provider": "updategram", "slug": "second", "name": "Second", "senders": "127.0.0.0/8"}
        post(staff, "/admin/feeds/feed/add/", new | {"secret": TYPED} | wrong)
    assert town.place.rows("SELECT COUNT(*) FROM feeds_feed") == [(2,)]
    post(staff, "/admin/auth/user/add/", {"username": "new-one", "password1": NEW_PASSWORD, "password2": WRONG_PASSWORD})


def stored(town: Town) -> Iterator[tuple[str, str]]:
    """Table by table, everything in the database as text; bytes as they are."""
    listed = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'" if SCALED else "SELECT name FROM sqlite_master WHERE type = 'table'"
    )
    for (table,) in town.place.rows(listed):
        yield table, "\n".join(" ".join(map(as_text, row)) for row in town.place.rows(f'SELECT * FROM "{table}"'))


def as_text(value: Any) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def search(secrets: dict[str, set[str]], places: Iterable[tuple[str, str]]) -> list[str]:
    """Where which secret was found, and beside what."""
    found = set()
    for where, text in places:
        for name, written in secrets.items():
            for one in written:
                if (at := text.find(one)) >= 0:
                    found.add(f"{name} in {where}: …{text[max(0, at - 120) : at + len(one) + 20]!r}")
    return sorted(found)


@pytest.mark.timeout(240)
def test_e7_no_secret_is_in_logs_pages_errors_audit_or_the_database(own: Town) -> None:
    match, witness = own.match(), Witness()
    http = witness.client(own)
    push_with_secrets(own, http, match)
    call_with_keys(own, http, match)
    people = sign_in_with_passwords(own, witness)
    administer(own, people["staff"])
    assert own.post(letters.letter(letters.market_set(match.ref, match.market()))) == 200
    assert until(lambda: own.place.rows("SELECT COUNT(*) FROM feeds_frame WHERE outcome IS NULL") == [(0,)], 10)
    sessions = {str(one.cookies["sessionid"]) for one in people.values()}
    seen = {role: len(crawl(one)) for role, one in people.items()}
    assert seen["staff"] > 40
    assert min(seen.values()) > 8
    stop(own)
    secrets = {name: forms(secret) for name, secret in known(own).items()}
    logs = [
        ("the web's log", "".join(own.web.lines)),
        *([("the worker's log", "".join(own.worker.lines))] if isinstance(own.worker, Talker) else []),
    ]
    assert all(len(text) > 1000 for _, text in logs)
    assert len(witness.heard) > 150
    assert search(secrets | {"a session": sessions}, logs) == []
    assert search(secrets | {"a session": sessions}, witness.heard) == []
    assert search(secrets | {"a session": sessions}, stored(own)) == []


def known(town: Town) -> dict[str, str]:
    passwords = {f"the password of {name}": password for name, password in town.passwords.items()}
    keys = {"Alpha's key": town.alpha.key, "Beta's key": town.beta.key, "the operators' key": town.ops, "a wrong key": WRONG_KEY}
    halves = {f"{name} without its prefix": key.split("_", 2)[2] for name, key in keys.items()}
    typed = {"the feed's secret": SECRET, "a wrong token": WRONG_TOKEN, "a rotated secret": ROTATED, "a typed secret": TYPED}
    chosen = {"a wrong password": WRONG_PASSWORD, "a new password": NEW_PASSWORD, "the SECRET_KEY": KEY, "the store's password": STORE}
    return {**passwords, **keys, **halves, **typed, **chosen}


def stop(town: Town) -> None:
    """So that nothing more is written."""
    town.web.stop(signal.SIGTERM)
    if town.worker is not None:
        town.worker.stop()
    assert until(lambda: town.web.process.poll() is not None, 10)
