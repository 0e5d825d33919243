"""Sessions whose keys are not in the database in plain: a copy of it signs nobody in (promise E7)."""

from __future__ import annotations

import hashlib
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends import db
from django.utils import timezone


def stored_key(session_key: str) -> str:
    """What the row of a session is called: 40 hex digits, made from the key in the browser's cookie. Keys are long and random."""
    return hashlib.sha256(b"tradingdesk session\0" + session_key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """Django's own, but for the name of the row."""

    def _get_session_from_db(self) -> Any:
        rows = self.model.objects.filter(session_key=stored_key(self.session_key or ""), expire_date__gt=timezone.now())
        found: Any = rows.first()
        if found is None:
            self._session_key = None
        return found

    async def _aget_session_from_db(self) -> Any:
        return await sync_to_async(self._get_session_from_db)()

    def exists(self, session_key: str) -> bool:
        return super().exists(stored_key(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await super().aexists(stored_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        return _renamed(super().create_model_instance(data))

    async def acreate_model_instance(self, data: dict[str, Any]) -> Any:
        return _renamed(await super().acreate_model_instance(data))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(stored_key(key))

    async def adelete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            await super().adelete(stored_key(key))


def _renamed(row: Any) -> Any:
    row.session_key = stored_key(row.session_key)
    return row
