"""One town for all tests that break nothing; who kills, stops or floods takes one of his own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.promises.town import Prepared, Town, opened


@pytest.fixture(scope="package")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    one = Prepared(tmp_path_factory.mktemp("prepared"))
    yield one
    one.place.drop()


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory, prepared: Prepared) -> Iterator[Town]:
    with opened(tmp_path_factory.mktemp("town"), prepared) as one:
        yield one
