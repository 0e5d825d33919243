"""How a person likes the desk shown: of no consequence for any price, so not audited."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from django.contrib.auth.models import User
from django.db import transaction

from markets.domain.preferences import BoardView, kept
from markets.domain.values import Cue, OddsFormat
from markets.models import Preference
from markets.services.errors import Refused


def show_odds(user_id: int, odds: OddsFormat) -> None:
    """From now on, in every browser of this person."""
    Preference.objects.update_or_create(user_id=user_id, defaults={"odds": odds.value})


def hear(user_id: int, cues: Collection[Cue]) -> None:
    """Only these from now on."""
    Preference.objects.update_or_create(user_id=user_id, defaults={"sounds": ",".join(cue.value for cue in Cue if cue in cues)})


def views(preference: Preference | None) -> tuple[BoardView, ...]:
    """The person's views of the board, in the order kept."""
    return msgspec.convert(preference.views, tuple[BoardView, ...]) if preference else ()


def keep_view(user_id: int, view: BoardView) -> tuple[BoardView, ...]:
    """All of them with this one, in the place of an older one of that name. Raises Refused when there are too many."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user_id)
        try:
            return _keep_views(user_id, kept(_views(user_id), view))
        except ValueError as many:
            raise Refused("views", str(many)) from None


def forget_view(user_id: int, name: str) -> tuple[BoardView, ...]:
    """All of them but that one."""
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user_id)
        return _keep_views(user_id, tuple(view for view in _views(user_id) if view.name != name))


def _views(user_id: int) -> tuple[BoardView, ...]:
    return views(Preference.objects.filter(user_id=user_id).first())


def _keep_views(user_id: int, wanted: tuple[BoardView, ...]) -> tuple[BoardView, ...]:
    Preference.objects.update_or_create(user_id=user_id, defaults={"views": msgspec.to_builtins(wanted)})
    return wanted


def bind_keys(user_id: int, keys: Mapping[str, str]) -> None:
    """Action → key, where it is another than the desk's own; empty: none."""
    Preference.objects.update_or_create(user_id=user_id, defaults={"keys": dict(keys)})
