"""Documents of jobs, those included that an earlier version of the code has written."""

import pytest

from tests.contracts.jobs_contract import CLONE, NOON, SPEECH, job
from voxshelf.adapters.job_documents import (
    HIDDEN,
    from_job_use,
    hidden_of,
    shown_of,
    to_job,
    to_job_use,
)
from voxshelf.core.job_use import JobUse

# All that a page needs to follow a job. Whoever adds a field says here that its owner may see it.
SHOWN = {
    *("job_id", "kind", "state", "order", "created_at", "updated_at", "due_at", "active"),
    *("runpod_job_id", "result_id", "failure", "delay_ms", "execution_ms", "retry_of"),
    *("words_removed", "expires_at"),
}


def both(job):
    return {**shown_of(job), **hidden_of(job)}


@pytest.mark.parametrize(("kind", "order"), [("clone", CLONE), ("speech", SPEECH)])
def test_a_job_reads_back_equal(kind, order):
    started = job("job_1", kind=kind, order=order)
    assert to_job(both(started)) == started
    ended = started.done("voice_ada", NOON).without_words()
    assert to_job(both(ended)) == ended


def test_a_job_that_ended_before_jobs_expired_stays():
    ended = job("job_1").done("g1", NOON)
    document = both(ended)
    del document["expires_at"], document["words_removed"]
    read = to_job(document)
    assert (read.expires_at, read.words_removed, read.order) == (None, False, SPEECH)
    assert not read.is_expired(NOON.replace(year=2036))


def test_what_is_used_reads_back_equal_and_before_there_were_orders_too():
    use = JobUse(2, "2026-01-02", 3, {"job_1": ["a", "b"]}, taken_over=4)
    assert to_job_use(from_job_use(use)) == use
    assert to_job_use({"jobs": {"active": 1, "day": "2026-01-02", "today": 3}}) == JobUse(
        1, "2026-01-02", 3
    )
    assert to_job_use({"jobs": {"active": -1}}) == to_job_use({}) == JobUse()


def test_a_job_of_the_time_when_one_document_held_all_is_read_from_it():
    started = job("job_1", saving_by="a", saving_until=NOON, output_sha256="0")
    document = both(started)
    del document["recording"]
    assert to_job(document) == started


def test_what_the_owner_sees_is_a_job_without_anything_that_is_hidden():
    started = job("job_1", output_sha256="0", saving_by="a", recording="uploads/ada/clone_1.wav")
    shown = shown_of(started)
    assert shown.keys() == SHOWN
    assert shown.keys() | HIDDEN == both(started).keys()
    read = to_job(shown)
    assert (read.job_id, read.order, read.state) == ("job_1", SPEECH, "queued")
    hidden = (read.secret_sha256, read.endpoint_id, read.fingerprint, read.output_sha256)
    assert hidden == ("", "", "", None)
