"""What a fault makes of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

import msgspec

from .faults import Fault
from .server import Answer, json
from .stream import Pace

HTML_PAGE = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


def refusal(status: HTTPStatus, words: str, *headers: tuple[str, str]) -> Answer:
    """Errors of this provider: ``{error, status}``."""
    return json(status, {"error": words, "status": int(status)}, *headers)


def too_many(_: Answer, pace: Pace) -> Answer:
    return refusal(HTTPStatus.TOO_MANY_REQUESTS, "slow down", ("Retry-After", f"{pace.retry:.0f}"))


def error(_: Answer, pace: Pace) -> Answer:
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")


def cut(answer: Answer, _: Pace) -> Answer:
    return msgspec.structs.replace(answer, cut=True)


def html(_: Answer, pace: Pace) -> Answer:
    return Answer(HTTPStatus.OK, HTML_PAGE, "text/html; charset=utf-8")


def truncated(answer: Answer, _: Pace) -> Answer:
    return msgspec.structs.replace(answer, body=answer.body[: len(answer.body) * 2 // 3])


def changed(answer: Answer, _: Pace) -> Answer:
    return json(answer.status, {"data": msgspec.Raw(answer.body), "meta": {"version": 2}})


def first_twice(answer: Answer, _: Pace) -> Answer:
    body = msgspec.json.decode(answer.body)
    return json(answer.status, [*body[:1], *body]) if isinstance(body, list) else answer


HARMS: Mapping[Fault, Callable[[Answer, Pace], Answer]] = {
    Fault.TOO_MANY: too_many,
    Fault.ERROR: error,
    Fault.CUT: cut,
    Fault.HTML: html,
    Fault.TRUNCATED: truncated,
    Fault.CHANGED: changed,
    Fault.TWICE: first_twice,
}
"""SLOW and VANISHED leave the answer as it is."""
