"""What a browser may send: read into typed values, refused with words."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from markets.domain.sports.tennis import Outcome
from markets.domain.values import OverrideKind, Scope

BIG = 2**62
EPOCH, FAR = date(1970, 1, 1), date(2999, 12, 31)
FAR_MS = 32_503_593_600_000
"""The same in milliseconds."""
TABS = {"live": "Live", "soon": "Soon", "mine": "Mine", "attention": "Needs attention"}
"""Of the board, with their words."""
SORTS = ("state", "name", "suspended", "overrides")
"""Columns of the board that sort it."""
PLAIN = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,4})?")


def plain_decimal(text: str) -> Decimal:
    """A number as people write it: no exponent, no NaN, no digits of other scripts. Raises ``ValueError``."""
    if not PLAIN.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def row_id(text: str) -> int | None:
    """A row's number as we write it: ASCII digits, within 64 bits; None for all else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class PlainDecimalField(forms.CharField):
    """A price, an offset or a percentage."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return plain_decimal(text)
        except ValueError:
            raise forms.ValidationError("a number like 1.85, please") from None


class OverrideForm(forms.Form):
    """A price for a while. ``version`` is what the person saw (P1); ``confirmed`` comes with the second Enter."""

    selection = forms.IntegerField(min_value=1, max_value=BIG)
    kind = forms.ChoiceField(choices=[(k.value, k.value) for k in OverrideKind], initial=OverrideKind.PRICE.value)
    value = PlainDecimalField(max_length=20)
    seconds = forms.IntegerField(min_value=1, max_value=366 * 86_400)
    reason = forms.CharField(max_length=300, required=False)
    through_points = forms.BooleanField(required=False)
    version = forms.IntegerField(min_value=0, max_value=BIG, required=False)
    confirmed = forms.BooleanField(required=False)


class OverrideChangeForm(forms.Form):
    """Cancel or extend the override of a selection; ``seconds`` is asked for by extend only."""

    selection = forms.IntegerField(min_value=1, max_value=BIG)
    seconds = forms.IntegerField(min_value=1, max_value=366 * 86_400, required=False)
    version = forms.IntegerField(min_value=0, max_value=BIG, required=False)


class OverrideConfirmForm(forms.Form):
    """That the override of a selection still holds; ``confirmed`` comes with the second press, where it is far from the feed's price.

    ``point_ended``: when the point ended that the person saw last, milliseconds since 1970, as the price's cell says it.
    """

    selection = forms.IntegerField(min_value=1, max_value=BIG)
    point_ended = forms.IntegerField(min_value=0, max_value=FAR_MS)
    version = forms.IntegerField(min_value=0, max_value=BIG, required=False)
    reason = forms.CharField(max_length=300, required=False)
    confirmed = forms.BooleanField(required=False)


class HoldForm(forms.Form):
    """Suspend or resume one scope; its targets come as repeated fields. ``everyone``: for all bookmakers, by staff."""

    scope = forms.ChoiceField(choices=[(s.value, s.value) for s in Scope])
    seconds = forms.IntegerField(min_value=1, max_value=366 * 86_400, required=False)
    reason = forms.CharField(max_length=300, required=False)
    everyone = forms.BooleanField(required=False)
    version = forms.IntegerField(min_value=0, max_value=BIG, required=False)


class ConfirmForm(forms.Form):
    """What to re-open (at least one of source, fixture, markets, gap) and what the person was shown (``as_of``, ISO 8601)."""

    source = forms.IntegerField(min_value=1, max_value=BIG, required=False)
    fixture = forms.IntegerField(min_value=1, max_value=BIG, required=False)
    gap = forms.IntegerField(min_value=1, max_value=BIG, required=False)
    as_of = forms.CharField(max_length=40, required=False)
    reason = forms.CharField(max_length=300, required=False)
    everyone = forms.BooleanField(required=False)


class ReasonForm(forms.Form):
    """Why, where the command needs no more."""

    reason = forms.CharField(max_length=300, required=False)


class BindForm(forms.Form):
    """A fixture and the match that it is; ``why``: the proposal's words, empty for by hand."""

    fixture = forms.IntegerField(min_value=1, max_value=BIG)
    points = forms.IntegerField(min_value=1, max_value=BIG)
    team_a = forms.ChoiceField(choices=[("home", "home"), ("away", "away")])
    why = forms.CharField(max_length=300, required=False)


class UnbindForm(forms.Form):
    fixture = forms.IntegerField(min_value=1, max_value=BIG)
    reason = forms.CharField(max_length=300, required=False)


class LinkForm(forms.Form):
    """Two fixtures that are one match, the leading one first; ``why``: the proposal's words, empty for by hand."""

    fixture = forms.IntegerField(min_value=1, max_value=BIG)
    other = forms.IntegerField(min_value=1, max_value=BIG)
    crossed = forms.BooleanField(required=False)
    why = forms.CharField(max_length=300, required=False)


class AnewForm(forms.Form):
    """The fixture whose match's stream is begun anew, and why."""

    fixture = forms.IntegerField(min_value=1, max_value=BIG)
    reason = forms.CharField(max_length=300, required=False)


class OutcomeForm(forms.Form):
    """How a match ended; sets as both sides won them, or neither."""

    fixture = forms.IntegerField(min_value=1, max_value=BIG)
    outcome = forms.ChoiceField(choices=[(o.value, o.value) for o in Outcome])
    winner = forms.ChoiceField(choices=[("home", "home"), ("away", "away")], required=False)
    sets_home = forms.IntegerField(min_value=0, max_value=9, required=False)
    sets_away = forms.IntegerField(min_value=0, max_value=9, required=False)
    reason = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (cleaned.get("sets_home") is None) is not (cleaned.get("sets_away") is None):
            raise forms.ValidationError({"sets_home": "the sets of both sides, or of neither"})
        return cleaned


class OutcomeBackForm(forms.Form):
    fixture = forms.IntegerField(min_value=1, max_value=BIG)
    reason = forms.CharField(max_length=300, required=False)


class BoardViewForm(forms.Form):
    """How the board is looked at, under a name."""

    name = forms.CharField(max_length=30)
    tab = forms.ChoiceField(choices=[(tab, tab) for tab in TABS])
    words = forms.CharField(max_length=100, required=False)
    sort = forms.ChoiceField(choices=[(column, column) for column in SORTS], required=False)
    down = forms.BooleanField(required=False)


class AuditForm(forms.Form):
    """Filter of the audit; times are of the UTC day ``day``, today when empty."""

    q = forms.CharField(max_length=100, required=False)
    action = forms.CharField(max_length=40, required=False)
    day = forms.DateField(required=False, validators=[MinValueValidator(EPOCH), MaxValueValidator(FAR)])
    since = forms.TimeField(required=False)
    until = forms.TimeField(required=False)
