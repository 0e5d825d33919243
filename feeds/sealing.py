"""Credentials that we send to providers, at rest: sealed with a key made from SECRET_KEY, never shown again (promise E7)."""

from __future__ import annotations

import base64
import os

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from .errors import Refused
from .models import Feed

_PURPOSE = b"tradingdesk feed token"


def seal(token: str) -> bytes:
    """What the database keeps of ``token``."""
    return _fernet().encrypt(token.encode())


def credential(feed: Feed) -> str:
    """The token of ``feed``, from the environment variable that it names, else unsealed. Raises ``Refused`` with words for a person."""
    if feed.token_env:
        if token := os.environ.get(feed.token_env, ""):
            return token
        raise Refused(f"the environment variable {feed.token_env} that holds the token is not set in this process")
    if not feed.token_sealed:
        raise Refused("the feed has no token: give it one by `manage.py addfeed … --rotate`")
    try:
        return _fernet().decrypt(bytes(feed.token_sealed)).decode()
    except InvalidToken:
        raise Refused("the stored token cannot be read, since SECRET_KEY has changed: give it anew by --rotate") from None


def _fernet() -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(settings.SECRET_KEY.encode())
    return Fernet(base64.urlsafe_b64encode(key))
