import pytest

from tests.contracts.uploads_contract import UploadsContract
from tests.fakes.memory_uploads import MemoryUploads


class TestMemoryUploads(UploadsContract):
    @pytest.fixture
    def slots(self):
        return MemoryUploads()

    @pytest.fixture
    def limit(self, slots):
        return lambda uid, **limits: slots.limits.update({uid: limits})
