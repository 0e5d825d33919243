"""Sign-ins of people: made, given a password (decision P4; promises E2, E7). No password ever reaches the audit."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from markets import db
from markets.models import Member

from . import access, audit, doorbell
from .actor import Actor
from .errors import NotFound, Refused

RESERVED = "demo-"
PASSWORD_BYTES = 15


def create(actor: Actor, name: str, password: str = "", *, staff: bool = False) -> tuple[User, str]:
    """A person who may sign in, and the password: the given one, or one made here. Staff only.

    Raises Refused for a name taken, malformed or reserved for the demonstration, or a weak password; Forbidden.
    """
    access.staff(actor)
    secret = password or secrets.token_urlsafe(PASSWORD_BYTES)
    user = get_user_model()(username=name, is_staff=staff, is_superuser=staff)
    _check(user, secret)
    with transaction.atomic():
        user.set_password(secret)
        user.save(force_insert=True)
        audit.told(actor, db.now(), action="person created", object_words=name, after=facts(user))
    return user, secret


def set_password(actor: Actor, user_id: int, password: str) -> None:
    """A new password; sessions made with the old one end (E2). Staff, or oneself. Raises Refused for a weak one, NotFound, Forbidden."""
    if actor.user_id != user_id:
        access.staff(actor)
    with transaction.atomic():
        user = _locked(user_id)
        _check_password(password, user)
        user.set_password(password)
        user.save(update_fields=["password"])
        changed(actor, user, "password changed", None)


def changed(actor: Actor, user: User, action: str, before: dict[str, Any] | None) -> None:
    """Audit a change of a person, and let sockets already open look again."""
    audit.told(actor, db.now(), action=action, object_words=user.get_username(), before=before, after=facts(user))
    doorbell.ring(*(doorbell.bookmaker(pk) for pk in Member.objects.filter(user=user).values_list("bookmaker_id", flat=True)))


def facts(user: User) -> dict[str, Any]:
    """A person as the audit keeps it."""
    return {"name": user.get_username(), "enabled": user.is_active, "staff": user.is_staff, "superuser": user.is_superuser}


def check_name(name: str) -> None:
    """Raises Refused for a name that the demonstration keeps for itself."""
    if name.casefold().startswith(RESERVED):
        words = f"names that start with {RESERVED} are for the demonstration"
        raise Refused("invalid", words, {"username": words})


def _locked(user_id: int) -> User:
    user = get_user_model().objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return user


def _check(user: User, password: str) -> None:
    check_name(user.username)
    try:
        user.set_unusable_password()
        user.full_clean()
    except ValidationError as e:
        fields = {name: " ".join(words) for name, words in e.message_dict.items()}
        raise Refused("invalid", "; ".join(fields.values()), fields) from e
    _check_password(password, user)


def _check_password(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as e:
        words = " ".join(e.messages)
        raise Refused("invalid", words, {"password": words}) from e
