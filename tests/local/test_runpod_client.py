"""Our client of RunPod against its stand-in: the contract, and each of its faults."""

import httpx
import pytest

from local.runpod.process import running
from tests.contracts.workers_contract import SPEECH, WorkersContract, until_completed
from voxshelf.adapters.runpod_api import RunpodApi
from voxshelf.core.errors import RunpodFailed, Unavailable
from voxshelf.core.runpod_output import read_output


@pytest.fixture(scope="module")
def stand_in():
    with running() as started:
        yield started


@pytest.fixture
def workers(stand_in):
    stand_in.control("reset")
    api = RunpodApi(stand_in.base_url, stand_in.key, timeout=httpx.Timeout(5.0), retry_for_s=2.0)
    yield api
    api._client.close()


class TestRunpodApi(WorkersContract):
    @pytest.fixture
    def complete(self, workers):
        return lambda runpod_job_id: until_completed(workers, runpod_job_id)


def planned(stand_in, **fault):
    stand_in.control("faults", {"queue": [fault]})


def test_a_job_that_runs_is_cancelled(workers, stand_in):
    planned(stand_in, queue_ms=60_000)
    started = workers.run("speech", SPEECH)
    workers.cancel("speech", started.runpod_job_id)
    assert workers.status("speech", started.runpod_job_id).state == "CANCELLED"


@pytest.mark.parametrize("answers", [[429], [500, 503], [429, 500]], ids=str)
def test_a_start_is_tried_again_until_it_is_taken_once(workers, stand_in, answers):
    planned(stand_in, run=answers)
    started = workers.run("speech", SPEECH)
    until_completed(workers, started.runpod_job_id)


@pytest.mark.parametrize("answer", ["half", "cut", "reset", "lost"])
def test_a_start_whose_answer_broke_off_may_have_started(workers, stand_in, answer):
    planned(stand_in, run=[answer])
    with pytest.raises(Unavailable):
        workers.run("speech", SPEECH)


@pytest.mark.parametrize("answer", ["half", "cut", "reset"])
def test_a_status_whose_answer_broke_off_is_told_the_next_time(workers, stand_in, answer):
    planned(stand_in, status=[answer])
    started = workers.run("speech", SPEECH)
    with pytest.raises(Unavailable):
        workers.status("speech", started.runpod_job_id)
    assert workers.status("speech", started.runpod_job_id)


@pytest.mark.parametrize("form", ["data_uri", "audio_url", "duration_s", "nested", "list"])
def test_an_output_in_another_form_is_read_all_the_same(workers, stand_in, form):
    planned(stand_in, output=form)
    started = workers.run("speech", SPEECH)
    until_completed(workers, started.runpod_job_id)
    output = workers.status("speech", started.runpod_job_id).output
    assert ("audio_url" in read_output(output)) == (form == "audio_url")


def test_a_failure_inside_a_completed_job_is_read_as_one(workers, stand_in):
    planned(stand_in, end="error")
    started = workers.run("speech", SPEECH)
    until_completed(workers, started.runpod_job_id)
    with pytest.raises(RunpodFailed):
        read_output(workers.status("speech", started.runpod_job_id).output)


def test_an_output_that_is_too_large_is_a_failed_job(workers, stand_in):
    planned(stand_in, output="huge")
    started = workers.run("speech", SPEECH)
    while (told := workers.status("speech", started.runpod_job_id)).state != "FAILED":
        assert told.state in {"IN_QUEUE", "IN_PROGRESS"}
    assert "more than can be kept" in told.error


def test_another_key_is_refused(stand_in):
    stranger = RunpodApi(stand_in.base_url, "another")
    with pytest.raises(RunpodFailed, match="key"):
        stranger.run("speech", SPEECH)
    stranger._client.close()
