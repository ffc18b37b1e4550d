import pytest

from tests.contracts.listing_contract import ListingContract
from tests.fakes.memory_library import MemoryLibrary, _Record
from voxshelf.use_cases.ports import kind_of


class TestMemoryListing(ListingContract):
    @pytest.fixture
    def shelf(self):
        return MemoryLibrary()

    @pytest.fixture
    def fill(self, shelf):
        def fill(uid, *items):
            for item in items:
                shelf.records[uid, kind_of(item), item.item_id] = _Record(ready=item)

        return fill
