"""Our Daphne: a body cap while reading, backpressure, words when the port is taken, and no token in any line it writes.

Plain Daphne spools a whole body before an application runs, buffers without bound for a client that never reads, logs query
strings, believes ``Daphne-Root-Path`` from anybody and hangs on a close code that it cannot send. Each is put right here and
nowhere else. Applications find in their scope ``desk.ready`` (``() -> bool``: the client keeps up) and ``desk.abort`` (``() -> None``).
"""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from io import BytesIO
from typing import Any, cast
from urllib.parse import unquote

from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import ILogObserver, globalLogBeginner
from twisted.web import http
from twisted.web.http_headers import Headers

from feeds.answers import Answer, Head

reactor: Any = _reactor  # a module that is replaced by an object when the loop is installed
_HTTPChannel: Any = http.HTTPChannel
logger = logging.getLogger(__name__)
access = logging.getLogger("tradingdesk.access")

http.RESPONSES.update({422: b"Unprocessable Content", 429: b"Too Many Requests"})  # else "Unknown Status"
NOT_READY_SECONDS = 10.0  # promise D4: dropped within 15 s
PING_SECONDS = 3  # a socket of few frames shows by its pongs that somebody reads; Daphne looks every two seconds
PONG_WITHIN = 9
LINGER_SECONDS = 2.0  # how long a refused body is read and thrown away, so that its sender can read the answer
SERVER_GOING = 4503
BACKLOG = 512
END_WITHIN = 4.5  # an operator waits five seconds for the end


class PortTaken(Exception):
    """Nobody can listen there; the words say what to do."""


class Outflow:
    """What one connection still owes its client: ready while the kernel takes what we write (at most 64 KB wait in the process)."""

    def __init__(self, drop: Callable[[], None]) -> None:
        self._drop = drop
        self._timer: Any = None
        self._drained: asyncio.Future[None] | None = None

    def ready(self) -> bool:
        """Whether the client has taken everything but the last 64 KB."""
        return self._timer is None

    def abort(self) -> None:
        """Drop the connection now; a close frame would queue behind what the client does not read."""
        self.release()
        self._drop()

    def pause(self) -> None:
        """The client does not keep up; it has ten seconds."""
        if self._timer is None:
            self._timer = reactor.callLater(NOT_READY_SECONDS, self._give_up)

    def release(self) -> None:
        """Everything has been taken, or the connection is gone."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        waiting, self._drained = self._drained, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def drained(self) -> None:
        """Until the client has caught up or is gone."""
        while not self.ready():
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def _give_up(self) -> None:
        access.warning("dropped a client that did not read for %.0f s", NOT_READY_SECONDS)
        self.abort()


class DeskChannel(_HTTPChannel):  # type: ignore[misc]
    """One TCP connection. It stays the transport's producer after an upgrade, so WebSockets are covered too."""

    outflow: Outflow

    def connectionMade(self) -> None:
        self.outflow = Outflow(self.transport.abortConnection)
        _notice_full_windows(self.transport.getHandle())
        super().connectionMade()

    def pauseProducing(self) -> None:
        self.outflow.pause()
        super().pauseProducing()

    def resumeProducing(self) -> None:
        self.outflow.release()
        super().resumeProducing()

    def stopProducing(self) -> None:
        self.outflow.release()
        super().stopProducing()

    def connectionLost(self, reason: Any = None) -> None:
        self.outflow.release()
        super().connectionLost(reason)


class DeskRequest(WebRequest):  # type: ignore[misc]
    """A request whose body is counted while it is read."""

    def __init__(self, channel: DeskChannel, queued: object = False) -> None:
        self.outflow = channel.outflow
        self._arrived = 0
        self._refused = False
        # Twisted would answer 400 to a body that is not the multipart its header claims (decision U17: any content type).
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def gotLength(self, length: int | None) -> None:
        self.content = BytesIO()
        if length is None or length <= self.server.max_body:
            super().gotLength(length)
        else:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self._arrived += len(data)
        if self._refused:
            return
        if self._arrived > self.server.max_body:
            self._refuse()
        else:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if not self._refused:
            super().requestReceived(command, path, version)

    def connectionLost(self, reason: Any) -> None:
        if self.path is None and not self._refused and (head := self._head()):
            self.server.on_cut(head)
        super().connectionLost(reason)

    def _refuse(self) -> None:
        self._refused = True
        self.content = BytesIO()
        self.requestHeaders.removeHeader(b"expect")  # else "100 Continue" would follow the answer
        head = self._head()
        answer = self.server.on_oversize(head)
        self._write_whole(answer)
        self.server.log_access(self.client.host, "POST", head.path if head else "", answer.status)
        self.channel.transport.loseWriteConnection()
        reactor.callLater(LINGER_SECONDS, self.channel.transport.abortConnection)

    def _write_whole(self, answer: Answer) -> None:
        headers = Headers({b"connection": [b"close"]})
        for name, value in answer.headers:
            headers.addRawHeader(name, value)
        status = str(answer.status).encode()
        self.channel.persistent = 0
        self.channel.writeHeaders(b"HTTP/1.1", status, http.RESPONSES.get(answer.status, b""), headers)
        self.channel.write(answer.body)

    def _head(self) -> Head | None:
        line = getattr(self.channel, "_path", None)  # Twisted tells a request its path only after the body
        if line is None:
            return None
        path, _, query = line.partition(b"?")
        headers = [(name.lower(), value) for name, values in self.requestHeaders.getAllRawHeaders() for value in values]
        return Head(unquote(path.decode("latin-1")), query, headers, str(getattr(self.client, "host", "")))

    def __repr__(self) -> str:
        return f"<request {self.method!r} {(self.path or b'')!r}>"  # Twisted's own shows the query string


