import pytest

from tests.contracts.deleting_contract import DeletingContract
from tests.contracts.editing_contract import EditingContract
from tests.contracts.library_contract import LibraryContract
from tests.contracts.looking_contract import LookingContract
from tests.contracts.naming_contract import NamingContract
from tests.contracts.recovery_contract import RecoveryContract
from tests.contracts.usage_contract import UsageContract
from tests.contracts.withdrawing_contract import WithdrawingContract
from tests.fakes.memory_library import MemoryLibrary


class TestMemoryLibrary(
    LibraryContract,
    LookingContract,
    NamingContract,
    RecoveryContract,
    UsageContract,
    EditingContract,
    DeletingContract,
    WithdrawingContract,
):
    @pytest.fixture
    def shelf(self):
        library = MemoryLibrary()
        library.renamed_at_once = library.taken_at_once = 2
        return library
