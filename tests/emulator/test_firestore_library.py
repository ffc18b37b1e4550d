import pytest

from tests.contracts.deleting_contract import DeletingContract
from tests.contracts.editing_contract import EditingContract
from tests.contracts.library_contract import LibraryContract
from tests.contracts.looking_contract import LookingContract
from tests.contracts.naming_contract import NamingContract
from tests.contracts.recovery_contract import RecoveryContract
from tests.contracts.usage_contract import UsageContract
from tests.contracts.withdrawing_contract import WithdrawingContract
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.adapters.firestore_upkeep import FirestoreUpkeep

pytestmark = pytest.mark.emulator


class _All:
    """Library, catalogue and upkeep as the one thing that the contract suite asks."""

    def __init__(self, client):
        library = FirestoreLibrary(client)
        library.renamed_at_once = library.taken_at_once = 2
        library.read_at_once = 4
        self._parts = library, FirestoreCatalogue(client), FirestoreUpkeep(client)

    def __getattr__(self, name):
        return next(getattr(part, name) for part in self._parts if hasattr(part, name))


class TestFirestoreLibrary(
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
    def shelf(self, firestore_client):
        return _All(firestore_client)
