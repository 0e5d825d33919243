"""A process with our Daphne and a small application on a free port; what its hooks hear is printed as JSON lines.

``/`` answers the size of the body it got · ``/stream`` sends 64 KB pieces for ever · ``/waiting`` never answers.
WebSocket: ``close <code>`` closes with that code, ``send <size>`` sends so many characters in one message,
``fail`` raises, ``flood`` sends 64 KB pieces for ever while ``desk.ready`` says so.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

from feeds.answers import NOT_ACCEPTED, TOO_LARGE, Answer, Head
from tradingdesk.server import DeskServer, PortTaken

PIECE = b"x" * 65536


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await _socket(scope, receive, send)
    elif scope["path"] == "/stream":
        await _stream(send)
    elif scope["path"] == "/waiting":
        await asyncio.sleep(60)
    else:
        body = (await receive())["body"]
        await _whole(send, json.dumps({"size": len(body), "root": scope["root_path"]}).encode())


async def _whole(send: Any, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": PIECE, "more_body": True})
        await asyncio.sleep(0.001)


async def _socket(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        word, _, number = event["text"].partition(" ")
        if word == "close":
            await send({"type": "websocket.close", "code": int(number)})
        elif word == "send":
            await send({"type": "websocket.send", "text": "x" * int(number)})
        elif word == "fail":
            raise RuntimeError("as asked")
        elif word == "flood":
            await _flood(scope, send)
        else:
            await send({"type": "websocket.send", "text": word})


async def _flood(scope: Any, send: Any) -> None:
    while True:
        if scope["desk.ready"]():
            await send({"type": "websocket.send", "bytes": PIECE})
        await asyncio.sleep(0.001)


def oversize(head: Head | None) -> Answer:
    say(oversize=head.path if head else None)
    return NOT_ACCEPTED if head and b"wrong" in head.query else TOO_LARGE


def main(port: int, max_body: int) -> int:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    server = DeskServer(
        application,
        host="127.0.0.1",
        port=port,
        max_body=max_body,
        on_ready=lambda url: say(ready=url),
        on_stopping=lambda: say(stopping=True),
        on_oversize=oversize,
        on_cut=lambda head: say(cut=head.path, token=head.query.decode(), client=head.client),
    )
    try:
        server.run()
    except PortTaken as taken:
        print(taken, file=sys.stderr)
        return 1
    return server.exit_code


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
