"""The single keys of the pages: what each does, and which of them a person has put elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from msgspec import Struct
from msgspec.structs import replace


class Shortcut(Struct, frozen=True):
    """``action`` as ``board.js`` names it; ``key``: one character, a capital letter with Shift, empty for none."""

    action: str
    key: str
    words: str

    @property
    def shown(self) -> str:
        """As on a keyboard: ``S``, ``Shift S``, ``/``."""
        return f"Shift {self.key}" if self.key.isupper() else self.key.upper()


SHORTCUTS = (
    Shortcut("down", "j", "next row"),
    Shortcut("up", "k", "previous row"),
    Shortcut("left", "h", "previous price in the row"),
    Shortcut("right", "l", "next price in the row"),
    Shortcut("filter", "/", "filter"),
    Shortcut("views", "v", "views of the board"),
    Shortcut("select", "x", "select the row"),
    Shortcut("suspend", "s", "suspend: the selected rows, else the row or price under the keys"),
    Shortcut("resume", "r", "resume the same"),
    Shortcut("suspend-fixture", "S", "suspend the fixture"),
    Shortcut("resume-fixture", "R", "resume the fixture"),
    Shortcut("open", "f", "open the fixture"),
    Shortcut("pop-out", "o", "open the fixture in a window of its own"),
    Shortcut("undo", "u", "undo the last command, for 8 seconds"),
    Shortcut(
        "still-holds", "c", "confirm that an override from before the point still holds: of the price under the keys, else the only one"
    ),
    Shortcut("take-over", "m", "on a fixture with a point feed: hold manually, or release"),
    Shortcut("explain", "e", "explain this price"),
    Shortcut("pause", "p", "pause updates"),
    Shortcut("help", "?", "the list of shortcuts"),
)
_OWN = {shortcut.action: shortcut.key for shortcut in SHORTCUTS}


def chosen(keys: Mapping[str, str]) -> tuple[Shortcut, ...]:
    """The desk's shortcuts with the person's own keys."""
    return tuple(replace(shortcut, key=keys.get(shortcut.action, shortcut.key)) for shortcut in SHORTCUTS)


class ShortcutsForm(forms.Form):
    """A key for each action; left empty, it has none. No key does two things."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for shortcut in SHORTCUTS:
            size = forms.TextInput(attrs={"size": 2, "class": "num", "autocomplete": "off"})
            self.fields[shortcut.action] = forms.CharField(max_length=1, required=False, label=shortcut.words, widget=size)

    def clean(self) -> dict[str, str]:
        keys: dict[str, str] = super().clean() or self.cleaned_data
        taken: dict[str, str] = {}
        for action, key in list(keys.items()):  # an error takes its key away
            if key and not key.isprintable():
                self.add_error(action, "a key that writes a character, please")
            elif key in taken:
                self.add_error(action, f"{key} is taken: {taken[key]}")
            elif key:
                taken[key] = str(self.fields[action].label)
        return keys

    @property
    def changed(self) -> dict[str, str]:
        """Action → key where it is another than the desk's own."""
        return {action: key for action, key in self.cleaned_data.items() if key != _OWN[action]}
