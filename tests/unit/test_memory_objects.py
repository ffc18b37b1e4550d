import pytest

from tests.contracts.object_store_contract import CreateOnlyContract
from tests.fakes.memory_objects import MemoryObjects


class TestMemoryObjects(CreateOnlyContract):
    @pytest.fixture
    def store(self):
        return MemoryObjects()

    @pytest.fixture
    def read(self, store):
        return lambda path: store.stored[path][1] if path in store.stored else None
