"""Documents of jobs, those included that an earlier version of the code has written."""

import pytest

from tests.contracts.jobs_contract import CLONE, NOON, SPEECH, job
from voxshelf.adapters.job_documents import from_job, from_job_use, to_job, to_job_use
from voxshelf.core.job_use import JobUse


@pytest.mark.parametrize(("kind", "order"), [("clone", CLONE), ("speech", SPEECH)])
def test_a_job_reads_back_equal(kind, order):
    started = job("job_1", kind=kind, order=order)
    assert to_job(from_job(started)) == started
    ended = started.done("voice_ada", NOON).without_words()
    assert to_job(from_job(ended)) == ended


def test_a_job_that_ended_before_jobs_expired_stays():
    ended = job("job_1").done("g1", NOON)
    document = from_job(ended)
    del document["expires_at"], document["words_removed"]
    read = to_job(document)
    assert (read.expires_at, read.words_removed, read.order) == (None, False, SPEECH)
    assert not read.is_expired(NOON.replace(year=2036))


def test_what_is_used_reads_back_equal_and_before_there_were_orders_too():
    use = JobUse(2, "2026-01-02", 3, {"job_1": ["a", "b"]})
    assert to_job_use(from_job_use(use)) == use
    assert to_job_use({"jobs": {"active": 1, "day": "2026-01-02", "today": 3}}) == JobUse(
        1, "2026-01-02", 3
    )
    assert to_job_use({"jobs": {"active": -1}}) == to_job_use({}) == JobUse()
