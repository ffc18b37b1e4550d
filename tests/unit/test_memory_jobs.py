import pytest

from tests.contracts.jobs_contract import JobsContract
from tests.fakes.memory_jobs import MemoryJobs
from tests.fakes.memory_library import MemoryLibrary


class TestMemoryJobs(JobsContract):
    @pytest.fixture
    def jobs(self):
        return MemoryJobs()

    @pytest.fixture
    def library(self, jobs):
        library = MemoryLibrary()
        library.jobs = jobs
        return library
