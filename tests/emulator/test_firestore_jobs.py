import pytest

from tests.contracts.jobs_contract import LIMITS, JobsContract
from voxshelf.adapters.firestore_jobs import FirestoreJobs
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.core.errors import QuotaExceeded

pytestmark = pytest.mark.emulator


class TestFirestoreJobs(JobsContract):
    @pytest.fixture
    def jobs(self, firestore_client):
        return FirestoreJobs(firestore_client)

    @pytest.fixture
    def library(self, firestore_client):
        return FirestoreLibrary(firestore_client)

    def test_what_is_known_of_active_jobs_goes_with_them(self, jobs, firestore_client, uid):
        account = firestore_client.document("users", uid)
        for again in (False, True):
            self._ordered(jobs, uid, "a", again=again)
        known = account.get().to_dict()["job_orders"]
        assert list(known.values()) == [["a"], ["a"]]
        for job_id in known:
            self._end(jobs, uid, job_id)
        assert account.get().to_dict()["job_orders"] == {}

    def test_a_job_of_a_user_who_was_deleted_still_ends(self, jobs, firestore_client, uid):
        started = self._start(jobs, uid)
        firestore_client.document("users", uid).delete()
        ended = jobs.change(uid, started.job_id, lambda found, now: found.cancelled(now))
        assert ended.state == "cancelled"
        for _ in range(LIMITS.active):
            self._start(jobs, uid)
        with pytest.raises(QuotaExceeded):
            self._start(jobs, uid)

    def test_counters_of_the_library_and_of_jobs_do_not_disturb_each_other(
        self, jobs, firestore_client, uid
    ):
        account = firestore_client.document("users", uid)
        account.set({"voices": 3, "jobs": {"active": 1, "day": "", "today": 0}})
        started = self._start(jobs, uid)
        assert account.get().to_dict()["jobs"]["active"] == 2
        jobs.change(uid, started.job_id, lambda found, now: found.cancelled(now))
        assert account.get().to_dict()["voices"] == 3
        assert account.get().to_dict()["jobs"]["active"] == 1
