import pytest

from tests.contracts.listing_contract import ListingContract
from tests.emulator.filling import filled
from tests.emulator.test_firestore_library import _All

pytestmark = pytest.mark.emulator


class TestFirestoreListing(ListingContract):
    @pytest.fixture
    def shelf(self, firestore_client):
        return _All(firestore_client)

    @pytest.fixture
    def fill(self, firestore_client):
        return lambda uid, *items: filled(firestore_client, uid, items)
