"""A feed's secret typed where it does not belong, into the path, is refused and told to no log (promise E7)."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

import pytest

from tests.browser.conftest import SECRET, Desk

pytestmark = pytest.mark.browser
DOOR = "/feeds/updategram/test"


def status_of(desk: Desk, path: str) -> int:
    request = urllib.request.Request(desk.url + path, data=b"", method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def logged(desk: Desk, words: str) -> str:
    """The desk's log, once ``words`` are in it."""
    deadline = time.monotonic() + 5
    while words not in (text := desk.log.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert words in text
    return text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{DOOR}/ProcessMessage/{SECRET}", f"{DOOR}/ProcessMessage/***"),
        (f"{DOOR}/ProcessMessage/{SECRET}/and%20more", f"{DOOR}/ProcessMessage/***"),
        (f"{DOOR}/{SECRET}/ProcessMessage", f"{DOOR}/***/***"),
        (f"/feeds/updategram/{SECRET}/Heartbeat", "/feeds/updategram/***/Heartbeat"),
        (f"{DOOR}/{SECRET}", f"{DOOR}/***"),
    ],
)
def test_e7_a_secret_in_the_path_reaches_no_log(desk: Desk, path: str, told: str) -> None:
    assert status_of(desk, path) in (401, 404)
    text = logged(desk, f'"POST {told}"')
    assert SECRET not in text


def test_a_refused_sender_is_still_told_by_its_slug(desk: Desk) -> None:
    assert status_of(desk, f"{DOOR}/ProcessMessage") == 401
    logged(desk, f'"POST {DOOR}/ProcessMessage" 401')
