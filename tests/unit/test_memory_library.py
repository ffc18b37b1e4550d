import pytest

from tests.contracts.library_contract import LibraryContract
from tests.fakes.memory_library import MemoryLibrary


class TestMemoryLibrary(LibraryContract):
    @pytest.fixture
    def shelf(self):
        return MemoryLibrary()
