"""Fixtures that every test may use. Run on SQLite as it stands, or on PostgreSQL and Redis under ``python -m tests.cluster``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psutil
import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
"""How long an example takes says something about the machine, nothing about the property."""


def pytest_sessionfinish() -> None:
    """No process outlives the run that started it, whatever became of the test that should have ended it."""
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()


@pytest.fixture(autouse=True)
def _cheap_passwords(settings: Settings) -> None:
    """Hashing passwords slowly is the product's business, not the tests'."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database that somebody is in: not ``read``'s pool, nor what a thread that is gone left behind."""
    yield
    if connection.vendor != "postgresql":
        return
    connections["read"].close()
    getattr(connections["read"], "close_pool")()  # noqa: B009 -- only PostgreSQL's has one
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(others)
