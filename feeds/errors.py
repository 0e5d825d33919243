"""What can be wrong with a frame as a whole; anything smaller is a note inside its :class:`markets.domain.messages.Message`."""

from __future__ import annotations


class Unreadable(Exception):
    """A frame that cannot be applied at all: it is quarantined, never refused (promise B3, decision U7).

    ``reason``: words for the operator, without markup and at most 300 characters. ``line``: 1-based line of the document, where known.
    ``guid`` and ``fixture_refs``: what could still be read, so that only those fixtures are held (promise B7); empty where nothing could.
    """

    def __init__(self, reason: str, line: int | None = None, guid: str = "", fixture_refs: tuple[str, ...] = ()) -> None:
        self.reason = reason[:300]
        self.line = line
        self.guid = guid
        self.fixture_refs = fixture_refs
        super().__init__(self.words)

    @property
    def fixture_ref(self) -> str:
        """The one fixture that it was about; empty where none could be read, or several."""
        return self.fixture_refs[0] if len(self.fixture_refs) == 1 else ""

    @property
    def words(self) -> str:
        """Reason with its line, as the quarantine shows it."""
        return f"line {self.line}: {self.reason}" if self.line else self.reason


class Trouble(Exception):
    """A connection of ours that cannot go on as it is; ``words`` say why, for the operator, without any secret."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words[:300]


class Retryable(Trouble):
    """It passes by itself: the same attempt may succeed in a moment."""


class NotYet(Retryable):
    """Nothing is wrong: there is nothing to read yet."""


class Refused(Trouble):
    """The provider does not let us in, or we have nothing to show: a person must act."""


class Hopeless(Trouble):
    """The same attempt will fail again: an address, a certificate or a protocol is wrong."""


class Gone(Hopeless):
    """There is nothing at this address (404, 410): no such subject, or none any more."""


class Absent(Retryable):
    """No stream there (404), not yet or not any more."""


class Throttled(Retryable):
    """We ask too often (429), or are told when to come back (503): not again within ``seconds``."""

    def __init__(self, words: str, seconds: float) -> None:
        super().__init__(words)
        self.seconds = seconds
