"""Whatever a provider sends or a store refuses: kept, counted, shown, tried again, and nobody else's trouble (A9, B1, B7, E7)."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.db import connection
from websockets.asyncio.server import ServerConnection

from feeds.models import Feed, Frame
from feeds.transport import address
from markets import db
from markets.models import PointLiveness
from tests.feeds.tennis import following as f
from tests.feeds.tennis.provider import TOKEN, Match, Provider, Talk, honest, packet

pytestmark = pytest.mark.django_db(transaction=True)
ONE, TWO = "2026-0540-MS001", "2026-0540-LS002"
BAD: dict[str, tuple[Any, str]] = {
    "not JSON": ("nonsense {", "no JSON object"),
    "JSON of another shape": ('["a", 1]', "no JSON object"),
    "a binary frame": (b"\x00\xff\x01", "binary"),
    "a binary frame that holds a packet": (packet(2).encode(), "binary"),
    "no seqNum": (packet(None, "PointScored"), "without a readable seqNum"),
    "a seqNum of another type": (packet("two"), "without a readable seqNum"),
    "a fraction": (packet(2.5), "without a readable seqNum"),
    "another match's id": (packet(2, eventId="2026-9999-XD001"), "another match: 2026-9999-XD001"),
    "deeply nested": ("[" * 100_000, "no JSON object"),
}


def once(*frames: Any) -> Talk:
    """The match's first packet, then ``frames``; who comes again finds an honest provider."""

    async def talk(match: Match, connection: ServerConnection, position: int) -> None:
        match.talk = honest
        for one in (match.packets[0], *frames):
            await connection.send(one)
        await asyncio.sleep(60)

    return talk


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_kept_and_shown_and_the_stream_goes_on_after_it(name: str) -> None:
    bad, words = BAD[name]

    async def scene() -> None:
        provider = Provider(ONE)

        provider[ONE].talk = once(bad)
        provider[ONE].say(packet(1), packet(2))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                kept = bad if isinstance(bad, bytes) else bad.encode()
                first, last = packet(1).encode(), packet(2).encode()
                await f.until(lambda: f.bodies(ONE) == [first, kept, last])
                await f.until(lambda: f.state(ONE) == "live")
                assert words in await f.ask(lambda: f.words(ONE))
                assert provider[ONE].asked == ["", "2"]

    asyncio.run(scene())


def test_a_message_that_is_too_long_is_kept_as_its_beginning_with_a_note() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        long = packet(2, padding="x" * (1024 * 1024))
        provider[ONE].talk = once(long)
        provider[ONE].say(packet(1), packet(2))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: len(f.bodies(ONE)) == 3)
                row = (await f.ask(lambda: list(Frame.objects.filter(stream=ONE).order_by("id"))))[-2]
                assert bytes(row.body) == long.encode()[:4096]
                assert "longer than 1 MiB" in row.content_type
                await f.until(lambda: "longer than 1 MiB" in f.words(ONE))

    asyncio.run(scene())


def test_fragments_are_one_message_and_together_they_may_not_be_too_long() -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def in_pieces(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            text = match.packets[0]
            await connection.send([text[:10], text[10:40], text[40:]])
            await connection.send(["x" * 400_000] * 3)
            await asyncio.sleep(60)

        provider[ONE].talk = in_pieces
        provider[ONE].say(packet(1), packet(2))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.bodies(ONE) == [packet(1).encode(), b"x" * 4096, packet(2).encode()])

    asyncio.run(scene())


def test_a_bad_message_that_always_comes_at_the_same_place_is_passed_over_in_the_end() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].say(packet(1), "garbled", packet(3), packet(4))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE)[-1:] == [4])
                await f.until(lambda: f.state(ONE) == "gap")
                await f.until(lambda: f.state(ONE) == "live")

    asyncio.run(scene())


def test_t2_a_number_that_goes_back_is_kept_and_makes_the_connection_anew() -> None:
    async def scene() -> None:
        provider = Provider(ONE)

        async def restarted(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            for text in match.packets[:3]:
                await connection.send(text)
            await connection.send(packet(1, "PointScored", other=True))
            await asyncio.sleep(60)

        provider[ONE].talk = restarted
        provider[ONE].say(*(packet(n) for n in range(1, 5)))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1, 2, 3, 1, 4])
                assert "went back from 3 to 1" in await f.until(lambda: f.words(ONE))
                assert provider[ONE].asked == ["", "4"]

    asyncio.run(scene())


def test_t2_a_repeat_and_an_alarm_move_no_position_and_end_no_connection() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        alarm = packet(99, "Alarm", lastReceivedTimestamp="2026-11-20T10:00:00.000Z")

        async def talk(match: Match, connection: ServerConnection, position: int) -> None:
            match.talk = honest
            for text in (packet(1), packet(2), packet(2), packet(1), alarm, alarm, packet(3)):
                await connection.send(text)
            await match.new.wait()
            await connection.close(1012)

        provider[ONE].talk = talk
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: len(f.bodies(ONE)) == 7)
                assert provider[ONE].asked == [""]
                provider[ONE].say(packet(1), packet(2), packet(3), packet(4))
                await f.until(lambda: len(f.bodies(ONE)) == 8)
                assert provider[ONE].asked == ["", "4"]

    asyncio.run(scene())


