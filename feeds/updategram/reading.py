"""Access to the elements of one document: children by name, trimmed text, and what was odd about them.

``lxml`` gives an element's text only up to its first child, comment or processing instruction. Everything here is built so that such
a cut is never taken for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from lxml import etree

from feeds.errors import Unreadable

NAMESPACE = "http://schemas.sportsdataservices.com/integrationService/v3"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
NAME_LIMIT = 300
NOTE_LIMIT = 40
MARKUP = "\ufffd"

Element = etree._Element
Names = dict[str, str]
Value = str | Element | None
"""A leaf's trimmed text (``""`` when empty), the element itself where it has anything inside but text, ``None`` when absent."""
Fields = dict[str, Value]

_WITH_ATTRIBUTES = etree.XPath("//*[@*]")
_IDENTITIES = {"Id", "FixtureId", "MarketId", "SelectionId", "MessageGuid"}
_NIL = f"{{{INSTANCE}}}nil"
_INSTANCE_ATTRIBUTES = {f"{{{INSTANCE}}}{name}" for name in ("nil", "type", "schemaLocation", "noNamespaceSchemaLocation")}
_XML_ATTRIBUTES = "{http://www.w3.org/XML/1998/namespace}"


def names(*known: str) -> Names:
    """Tag → name, for the documented namespace and for none at all (U7)."""
    return {tag: name for name in known for tag in (name, f"{{{NAMESPACE}}}{name}")}


def local(element: Element) -> str:
    """The tag without its namespace."""
    return element.tag.rpartition("}")[2]


def documented(element: Element) -> bool:
    """Whether the tag is in the documented namespace or in none."""
    space, brace, _ = element.tag.rpartition("}")
    return not brace or space == "{" + NAMESPACE


def line(element: Element | None) -> int | None:
    found = None if element is None else element.sourceline
    return found if isinstance(found, int) else None


def is_element(node: Element) -> bool:
    """False for comments, processing instructions and entity references."""
    return isinstance(node.tag, str)


def is_nil(element: Element) -> bool:
    """``i:nil``: an element that counts as absent (U7)."""
    return (element.get(_NIL) or "").strip() in {"true", "1"}


def elements(parent: Element) -> Iterator[Element]:
    return (child for child in parent if isinstance(child.tag, str))


def _whole_text(element: Element) -> str:
    """Text around comments and processing instructions; child elements leave a mark that no grammar accepts."""
    parts = [element.text or ""]
    for child in element:
        parts += ["" if not is_element(child) and child.tag is not etree.Entity else MARKUP, child.tail or ""]
    return "".join(parts).strip()


def text(value: Value) -> str:
    """Trimmed text of a leaf; ``""`` for an absent, empty or nil one."""
    if isinstance(value, str):
        return value
    return "" if value is None else _whole_text(value)


def leaf(element: Element) -> Value:
    """An element as a value: its text, or itself where it has anything inside but text."""
    return element if len(element) else (element.text or "").strip()


def inside(value: Value) -> Element | None:
    """The element of a value that has something inside but text."""
    return None if value is None or isinstance(value, str) else value


def path(element: Element) -> str:
    """Where an element stands, from below the root: ``MarketSet/Markets/Market/Sequence``."""
    above = [local(a) for a in element.iterancestors()]
    return "/".join([*above[-2::-1], local(element)])[:160]


class Reading:
    """One document being read: its notes, and children by name. Notes are bounded and each is made once."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._unsaid = 0

    def note(self, words: str) -> None:
        words = words[:240]
        if words in self._notes:
            return
        if len(self._notes) < NOTE_LIMIT:
            self._notes[words] = None
        else:
            self._unsaid += 1

    @property
    def notes(self) -> tuple[str, ...]:
        more = (f"… and {self._unsaid} more",) if self._unsaid else ()
        return (*self._notes, *more)

    def fields(self, element: Element, known: Names) -> Fields:
        """Known children by name. Unknown ones are noted (U6); one given twice with different content cannot be read."""
        try:
            found: Fields = {known[child.tag]: (child if len(child) else (child.text or "").strip()) for child in element}
        except KeyError:
            return self._odd_fields(element, known)
        return found if len(found) == len(element) else self._odd_fields(element, known)

    def _odd_fields(self, element: Element, known: Names) -> Fields:
        """Each unknown name is noted once, though it may stand there a hundred thousand times (E4)."""
        first: dict[str, Element] = {}
        for child in elements(element):
            if child.tag not in known:
                first.setdefault(child.tag, child)
        for child in first.values():
            self.unknown(child)
        return self.some(element, known)

    def some(self, element: Element, known: Names) -> Fields:
        """As :meth:`fields` of an element of which only these children are read."""
        found: dict[str, Element] = {}
        for child in elements(element):
            if name := known.get(child.tag):
                found[name] = self._merged(found[name], child, name) if name in found else child
        return {name: leaf(child) for name, child in found.items()}

    def _merged(self, first: Element, second: Element, name: str) -> Element:
        if etree.tostring(first, with_tail=False) == etree.tostring(second, with_tail=False):
            self.note(f"{path(second)} is given twice")
            return second
        if name in _IDENTITIES or len(first) or len(second):
            raise Unreadable(f"{path(second)} is given twice, differently", line(second))
        self.note(f"{path(second)} is given twice, differently: not read")
        both = etree.Element(name)
        both.text = f"{(first.text or '')[:40]} {MARKUP} {(second.text or '')[:40]}"
        return both

    def unknown(self, element: Element) -> None:
        """Note an element that 003 does not name; it is left out."""
        if len(self._notes) < NOTE_LIMIT:
            self.note(f"unknown element {path(element)}")
        else:
            self._unsaid += 1

    def object(self, value: Value, known: Names) -> Fields:
        """The fields of a nested object; none where it is absent, nil or empty."""
        return {} if value is None or isinstance(value, str) else self.fields(value, known)

    def array(self, value: Value, item: Names, note: bool = True) -> list[Element]:
        """The items of an array element; whatever else is in it is noted."""
        parent = inside(value)
        if parent is None:
            return []
        found = [child for child in parent if child.tag in item]
        if note and len(found) != len(parent):
            for child in elements(parent):
                if child.tag not in item:
                    self.unknown(child)
        return found

    def name(self, value: Value, limit: int = NAME_LIMIT) -> str:
        """Descriptive text, cut to what the store can hold."""
        found = value if isinstance(value, str) else text(value)
        if len(found) <= limit:
            return found
        self.note(f"text longer than {limit} characters was cut")
        return found[:limit]

    def attributes(self, root: Element) -> None:
        """Take out what is ``i:nil`` (U7) and note attributes that nobody documents.

        Looked up by one search over the tree, since almost no element has an attribute.
        """
        for element in cast("list[Element]", _WITH_ATTRIBUTES(root)):
            for key in element.attrib:
                if str(key) == _NIL:
                    if is_nil(element):
                        _remove(element)
                elif key not in _INSTANCE_ATTRIBUTES and not str(key).startswith(_XML_ATTRIBUTES):
                    self._unknown_attribute(element, str(key))

    def _unknown_attribute(self, element: Element, key: str) -> None:
        if len(self._notes) < NOTE_LIMIT:
            self.note(f"unknown attribute {path(element)}/@{key.rpartition('}')[2]}")
        else:
            self._unsaid += 1


def _remove(element: Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)
