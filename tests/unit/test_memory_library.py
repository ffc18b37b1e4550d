import pytest

from tests.contracts.library_contract import LibraryContract
from tests.contracts.recovery_contract import RecoveryContract
from tests.fakes.memory_library import MemoryLibrary


class TestMemoryLibrary(LibraryContract, RecoveryContract):
    @pytest.fixture
    def shelf(self):
        return MemoryLibrary()
