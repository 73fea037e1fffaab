"""Practices that publish, with their ledgers closed at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.writeback.practice import VENDORS, Practice


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_practice(tmp_path: Path) -> Iterator[Callable[..., Practice]]:
    opened: list[Practice] = []

    def make(vendor: str, **more: object) -> Practice:
        opened.append(Practice(tmp_path / str(len(opened)), vendor, **more))
        return opened[-1]

    yield make
    for each in opened:
        each.ledger.close()


@pytest.fixture
def practice(vendor: str, open_practice: Callable[..., Practice]) -> Practice:
    return open_practice(vendor)


@pytest.fixture
def elsewhere(vendor: str, open_practice: Callable[..., Practice]) -> Practice:
    """Another machine of the same practice, with a ledger of its own."""
    return open_practice(vendor)
