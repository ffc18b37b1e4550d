import pytest

from tests.contracts.requests_contract import RequestsContract
from tests.fakes.memory_requests import MemoryRequests


class TestMemoryRequests(RequestsContract):
    @pytest.fixture
    def requests(self):
        return MemoryRequests()
