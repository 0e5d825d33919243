"""What tests of the services share."""

from __future__ import annotations

import pytest

from tests.services.world import World
from tests.services.world import world as make


@pytest.fixture
def world(db: None) -> World:
    return make()


@pytest.fixture
def committed(transactional_db: None) -> World:
    """The same world, committed, for tests with several connections."""
    return make()
