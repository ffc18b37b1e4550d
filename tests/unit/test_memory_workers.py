import pytest

from tests.contracts.workers_contract import WorkersContract
from tests.fakes.memory_workers import MemoryWorkers


class TestMemoryWorkers(WorkersContract):
    @pytest.fixture
    def workers(self):
        return MemoryWorkers()

    @pytest.fixture
    def complete(self, workers):
        return lambda runpod_job_id: workers.complete(runpod_job_id, {"status": "success"})

    def test_a_job_that_runs_is_cancelled(self, workers):
        started = self._started(workers)
        workers.cancel("speech", started.runpod_job_id)
        assert workers.status("speech", started.runpod_job_id).state == "CANCELLED"