class DeskHTTPFactory(HTTPFactory):  # type: ignore[misc]
    """HTTP/1.1 only: a proxy in front speaks HTTP/2 and TLS."""

    protocol = DeskChannel

    def buildProtocol(self, addr: Any) -> Any:
        channel = super().buildProtocol(addr)
        channel.requestFactory = DeskRequest
        return channel

    def log(self, request: Any) -> None:
        """Twisted's own access line would carry the query string."""


class DeskSocket(WebSocketProtocol):  # type: ignore[misc]
    """A WebSocket that can always be closed, and that sends messages of any length."""

    maxMessagePayloadSize: int

    @property
    def outflow(self) -> Outflow:
        channel: DeskChannel = self.transport.producer
        return channel.outflow

    def serverClose(self, code: int | None = None) -> None:
        """1000 and 3000–4999 can be sent; any other code would raise and leave the socket hanging."""
        sendable = code is None or code == 1000 or 3000 <= code <= 4999
        super().serverClose(code if sendable else SERVER_GOING)

    def sendMessage(self, *args: Any, **options: Any) -> None:
        """The cap on messages is for what clients send; autobahn would hold ours to it too, and a long board is larger."""
        cap, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(*args, **options)
        finally:
            self.maxMessagePayloadSize = cap

    def handle_exception(self, exception: BaseException) -> None:
        """An application that failed: 500 before the handshake is done, else the code after which our pages come back."""
        if hasattr(self, "handshake_deferred"):
            super().handle_exception(exception)
        else:
            self.serverClose(SERVER_GOING)


class DeskSocketFactory(WebSocketFactory):  # type: ignore[misc]
    protocol = DeskSocket