def test_b7_one_match_in_trouble_touches_no_other() -> None:
    async def scene() -> None:
        provider = Provider(ONE, TWO)

        async def flood(match: Match, connection: ServerConnection, position: int) -> None:
            n = position
            while True:
                for _ in range(200):
                    await connection.send(f'{{"eventElementType":"PointFault","seqNum":{max(1, n)}}}')
                    n = max(1, n) + 1
                await asyncio.sleep(0)

        provider[ONE].talk = flood
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host, burst=1000, per_second=100, silence=3.0))
            async with f.running():
                await f.until(lambda: len(f.bodies(ONE)) > 500)
                waits = []
                for n in range(1, 16):
                    said = time.monotonic()
                    provider[TWO].say(packet(n))
                    await f.until(lambda last=[n]: f.seqs(TWO)[-1:] == last)  # type: ignore[misc]
                    waits.append(time.monotonic() - said)
                assert sorted(waits)[len(waits) // 2] < 0.5, waits
                assert provider[TWO].asked == [""]
                await f.until(lambda: "at once" in f.words(ONE), 15)
                numbers = await f.ask(lambda: f.seqs(ONE))
                assert numbers == sorted(numbers, key=lambda n: n or 0)

    asyncio.run(scene())


def test_b1_what_cannot_be_kept_is_not_acknowledged_and_is_asked_for_again() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].say(packet(1))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1])
                await f.ask(lambda: rename("feeds_receivedcount", "away"))
                try:
                    provider[ONE].say(packet(2), packet(3))
                    while len(provider[ONE].asked) < 3:  # noqa: ASYNC110 - the provider has no event for it
                        await asyncio.sleep(0.05)
                finally:
                    await f.ask(lambda: rename("away", "feeds_receivedcount"))
                await f.until(lambda: f.seqs(ONE) == [1, 2, 3])
                assert set(provider[ONE].asked[1:]) == {"2"}

    asyncio.run(scene())


@pytest.mark.modeless
def test_a_store_that_is_locked_holds_the_stream_up_and_loses_nothing() -> None:
    async def scene() -> None:
        provider = Provider(ONE)
        provider[ONE].say(packet(1))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1])
                locked = asyncio.ensure_future(asyncio.to_thread(lock_for, 4.0))
                await asyncio.sleep(0.3)
                provider[ONE].say(*(packet(n) for n in range(2, 30)))
                await locked
                await f.until(lambda: set(f.seqs(ONE)) == set(range(1, 30)))
                await f.until(lambda: f.state(ONE) == "live")

    asyncio.run(scene())


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody vouches for but itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = db.now()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(start.replace(year=start.year - 1)).not_valid_after(start.replace(year=start.year + 1))
    )
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = tmp_path / "certificate.pem"
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made)
    (tmp_path / "both.pem").write_bytes(made + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    return path, context


def test_a_certificate_that_nobody_vouches_for_is_refused_and_no_token_is_sent(certificate: tuple[Path, ssl.SSLContext]) -> None:
    async def scene() -> None:
        address.tls.cache_clear()
        provider, open_one = Provider(ONE), Provider(ONE)
        async with provider.serving(certificate[1]), open_one.serving():
            await f.ask(lambda: f.add(provider.host))
            await f.ask(lambda: f.add(open_one.host, "half"))
            half = await f.ask(lambda: Feed.objects.get(source__slug="half"))
            half.settings["stream_host"] = provider.host
            await f.ask(half.save)
            async with f.running():
                await f.until(lambda: words_of("umpires", "discovery").startswith("the certificate of localhost is not valid"))
                await f.until(lambda: words_of("half", ONE).startswith("the certificate of localhost is not valid"))
                assert await f.ask(lambda: PointLiveness.objects.get(ref=ONE).state) == "refused"
        assert provider.headers == []
        assert provider[ONE].asked == []

    asyncio.run(scene())


def test_a_certificate_of_a_known_authority_is_taken(certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))

    async def scene() -> None:
        address.tls.cache_clear()
        provider = Provider(ONE)
        provider[ONE].say(packet(1))
        async with provider.serving(certificate[1]):
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(ONE) == [1])

    try:
        asyncio.run(scene())
    finally:
        address.tls.cache_clear()


def test_e7_the_token_is_in_no_log_error_or_table(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        provider = Provider(ONE, TWO)
        provider.verdict = lambda token: {"authorised": True, "reason": f"hello {token}"}

        async def gossip(match: Match, connection: ServerConnection, position: int) -> None:
            await connection.send(json.dumps({"heartbeat": TOKEN}))
            await connection.close(1008, f"no {TOKEN}")

        provider[ONE].talk = gossip
        provider[TWO].say(packet(1))
        async with provider.serving():
            await f.ask(lambda: f.add(provider.host))
            async with f.running():
                await f.until(lambda: f.seqs(TWO) == [1])
                await f.until(lambda: f.words(ONE))
                provider.verdict = lambda token: {"authorised": False, "reason": f"{token} is wrong"}
                await f.until(lambda: f.state(ONE) == "refused")

    with caplog.at_level(logging.DEBUG):
        for noisy in ("websockets.server", "asyncio"):
            logging.getLogger(noisy).setLevel(logging.WARNING)  # the provider's side, which may well log what it is sent
        asyncio.run(scene())
    assert "feeds" in caplog.text
    assert TOKEN not in caplog.text
    assert not holding(TOKEN)


def holding(text: str) -> list[str]:
    """The tables in which ``text`` stands in plain."""
    found = []
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # names from the database itself
            if any(
                text in (bytes(c).decode("utf-8", "replace") if isinstance(c, bytes | memoryview) else str(c))
                for row in cursor
                for c in row
            ):
                found.append(table)
    return found


def words_of(slug: str, ref: str) -> str:
    row = PointLiveness.objects.filter(source__slug=slug, ref=ref).first()
    return row.words if row else ""


def rename(old: str, new: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


def lock_for(seconds: float) -> None:
    """Somebody else writes for a while."""
    import sqlite3

    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    other.execute("ROLLBACK")
    other.close()
