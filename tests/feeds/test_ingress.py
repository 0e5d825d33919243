"""The door for pushed messages on a real server, a real socket and a real database (promises A5, B1, B3, E3, E6, E7; decision U17)."""

from __future__ import annotations

import base64
import contextlib
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.throttle import BURST, REMEMBERED, Refusals
from tests.processes import SCALED, DeskProcess, Place, desk, until

SECRET, OTHER_SECRET, WRONG = "alpha-secret-4Zq", "alpha-next-secret-9Xw", "wrong-secret-7Yp"
PROXY = "127.0.0.9"
FEEDS = f"""
from feeds.models import Feed
from feeds.senders import secret_hash
from markets.models import Source
from markets.services import sources
for slug, networks in (("alpha", ["127.0.0.1/32", "203.0.113.0/24"]), ("beta", ["127.0.0.0/8"])):
    source = Source.objects.create(slug=slug, provider="updategram", name=slug)
    sources.register(source)
    Feed.objects.create(source=source, secret_hashes=[secret_hash("{SECRET}"), secret_hash("{OTHER_SECRET}")], networks=networks)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    one = Place(tmp_path_factory.mktemp("desk"), DESK_TRUSTED_PROXIES=f"{PROXY}/32", LOG_LEVEL="DEBUG", DESK_MAX_BODY=str(2 * 1024 * 1024))
    one.manage("shell", "-c", FEEDS)
    yield one
    one.drop()


@pytest.fixture(scope="module")
def server(place: Place) -> Iterator[DeskProcess]:
    with desk(place) as one:
        yield one


def connect(server: DeskProcess, peer: str) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(10)
    connection.bind((peer, 0))
    connection.connect(("127.0.0.1", server.port))
    return connection


def send(server: DeskProcess, call: str = "ProcessMessage", **how: Any) -> bytes:
    """The whole answer, byte for byte, to one request; ``slug``, ``method``, ``token``, ``password``, ``headers``, ``body``, ``peer``."""
    with connect(server, how.get("peer", "127.0.0.1")) as connection:
        connection.sendall(request(call, **how))
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


def request(call: str, **how: Any) -> bytes:
    body = how.get("body", b"<x/>")
    query = f"?token={how['token']}" if "token" in how else ""
    lines = [f"{how.get('method', 'POST')} /feeds/updategram/{how.get('slug', 'alpha')}/{call}{query} HTTP/1.1", "Host: localhost"]
    if "password" in how:
        lines.append("Authorization: Basic " + base64.b64encode(f"anyone:{how['password']}".encode()).decode())
    lines += [f"Content-Length: {how.get('length', len(body))}", "Connection: close"]
    head = "\r\n".join([*lines, *how.get("headers", ()), "", ""])
    return head.encode() + bytes(body)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def frames(place: Place) -> int:
    return int(place.rows("SELECT count(*) FROM feeds_frame")[0][0])


def gaps(place: Place, slug: str = "alpha") -> list[str]:
    sql = f"SELECT g.cause FROM markets_gap g JOIN markets_source s ON s.id = g.source_id WHERE s.slug = '{slug}' ORDER BY g.id"
    return [cause for (cause,) in place.rows(sql)]


def liveness(place: Place, column: str, slug: str = "alpha") -> object:
    sql = f"SELECT l.{column} FROM markets_sourceliveness l JOIN markets_source s ON s.id = l.source_id WHERE s.slug = '{slug}'"
    return place.rows(sql)[0][0]


def test_b1_a_kept_message_is_in_the_database_when_the_200_arrives(server: DeskProcess, place: Place) -> None:
    before = frames(place)
    assert status(send(server, token=SECRET, body=b"<Updategram>kept</Updategram>")) == 200
    assert frames(place) == before + 1
    assert bytes(place.rows("SELECT body FROM feeds_frame ORDER BY id DESC LIMIT 1")[0][0]) == b"<Updategram>kept</Updategram>"


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe<", b"not xml at all", b"<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><x>&y;</x>"]
)
@pytest.mark.parametrize("kind", ["", "Content-Type: multipart/form-data; boundary=x", "Content-Encoding: gzip"])
def test_b3_no_content_is_ever_refused(server: DeskProcess, place: Place, body: bytes, kind: str) -> None:
    before = frames(place)
    assert status(send(server, token=SECRET, body=body, headers=[kind] if kind else [])) == 200
    assert frames(place) == before + 1


@pytest.mark.parametrize("credentials", [{"token": SECRET}, {"password": SECRET}, {"token": OTHER_SECRET}, {"password": OTHER_SECRET}])
def test_e3_either_secret_is_taken_by_token_or_by_basic_password(server: DeskProcess, credentials: dict[str, Any]) -> None:
    assert status(send(server, **credentials)) == 200


def test_e3_wrong_secret_wrong_address_and_unknown_slug_get_the_same_bytes(server: DeskProcess) -> None:
    wrong: list[dict[str, Any]] = [
        {"token": WRONG},
        {"password": WRONG},
        {},
        {"token": ""},
        {"token": SECRET, "peer": "127.0.0.5"},
        {"token": SECRET, "slug": "nobody"},
        {"token": SECRET, "slug": "n" * 2000},
        {"token": WRONG, "method": "PUT"},
        {"token": SECRET, "peer": "127.0.0.5", "length": 3 * 1024 * 1024},
        {"headers": ["Authorization: Basic !!!"]},
    ]
    answers = {send(server, call, **how) for how in wrong for call in ("ProcessMessage", "Heartbeat")}
    assert len(answers) == 1
    assert status(answers.pop()) == 401


def test_e3_a_forged_header_never_changes_the_decision(server: DeskProcess) -> None:
    forged = ["X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1", "Daphne-Root-Path: /x"]
    assert status(send(server, token=SECRET, peer="127.0.0.5", headers=forged)) == 401


@pytest.mark.parametrize(
    ("hops", "said"),
    [
        (["203.0.113.7"], 200),
        (["198.51.100.1, 203.0.113.7"], 200),
        (["203.0.113.7, 198.51.100.1"], 401),
        (["203.0.113.7", "198.51.100.1"], 401),
        ([f"203.0.113.7, {PROXY}"], 200),
        (["203.0.113.7, nonsense"], 401),
        ([], 401),
    ],
)
def test_e3_behind_a_declared_proxy_the_right_most_other_hop_counts(server: DeskProcess, hops: list[str], said: int) -> None:
    headers = [f"X-Forwarded-For: {hop}" for hop in hops]
    assert status(send(server, token=SECRET, peer=PROXY, headers=headers)) == said


def test_u17_a_wrong_method_is_told_to_a_known_sender(server: DeskProcess, place: Place) -> None:
    before = frames(place)
    for call, method in (("ProcessMessage", "GET"), ("ProcessMessage", "PUT"), ("Heartbeat", "DELETE")):
        answer = send(server, call, method=method, token=SECRET)
        assert status(answer) == 405
        assert b"POST" in answer
    assert frames(place) == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_u18_a_heartbeat_renews_the_lease_and_keeps_no_frame(server: DeskProcess, place: Place, method: str) -> None:
    before, heard, beats = frames(place), liveness(place, "heard_at"), liveness(place, "heartbeats")
    assert status(send(server, "Heartbeat", method=method, token=SECRET, body=b"")) == 200
    assert until(lambda: liveness(place, "heard_at") != heard and liveness(place, "heartbeats") == int(str(beats)) + 1, 3)
    assert frames(place) == before


def test_u17_refusals_are_counted_where_the_slug_exists(server: DeskProcess, place: Place) -> None:
    before = int(str(liveness(place, "refused")))
    send(server, token=WRONG, peer="127.0.0.6")
    send(server, token=WRONG, slug="nobody")
    assert until(lambda: int(str(liveness(place, "refused"))) == before + 1, 3)


def test_e6_guessing_is_slow_and_locks_out_nobody_else(server: DeskProcess) -> None:
    refused = {send(server, slug="beta", token=f"guess-{n}", peer="127.0.0.7") for n in range(int(BURST) + 5)}
    assert refused == {send(server, slug="beta", token=SECRET, peer="127.0.0.7")}
    assert status(send(server, slug="beta", token=SECRET, peer="127.0.0.8")) == 200
    assert until(lambda: status(send(server, slug="beta", token=SECRET, peer="127.0.0.7")) == 200, 5)


def test_e6_what_is_remembered_of_guessers_is_bounded() -> None:
    refusals = Refusals(clock=lambda: 0.0)
    for n in range(REMEMBERED * 2):
        refusals.count((f"10.0.{n >> 8}.{n & 255}", "alpha"))
    assert len(refusals._buckets) == REMEMBERED


def test_a5_a_message_too_large_is_told_at_once_and_opens_a_gap(server: DeskProcess, place: Place) -> None:
    before = gaps(place)
    assert status(send(server, token=SECRET, length=3 * 1024 * 1024)) == 413
    assert until(lambda: gaps(place) == [*before, "a message was too large (413)"], 3)


def test_a5_a_message_too_large_from_a_stranger_opens_none(server: DeskProcess, place: Place) -> None:
    before = gaps(place)
    assert status(send(server, token=WRONG, length=3 * 1024 * 1024)) == 401
    time.sleep(1.2)
    assert gaps(place) == before


def test_a5_a_request_that_is_cut_off_opens_a_gap_if_its_sender_is_known(server: DeskProcess, place: Place) -> None:
    before = gaps(place)
    for token in (SECRET, WRONG):
        with connect(server, "127.0.0.1") as connection:
            connection.sendall(request("ProcessMessage", token=token, length=1000))
            time.sleep(0.1)
    assert until(lambda: gaps(place) != before, 3)
    time.sleep(1.2)
    assert gaps(place) == [*before, "a request was cut off"]


def test_b3_what_cannot_be_stored_is_refused_with_503_and_opens_a_gap(server: DeskProcess, place: Place) -> None:
    before = gaps(place)
    with contextlib.closing(place.connect()) as connection:
        connection.execute("BEGIN" if SCALED else "BEGIN IMMEDIATE")
        if SCALED:
            connection.execute("LOCK TABLE feeds_frame IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        assert status(send(server, token=SECRET)) == 503
        assert time.monotonic() - started < 6
        connection.execute("ROLLBACK")
    assert until(lambda: "a message could not be stored (503)" in gaps(place)[len(before) :], 15)
    assert until(lambda: status(send(server, token=SECRET)) == 200, 10)


def test_a5_nobody_receiving_for_over_three_seconds_opens_a_gap(server: DeskProcess, place: Place) -> None:
    before = gaps(place)
    server.process.send_signal(signal.SIGSTOP)
    time.sleep(4.2)
    server.process.send_signal(signal.SIGCONT)
    assert until(lambda: any("nobody was receiving" in cause for cause in gaps(place)[len(before) :]), 5)


def test_it_lets_a_feed_in_and_out_within_two_seconds(server: DeskProcess, place: Place) -> None:
    with contextlib.closing(place.connect()) as connection:
        false, true = ("false", "true") if SCALED else ("0", "1")
        connection.execute(f"UPDATE markets_source SET enabled = {false} WHERE slug = 'beta'")
        assert until(lambda: status(send(server, slug="beta", token=SECRET)) == 401, 2)
        connection.execute(f"UPDATE markets_source SET enabled = {true} WHERE slug = 'beta'")
        assert until(lambda: status(send(server, slug="beta", token=SECRET)) == 200, 2)


def test_e7_neither_secret_nor_guess_is_in_what_the_desk_wrote_or_stored(server: DeskProcess, place: Place) -> None:
    written = "".join(server.lines)
    assert "ProcessMessage" in written
    for secret in (SECRET, OTHER_SECRET, WRONG, base64.b64encode(f"anyone:{SECRET}".encode()).decode()):
        assert secret not in written
    if not SCALED:
        assert SECRET.encode() not in b"".join(path.read_bytes() for path in Path(place.data_dir).glob("desk.sqlite3*"))
