"""Read one Updategram (003 "Updategram Header" and what follows) into a :class:`markets.domain.messages.Message`.

Bytes come from outside: the parser is hardened and bounded (promise E4), a DOCTYPE is refused before it, and whatever goes wrong
becomes :class:`feeds.errors.Unreadable` with line, reason and, where they can still be read, guid and fixture (promises B3, B7).
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime

from lxml import etree
from msgspec import Struct

from feeds.errors import Unreadable
from markets.domain.messages import Message, Part, UnknownPart

from . import grammar
from .fixtures import coverage, fixture
from .markets import market_set
from .matchstate import KIND_LIMIT, is_match_state, match_state
from .reading import NAMESPACE, Element, Fields, Reading, documented, elements, is_element, is_nil, leaf, line, local, names, text
from .results import result_set
from .values import required_id

HINT_BYTES = 4096
NODE_LIMIT = 260_000  # 4 MB as the vendor writes it stay below; a tree of this size stays below 50 MB and half a second
MOST_HELD = 16  # fixtures that an unreadable document may name; of one that names more, the feed is held
_LABEL = 64

_ENCODING = re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_UTF8_NAMES = {"utf-8", "utf8", "us-ascii", "ascii", "utf-16"}  # .NET labels UTF-8 text "utf-16" when it was a string first
_ONE_BYTE = re.compile(r"(?:iso-8859-\d{1,2}|windows-125\d)", re.ASCII)
_PROLOG = re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_DECLARATION = re.compile(rb"\s*<!(?!--)")
_ATTRIBUTES = rb"""(?:\s(?:[^<>"']|"[^"<]*"|'[^'<]*')*+)?"""
_PRICE_MARKUP = re.compile(
    rb"(<(?:[^\s<>/:&]{1,64}:)?(?:Decimal|Numerator|Denominator)" + _ATTRIBUTES + rb">)([^<]*&[^<]*|[^<]*(?=<!\[CDATA\[))"
)
_LINE_SUFFIX = re.compile(r", line \d+, column \d+.*\Z", re.DOTALL)

_PREFIX = r"(?:[^\s<>/:&]{1,64}:)?"
_REST = r"(?:\s[^<>]{0,200}+)?+>"  # of a start tag; bounded, because each word may be followed by all the others
_INTEGER_TEXT = r"\s*([+-]?[0-9]{1,19})(?:\.0{1,9})?\s*</"
_LEAF = rf"\s*<(?!{_PREFIX}Id[\s>])([^\s<>/]{{1,80}}){_REST}[^<]*</\1>"
# these begin with a word, not with "<", so that the search for them is fast in any body
_GUID = re.compile(rf"MessageGuid(?<=[<:]MessageGuid){_REST}\s*\{{?([0-9a-fA-F-]{{36}})\}}?\s*</")
_FIXTURE_ID = re.compile(rf"FixtureId(?<=[<:]FixtureId){_REST}{_INTEGER_TEXT}")
_FIXTURE_OWN_ID = re.compile(rf"Fixture(?<=[<:]Fixture){_REST}(?:{_LEAF}){{0,20}}\s*<{_PREFIX}Id{_REST}{_INTEGER_TEXT}")
_NOT_CONTENT = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL)
_RETRY = re.compile(rb"(<(?:[^\s<>/:&]{1,64}:)?Retry(?:\s[^<>]*)?>)\s*[0-9]{1,9}\s*(?=</)")
_HEADER_END = re.compile(rb"</(?:[^\s<>/:&]{1,64}:)?Header\s*>")

_DEFAULT_NAMESPACE = b' xmlns="' + NAMESPACE.encode() + b'"'

_HEADER = names(
    "MessageGuid", "TimeStampUtc", "Retry", "CustomerId", "ChannelId", "MessageFixtureOrder", "IsHeartbeat", "IsCompact"
)  # fmt: skip
_RETRY_NAMES = names("Retry")
_GUID_NAMES = names("MessageGuid")
_PARTS: dict[str, Callable[[Reading, Element], tuple[str, Part]]] = {
    "Fixture": fixture,
    "MarketSet": market_set,
    "ResultSet": result_set,
    "Coverage": coverage,
}


class Hint(Struct, frozen=True):
    """What the first bytes say, for routing only: empty where nothing could be read."""

    guid: str = ""
    fixture_ref: str = ""
    seq: int | None = None
    urgent: bool = False


# --- bytes to tree -------------------------------------------------------------------------------------------------------------


def _decoded(body: bytes, encoding: str) -> bytes:
    try:
        return body.decode(encoding).encode()
    except (UnicodeError, LookupError) as error:
        raise Unreadable(f"the body is not valid {encoding}") from error


def _as_utf8(body: bytes) -> bytes:
    """The same document in UTF-8, so that every later look at the bytes sees what the parser sees."""
    if not body or body.isspace():
        raise Unreadable("the body is empty")
    if body.startswith(codecs.BOM_UTF8):
        return body[3:]
    if body.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Unreadable("the encoding utf-32 is not accepted")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded(body, "utf-16")
    if body[:2] in {b"<\0", b"\0<"}:
        return _decoded(body, "utf-16-le" if body[:1] == b"<" else "utf-16-be")
    declared = _ENCODING.search(body[:300])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if name in _UTF8_NAMES:
        return body
    if _ONE_BYTE.fullmatch(name):
        return _decoded(body, name)
    raise Unreadable(f"the encoding {name} is not accepted")


def _refuse_doctype(document: bytes) -> None:
    """Before the parser sees it: a DOCTYPE can only stand between the beginning and the root element."""
    position = 0
    while found := _PROLOG.match(document, position):
        position = found.end()
    if found := _DECLARATION.match(document, position):
        raise Unreadable("a document type (DOCTYPE) is not accepted", document.count(b"\n", 0, found.end()) + 1)


def _marked_price(found: re.Match[bytes]) -> bytes:
    return found[1] + b"<?markup?>" + found[2].replace(b"&", b"&amp;")


def _mark_price_markup(document: bytes) -> bytes:
    """The parser resolves character references and CDATA out of sight; put a mark where a price contains any (U7)."""
    if b"&" in document or (b"[" in document and b"<![CDATA[" in document):
        return _PRICE_MARKUP.sub(_marked_price, document)
    return document


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_blank_text=True,
        strip_cdata=False,
        collect_ids=False,
    )


def _refuse_too_many(document: bytes) -> None:
    """Every element, comment or attribute costs the parser 100 to 300 bytes, whatever the size of the body."""
    if 2 * len(document) > NODE_LIMIT and document.count(b"<") + 2 * document.count(b"=") > NODE_LIMIT:
        raise Unreadable("the document has too many elements or attributes")


def _without_namespace(document: bytes) -> bytes:
    """Names outside any namespace mean the same here (U7) and are read a sixth faster; a large message has 50,000 of them."""
    head = document[:HINT_BYTES]
    return head.replace(_DEFAULT_NAMESPACE, b"", 1) + document[HINT_BYTES:] if _DEFAULT_NAMESPACE in head else document


def _tree(document: bytes) -> Element:
    _refuse_too_many(document)
    _refuse_doctype(document)
    try:
        root = etree.fromstring(_mark_price_markup(_without_namespace(document)), _parser())
    except etree.XMLSyntaxError as error:
        reason = _LINE_SUFFIX.sub("", error.msg or "") or "no XML document"
        raise Unreadable(f"unreadable XML: {reason}", error.lineno or None) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("a document type (DOCTYPE) is not accepted")
    return root


# --- tree to message -----------------------------------------------------------------------------------------------------------


class _Header(Struct, frozen=True):
    guid: str
    stream: str
    sent_at: datetime | None
    order: int | None
    order_lost: bool
    retry: int
    heartbeat: bool


def _read_header(reading: Reading, root: Element) -> _Header:
    headers = [child for child in elements(root) if local(child) == "Header" and documented(child)]
    if len(headers) != 1:
        raise Unreadable("the header is missing" if not headers else "there are several headers", line(root))
    f = reading.fields(headers[0], _HEADER)
    order = _header_integer(reading, f, "MessageFixtureOrder")
    return _Header(
        guid=_guid(f, headers[0]),
        stream="/".join(filter(None, (reading.name(f.get(name), _LABEL) for name in ("CustomerId", "ChannelId")))),
        sent_at=_sent_at(reading, f),
        order=order,
        order_lost=order is None and text(f.get("MessageFixtureOrder")) != "",
        retry=min(max(_header_integer(reading, f, "Retry") or 0, 0), 2**31 - 1),
        heartbeat=grammar.boolean(text(f.get("IsHeartbeat"))) is True,
    )


def _guid(f: Fields, header: Element) -> str:
    said = text(f.get("MessageGuid"))
    found = grammar.guid(said)
    if not found:
        raise Unreadable(f"MessageGuid “{said[:60]}” is no guid" if said else "MessageGuid is missing", line(header))
    return found


def _sent_at(reading: Reading, f: Fields) -> datetime | None:
    said = text(f.get("TimeStampUtc"))
    value = grammar.moment(said)
    if value is None:
        reading.note(f"TimeStampUtc “{said[:40]}” is no time" if said else "TimeStampUtc is missing")
    return value


def _header_integer(reading: Reading, f: Fields, name: str) -> int | None:
    said = text(f.get(name))
    value = grammar.integer(said)
    if said and value is None:
        reading.note(f"{name} “{said[:40]}” is no whole number: left out")
    return value


def _unknown_part(reading: Reading, element: Element, message_ref: str) -> tuple[str, Part]:
    """A message kind that we do not know: kept as such, its fixture is held (U6); the message's where it names none itself."""
    name = reading.name(local(element), KIND_LIMIT)
    reading.note(f"unknown message kind {name}: the fixture is held")
    own = {local(child): leaf(child) for child in elements(element) if local(child) in {"FixtureId", "Id"}}
    if message_ref and "FixtureId" not in own:
        return message_ref, UnknownPart(name)
    return required_id(own, "FixtureId" if "FixtureId" in own else "Id", element), UnknownPart(name)


def _parts(reading: Reading, root: Element) -> list[tuple[str, Part | None]]:
    known = list(_known_parts(reading, root))
    ref = known[0][0] if known else ""
    return [*known, *(_unknown_part(reading, child, ref) for child in _unknown(root))]


def _is_known(child: Element) -> bool:
    name = local(child)
    return documented(child) and (name in _PARTS or name in {"Header", "FixtureId"} or is_match_state(name))


def _unknown(root: Element) -> Iterator[Element]:
    return (child for child in elements(root) if not _is_known(child) and not is_nil(child))


def _known_parts(reading: Reading, root: Element) -> Iterator[tuple[str, Part | None]]:
    for child in elements(root):
        name = local(child)
        if is_nil(child) or not documented(child):
            continue
        if name in _PARTS:
            yield _PARTS[name](reading, child)
        elif name == "FixtureId":
            yield required_id({name: leaf(child)}, name, root), None
        elif is_match_state(name):
            yield match_state(reading, child)


def _has_attributes(document: bytes) -> bool:
    """Whether any element may carry an attribute that matters: more than ``i:nil`` on an element that is empty anyway."""
    below_root = document.find(b">", document.find(b"<Updategram") + 1)  # 0 where prefixed: then the root's own count, no harm
    if document.find(b"=", below_root) < 0:
        return False
    return document.count(b"=", below_root) > document.count(b':nil="true" />', below_root) + document.count(b':nil="true"/>', below_root)


def _named(root: Element) -> str:
    """With its namespace, where that is why it is another."""
    return local(root)[:60] if documented(root) else f"{local(root)[:60]} of the namespace {root.nsmap.get(root.prefix) or ''!s:.100}"


def _message(root: Element, document: bytes) -> Message:
    if local(root) != "Updategram" or not documented(root):
        raise Unreadable(f"the root element is {_named(root)}, not Updategram", line(root))
    reading = Reading()
    if _has_attributes(document) or root.find("{*}Fixture") is not None:
        reading.attributes(root)
    header = _read_header(reading, root)
    found = _parts(reading, root)
    fixtures = {ref for ref, _ in found}
    if len(fixtures) > 1:
        raise Unreadable(f"the message speaks of several fixtures: {', '.join(sorted(fixtures)[:5])}")
    if not fixtures and not header.heartbeat:
        raise Unreadable("the message names no fixture")
    return Message(
        guid=header.guid,
        fixture_ref=fixtures.pop() if fixtures else "",
        parts=tuple(part for _, part in found if part is not None),
        sent_at=header.sent_at,
        order=header.order,
        order_lost=header.order_lost,
        stream=header.stream,
        retry=header.retry,
        notes=reading.notes,
    )


def parse(body: bytes) -> Message:
    """One document to one message. Raises :class:`feeds.errors.Unreadable`, and nothing else, for any bytes.

    A message without parts and without a fixture is a heartbeat in an Updategram's clothes (header ``IsHeartbeat``): it changes nothing.
    """
    try:
        document = _as_utf8(body)
    except Unreadable as error:
        head = hint(body)
        raise _placed(error, head.guid, {head.fixture_ref}) from error
    try:
        return _message(_tree(document), document)
    except Unreadable as error:
        raise _placed(error, *_salvaged(document)) from error


# --- what can be said without parsing ------------------------------------------------------------------------------------------


def _placed(error: Unreadable, guid: str, fixtures: set[str]) -> Unreadable:
    named = tuple(sorted(fixtures - {""}))
    return Unreadable(error.reason, error.line, guid, named if len(named) <= MOST_HELD else ())


def _said(pattern: re.Pattern[str], content: str) -> Iterator[str]:
    """What an element of that name says, wherever it opens."""
    return (found[found.lastindex or 0] for found in pattern.finditer(content))


def _salvaged(document: bytes) -> tuple[str, set[str]]:
    """Guid and fixtures of a document that cannot be applied (B7); a guid only where the whole text says exactly one."""
    content = _NOT_CONTENT.sub("", document.decode(errors="replace"))
    guids = {grammar.guid(g) for g in _said(_GUID, content)}
    fixtures = {grammar.identifier(f) for pattern in (_FIXTURE_ID, _FIXTURE_OWN_ID) for f in _said(pattern, content)}
    return guids.pop() if len(guids) == 1 else "", fixtures


def _head_text(head: bytes) -> str:
    head = head[:HINT_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="replace")
    if head[:2] in {b"<\0", b"\0<"}:
        return head.decode("utf-16-le" if head[:1] == b"<" else "utf-16-be", errors="replace")
    return head.decode(errors="replace")


def hint(head: bytes) -> Hint:
    """Guid and fixture id by a bounded scan of the first 4 KB; never raises."""
    content = _head_text(head)
    guid = next(_said(_GUID, content), "")
    fixture_ref = next(_said(_FIXTURE_OWN_ID, content), "") or next(_said(_FIXTURE_ID, content), "")
    return Hint(grammar.guid(guid), grammar.identifier(fixture_ref))


def _without_retry(document: bytes) -> bytes:
    """The same bytes with the header's retry count cut out."""
    end = _HEADER_END.search(document)
    if not end:
        return document
    return _RETRY.sub(rb"\1", document[: end.start()], count=1) + document[end.start() :]


def content_digest(body: bytes) -> str:
    """SHA-256 (hex) of the content apart from ``Retry`` (decision U8); of the bytes where they are no text we accept.

    Equal digests mean equal content. Unequal ones may still be the same content in another spelling: ask :func:`same_content`.
    """
    try:
        document = _as_utf8(body)
    except Unreadable:
        document = body
    return hashlib.sha256(_without_retry(document)).hexdigest()


def _is_header(node: Element) -> bool:
    return is_element(node) and local(node) == "Header"


def _content(node: Element) -> list[Element]:
    in_header = _is_header(node)
    return [child for child in node if not (in_header and child.tag in _RETRY_NAMES)]


def _same_node(a: Element, b: Element) -> bool:
    """What one node says by itself, whatever its prefix and the blanks around it."""
    if not is_element(a) or not is_element(b):
        return a.tag is b.tag and (a.text or "") == (b.text or "")
    return _saying(a) == _saying(b)


def _saying(a: Element) -> tuple[object, ...]:
    said = (a.text or "").strip()
    return local(a), documented(a) or a.tag, sorted(a.attrib.items()), (a.tag in _GUID_NAMES and grammar.guid(said)) or said


def _same_tree(a: Element, b: Element) -> bool:
    if not _same_node(a, b) or (len(a) != len(b) and not _is_header(a)):  # before any look at what may be 100,000 children
        return False
    ours, theirs = _content(a), _content(b)
    return len(ours) == len(theirs) and all(
        _same_tree(x, y) and (x.tail or "").strip() == (y.tail or "").strip() for x, y in zip(ours, theirs, strict=True)
    )


def same_content(a: bytes, b: bytes) -> bool:
    """Whether two frames say the same apart from ``Retry`` (decision U8), compared canonically where both are XML."""
    if content_digest(a) == content_digest(b):
        return True
    try:
        return _same_tree(_tree(_as_utf8(a)), _tree(_as_utf8(b)))
    except Unreadable:
        return False
