"""How a person likes the desk shown: of no consequence for any price, so not audited."""

from __future__ import annotations

from collections.abc import Collection

from markets.domain.values import Cue, OddsFormat
from markets.models import Preference


def show_odds(user_id: int, odds: OddsFormat) -> None:
    """From now on, in every browser of this person."""
    Preference.objects.update_or_create(user_id=user_id, defaults={"odds": odds.value})


def hear(user_id: int, cues: Collection[Cue]) -> None:
    """Only these from now on."""
    Preference.objects.update_or_create(user_id=user_id, defaults={"sounds": ",".join(cue.value for cue in Cue if cue in cues)})
