import pytest

from tests.contracts.library_contract import LibraryContract
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.adapters.firestore_library import FirestoreLibrary

pytestmark = pytest.mark.emulator


class _Both:
    """The library and the catalogue as the one thing that the contract suite asks."""

    def __init__(self, client):
        self._parts = FirestoreLibrary(client), FirestoreCatalogue(client)

    def __getattr__(self, name):
        library, catalogue = self._parts
        return getattr(library, name, None) or getattr(catalogue, name)


class TestFirestoreLibrary(LibraryContract):
    @pytest.fixture
    def shelf(self, firestore_client):
        return _Both(firestore_client)
