"""What tells frames apart before they are read: hints for routing, digests for repeats (U8)."""

from __future__ import annotations

import pytest

from feeds.updategram.wire import HINT_BYTES, Hint, content_digest, hint, same_content

from .building import GUID, fixture, market, market_set, sample, selection, updategram

pytestmark = pytest.mark.modeless

BODY = updategram(market_set(market(selection())))


def test_it_hints_guid_and_fixture() -> None:
    assert hint(BODY) == Hint(GUID, "3476056")
    assert hint(sample("fixture-football")[:HINT_BYTES]) == Hint(GUID, "5235368")
    assert hint(sample("fragment-2622-coverage.broken")).fixture_ref == "3025747"
    assert hint(sample("match-state-basketball")).fixture_ref == "7001"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_it_hints_in_every_encoding(encoding: str) -> None:
    assert hint(BODY.decode().encode(encoding)) == Hint(GUID, "3476056")


def test_it_hints_with_a_prefix_and_with_the_name_before_the_id() -> None:
    prefixed = BODY.decode().replace("<", "<g:").replace("<g:/", "</g:").replace("xmlns=", "xmlns:g=")
    assert hint(prefixed.encode()) == Hint(GUID, "3476056")
    late = fixture().replace("<Id>5235368</Id>", "").replace("</Name>", "</Name><Id>5235368</Id>")
    assert hint(updategram(late)).fixture_ref == "5235368"


@pytest.mark.parametrize("head", [b"", b"\xff\xfe", b"\xff", b"<", b"not xml", b"\x00" * 5000, BODY[:120], b"<FixtureId>abc</FixtureId>"])
def test_it_hints_nothing_where_nothing_can_be_read(head: bytes) -> None:
    assert hint(head).fixture_ref == ""


def test_it_looks_at_the_first_four_kilobytes_only() -> None:
    assert hint(b" " * HINT_BYTES + BODY) == Hint()


def test_u8_a_retry_has_the_same_digest() -> None:
    assert content_digest(BODY) == content_digest(BODY.replace(b"<Retry>0<", b"<Retry> 12 <"))
    prefixed = BODY.replace(b"<Retry>0</Retry>", b"<Retry>3</Retry>")
    assert same_content(BODY, prefixed)


@pytest.mark.parametrize(
    "other",
    [
        BODY.replace(b"1.85", b"1.86"),
        BODY.replace(b"344251Z", b"344252Z"),
        BODY.replace(b">Open<", b">Closed<"),
        BODY.replace(b"1.85", b"1<!-- -->.85"),
        BODY.replace(b"1.85", b"1&#46;85"),
        BODY.replace(b"<Name>Draw", b"<Name a='1'>Draw"),
        BODY.replace(b"</Selection>", b"<Retry>1</Retry></Selection>"),
        BODY.replace(b"<Retry>0</Retry>", b"<Retry>0</Retry><Retry2>1</Retry2>"),
        BODY[:-1],
    ],
)
def test_u8_other_content_differs(other: bytes) -> None:
    assert content_digest(other) != content_digest(BODY)
    assert not same_content(other, BODY)


def test_u8_other_spellings_of_the_same_content_are_the_same() -> None:
    text = BODY.decode()
    prefixed = text.replace("<", "<g:").replace("<g:/", "</g:").replace("xmlns=", "xmlns:g=")
    indented = text.replace("><", ">\n\t<")
    retried = text.replace("<Retry>0</Retry>", "<Retry>1</Retry>")
    for other in (prefixed.encode(), indented.encode(), text.encode("utf-16"), b"\xef\xbb\xbf" + text.encode(), (indented + "\n").encode()):
        assert same_content(other, retried.encode())
    assert same_content(text.replace("<Retry>0</Retry>", "").encode(), BODY)
    for guid in (f"{{{GUID}}}", GUID.upper()):
        assert same_content(text.replace(GUID, guid).encode(), BODY)


def test_u8_broken_frames_are_compared_by_their_bytes() -> None:
    assert same_content(b"<a", b"<a")
    assert not same_content(b"<a", b"<b")
    assert same_content(BODY[:-3], BODY.replace(b"<Retry>0<", b"<Retry>1<")[:-3])
