import pytest

from tests.contracts.jobs_contract import JobsContract
from tests.fakes.memory_jobs import MemoryJobs


class TestMemoryJobs(JobsContract):
    @pytest.fixture
    def jobs(self):
        return MemoryJobs()