class DeskServer(Server):  # type: ignore[misc]
    """One listening desk.

    ``on_ready`` runs when the port is ours and before the loop runs; ``on_stopping`` when the end has begun. ``on_oversize`` answers a
    body over ``max_body`` bytes; ``on_cut`` hears of a request that was cut off. Both are given what is known of the request so far.
    """

    def __init__(
        self,
        application: Callable[..., Awaitable[None]],
        *,
        host: str,
        port: int,
        max_body: int,
        on_ready: Callable[[str], None],
        on_stopping: Callable[[], None],
        on_oversize: Callable[[Head | None], Answer],
        on_cut: Callable[[Head], None],
    ) -> None:
        self.host = "127.0.0.1" if host == "localhost" else host.strip("[]")
        self.port = port
        self.max_body = max_body
        self.on_ready = on_ready
        self.on_stopping = on_stopping
        self.on_oversize = on_oversize
        self.on_cut = on_cut
        self.exit_code = 0
        super().__init__(
            application,
            endpoints=[f"{self.host}:{port}"],
            action_logger=self._log_action,
            request_buffer_size=max_body + 1,  # one event a body: Daphne has spooled it already
            websocket_max_message_size=64 * 1024,
            websocket_max_frame_size=64 * 1024,
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_WITHIN,
            application_close_timeout=5,
            server_name="",
        )

    def run(self) -> None:
        """Serve until Ctrl-C, SIGTERM or :meth:`fail`. Raises :class:`PortTaken`."""
        self.connections: dict[Any, dict[str, Any]] = {}
        self._make_factories()
        globalLogBeginner.beginLoggingTo([cast(ILogObserver, _tell_failures)], redirectStandardIO=False, discardBuffer=True)
        _allow_many_sockets()
        port = self._listen()
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        asyncio.set_event_loop(reactor._asyncioEventloop)
        reactor.addSystemEventTrigger("before", "shutdown", self._wind_down, port)
        self.on_ready(self._url(port.getHost().port))
        reactor.run()

    def fail(self) -> None:
        """End with exit code 1; from any thread."""
        self.exit_code = 1
        reactor.callFromThread(self.stop)

    def create_application(self, protocol: DeskRequest | DeskSocket, scope: dict[str, Any]) -> Any:
        """The scope with what our applications need, and without what any client could forge."""
        outflow = protocol.outflow
        scope["root_path"] = self.root_path
        scope["desk.ready"] = outflow.ready
        scope["desk.abort"] = outflow.abort
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        """A streaming response waits for its reader; a WebSocket's sender asks ``desk.ready`` instead."""
        await super().handle_reply(protocol, message)
        if message.get("more_body"):
            await protocol.outflow.drained()

    def log_access(self, client: str, method: str, path: str, status: int | str, size: int = 0) -> None:
        """One line a request, without its query string; acknowledged pushes and static files only at DEBUG.

        ``path`` as it was sent, percent-encoded: the filter of secrets sees all of it as one word.
        """
        quiet = path.startswith(("/feeds/updategram/", "/static/")) and status in (200, 304)
        access.log(
            logging.DEBUG if quiet else logging.INFO, '%s "%s %s" %s %s', client, method, path.partition("?")[0], status, size or "-"
        )

    def _log_action(self, kind: str, action: str, details: dict[str, Any]) -> None:
        if kind == "http":
            self.log_access(details["client"], details["method"], details["path"], details["status"], details["size"])
        elif action != "connecting":
            self.log_access(details["client"], "WS", details["path"], action)

    def _make_factories(self) -> None:
        self.http_factory = DeskHTTPFactory(self)
        self.ws_factory = DeskSocketFactory(self, server=self.server_name)
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,  # origins are judged by the application
            openHandshakeTimeout=self.websocket_handshake_timeout,
            maxMessagePayloadSize=self.websocket_max_message_size,
            maxFramePayloadSize=self.websocket_max_frame_size,
        )

    def _listen(self) -> Any:
        try:
            return reactor.listenTCP(self.port, self.http_factory, backlog=BACKLOG, interface=self.host)
        except CannotListenError as error:
            raise PortTaken(taken_words(self.host, self.port, error.socketError)) from None

    def _url(self, port: int) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{port}/"

    def _wind_down(self, port: Any) -> Deferred[None]:
        _end_by_force_later()
        self.on_stopping()
        port.stopListening()
        return Deferred.fromFuture(asyncio.ensure_future(self._end_applications()))

    async def _end_applications(self) -> None:
        """Half a second to answer what is on its way, then everything is cancelled; two seconds at most."""
        for protocol in list(self.connections):
            if isinstance(protocol, DeskSocket) and protocol.state == DeskSocket.STATE_OPEN:
                protocol.serverClose(SERVER_GOING)
        running = await _left(self._applications(), 0.5)
        for task in running:
            task.cancel()
        await _left(running, 1.5)

    def _applications(self) -> list[asyncio.Future[Any]]:
        tasks = (details.get("application_instance") for details in self.connections.values())
        return [task for task in tasks if task is not None and not task.done()]


def _tell_failures(event: Mapping[str, Any]) -> None:
    """Twisted's own lines may hold whole request lines; its exceptions do not."""
    if (failure := event.get("log_failure")) is not None:
        logger.error("%s", failure.getTraceback())


async def _left(tasks: Iterable[asyncio.Future[Any]], seconds: float) -> set[asyncio.Future[Any]]:
    waiting = set(tasks)
    return (await asyncio.wait(waiting, timeout=seconds))[1] if waiting else waiting


def _end_by_force_later() -> None:
    """The process ends in time even if a thread of it hangs in a database or a broker."""
    watchdog = threading.Timer(END_WITHIN, _end_by_force)
    watchdog.daemon = True
    watchdog.start()


def _end_by_force() -> None:
    logger.critical("The desk did not end within %.1f s and is ended by force.", END_WITHIN)
    os._exit(1)


def _notice_full_windows(connection: socket.socket) -> None:
    """A client that takes nothing is dropped by the kernel too, long before its share of the kernel's own buffers is full."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(NOT_READY_SECONDS * 1000))


def _allow_many_sockets() -> None:
    """A thousand open files, the usual limit, are too few for the sockets of a desk."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def taken_words(host: str, port: int, error: OSError | Exception) -> str:
    """Why nobody can listen there, and what to do."""
    cause = getattr(error, "strerror", None) or error
    return f"Cannot listen on {host} port {port}: {cause}. Stop the other program or choose another port (PORT or --port)."
