"""What every `GpuWorkers` must do; see `library_contract` for who runs it."""

import base64
import time

from local.runpod.voice import Profile
from voxshelf.use_cases.job_ports import RunpodJob

PROFILE = base64.b64encode(Profile(120, -20, 4, (-10,) * 32).npy()).decode()
SPEECH = {
    "input": {"text": "Hello.", "voice_id": "voice_ada", "profile_base64": PROFILE},
    "policy": {"executionTimeout": 600_000, "ttl": 1_200_000},
}
WAITING = {"IN_QUEUE", "IN_PROGRESS", "RUNNING"}


class WorkersContract:
    """Tests of one implementation: the fixtures `workers`, and `complete`, which ends a job."""

    def _started(self, workers) -> RunpodJob:
        return workers.run("speech", SPEECH)

    def test_a_job_that_was_started_has_an_id_of_its_own_and_waits(self, workers):
        first, second = self._started(workers), self._started(workers)
        assert {first.state, second.state} <= WAITING
        assert first.runpod_job_id != second.runpod_job_id
        told = workers.status("speech", first.runpod_job_id)
        assert told.runpod_job_id == first.runpod_job_id

    def test_a_job_that_has_ended_tells_its_output_and_how_long_it_took(self, workers, complete):
        started = self._started(workers)
        complete(started.runpod_job_id)
        done = workers.status("speech", started.runpod_job_id)
        assert (done.state, done.output["status"]) == ("COMPLETED", "success")
        assert done.delay_ms >= 0
        assert done.execution_ms >= 0
        assert workers.status("speech", started.runpod_job_id) == done

    def test_what_was_never_started_is_not_known(self, workers):
        assert workers.status("speech", "never") is None

    def test_a_job_of_another_endpoint_is_not_known(self, workers):
        started = self._started(workers)
        assert workers.status("clone", started.runpod_job_id) is None

    def test_cancelling_what_has_ended_or_never_was_is_success(self, workers, complete):
        started = self._started(workers)
        complete(started.runpod_job_id)
        workers.cancel("speech", started.runpod_job_id)
        workers.cancel("speech", "never")
        assert workers.status("speech", started.runpod_job_id).state == "COMPLETED"


def until_completed(workers, runpod_job_id: str) -> None:
    """Wait for a job of workers that really work."""
    ends_at = time.monotonic() + 20
    while workers.status("speech", runpod_job_id).state != "COMPLETED":
        assert time.monotonic() < ends_at
        time.sleep(0.05)
