import pytest

from tests.chaos.lab import Lab


@pytest.fixture(scope="package")
def lab():
    with Lab() as opened:
        yield opened
        opened.clear()
