import pytest

from tests.contracts.library_contract import LibraryContract
from tests.contracts.recovery_contract import RecoveryContract
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.adapters.firestore_upkeep import FirestoreUpkeep

pytestmark = pytest.mark.emulator


class _All:
    """Library, catalogue and upkeep as the one thing that the contract suite asks."""

    def __init__(self, client):
        self._parts = FirestoreLibrary(client), FirestoreCatalogue(client), FirestoreUpkeep(client)

    def __getattr__(self, name):
        return next(getattr(part, name) for part in self._parts if hasattr(part, name))


class TestFirestoreLibrary(LibraryContract, RecoveryContract):
    @pytest.fixture
    def shelf(self, firestore_client):
        return _All(firestore_client)
