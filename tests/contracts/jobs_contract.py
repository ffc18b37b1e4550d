"""What every `Jobs` must do; see `library_contract` for who runs it."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voxshelf.core.errors import IdempotencyConflict, NotFound, QuotaExceeded
from voxshelf.core.jobs import CloneOrder, Failure, Job, JobLimits, SpeechOrder
from voxshelf.use_cases.job_ports import OwnedJob

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, UTC)
LIMITS = JobLimits(active=3, per_day=5, text_characters=100)
CLONE = CloneOrder(
    voice_id="voice_ada",
    name="Ada 音",
    template_message="Hello.",
    tags=("warm",),
    consent=("I agree.", "Ada"),
    parameters={"seed": 7, "fast": True, "speed": 1.5, "none": None},
)
SPEECH = SpeechOrder(voice_id="voice_ada", text="Some text.", tags=("a", "b"), language="de")


def job(job_id: str, now: datetime = NOON, **changes) -> Job:
    made = Job(
        job_id=job_id,
        kind="speech",
        state="queued",
        order=SPEECH,
        fingerprint="f",
        endpoint_id="speech",
        secret_sha256=secrets.token_hex(32),
        created_at=now,
        updated_at=now,
        due_at=now,
    )
    return replace(made, **changes)


class JobsContract:
    """Tests of one implementation: the fixture `jobs`."""

    @pytest.fixture
    def uid(self):
        return f"user-{secrets.token_hex(6)}"

    def _start(self, jobs, uid, **changes):
        made = job(f"job_{secrets.token_hex(8)}", **changes)
        started, is_own = jobs.start(uid, made.job_id, lambda now: made, LIMITS)
        assert is_own
        return started

    @pytest.mark.parametrize(("kind", "order"), [("clone", CLONE), ("speech", SPEECH)])
    def test_a_job_reads_back_equal(self, jobs, uid, kind, order):
        started = self._start(jobs, uid, kind=kind, order=order, retry_of="job_x")
        assert jobs.job(uid, started.job_id) == started
        assert jobs.find(started.job_id).job == started
        assert jobs.find(started.job_id).uid == uid

    def test_the_draft_gets_the_time_of_the_database(self, jobs, uid):
        made, _ = jobs.start(uid, "job_1", lambda now: job("job_1", now), LIMITS)
        assert abs(made.created_at - datetime.now(UTC)) < timedelta(minutes=1)

    def test_what_is_missing_or_another_users_is_not_found(self, jobs, uid):
        started = self._start(jobs, uid)
        with pytest.raises(NotFound):
            jobs.job(f"{uid}x", started.job_id)
        with pytest.raises(NotFound):
            jobs.change(f"{uid}x", started.job_id, lambda found, now: found.running(now))
        assert jobs.find("job_never") is None

    def test_the_same_job_again_is_the_first_one_and_other_content_a_conflict(self, jobs, uid):
        first = self._start(jobs, uid)
        again = replace(first, secret_sha256="other")
        assert jobs.start(uid, first.job_id, lambda now: again, LIMITS) == (first, False)
        other = replace(first, fingerprint="g")
        with pytest.raises(IdempotencyConflict):
            jobs.start(uid, first.job_id, lambda now: other, LIMITS)
        # One place is taken, not three.
        self._start(jobs, uid)
        self._start(jobs, uid)

    def test_whoever_asks_again_after_a_lost_answer_finds_his_own(self, jobs, uid):
        first = self._start(jobs, uid)
        assert jobs.start(uid, first.job_id, lambda now: first, LIMITS) == (first, True)

    def test_parallel_starts_never_exceed_the_limit(self, jobs, uid):
        def start(_):
            try:
                return self._start(jobs, uid)
            except QuotaExceeded as error:
                return error.details["limit"]

        with ThreadPoolExecutor(8) as threads:
            outcomes = list(threads.map(start, range(8)))
        assert outcomes.count("active_jobs") == 5

    def test_an_ended_job_gives_its_place_back_once_but_not_its_day(self, jobs, uid):
        for _ in range(5):
            ended = self._start(jobs, uid)
            for _ in range(2):
                jobs.change(uid, ended.job_id, lambda found, now: found.done("voice_ada", now))
        with pytest.raises(QuotaExceeded) as refused:
            self._start(jobs, uid)
        assert refused.value.details["limit"] == "jobs_per_day"
        assert refused.value.retry_after_s > 0
        tomorrow = NOON + timedelta(days=1)
        assert self._start(jobs, uid, now=tomorrow).created_at == tomorrow

    def test_a_change_is_written_and_an_end_is_final(self, jobs, uid):
        started = self._start(jobs, uid)

        def change(to):
            return jobs.change(uid, started.job_id, to)

        assert change(lambda found, now: found.started("r-1", now)).runpod_job_id == "r-1"
        assert change(lambda found, now: found.running(now)).state == "running"
        failure = Failure("invalid_audio", "No sound.")
        failed = change(lambda found, now: found.failed(failure, now))
        assert (failed.state, failed.failure) == ("failed", failure)
        assert change(lambda found, now: found.done("voice_ada", now)) == failed
        assert jobs.job(uid, started.job_id) == failed

    def test_of_parallel_claims_one_wins(self, jobs, uid):
        started = self._start(jobs, uid)

        def claim(name):
            lease = timedelta(minutes=6)
            claimed = jobs.change(
                uid, started.job_id, lambda found, now: found.saving(name, now, lease)
            )
            return claimed.saving_by == name

        with ThreadPoolExecutor(6) as threads:
            assert sum(threads.map(claim, "abcdef")) == 1

    def test_pages_are_newest_first_without_gap_or_repeat(self, jobs, uid):
        limits = JobLimits(active=100, per_day=100, text_characters=1)
        made = [job(f"job_{n}", NOON + timedelta(seconds=n // 2)) for n in range(7)]
        for one in made:
            jobs.start(uid, one.job_id, lambda now, one=one: one, limits)
        seen, after = [], None
        while True:
            page = jobs.jobs(uid, 2, after)
            seen += page.items
            after = page.next
            if after is None:
                break
        assert [one.job_id for one in seen] == [f"job_{n}" for n in (6, 5, 4, 3, 2, 1, 0)]
        assert jobs.jobs(f"{uid}x", 2, None).items == ()

    def test_a_job_is_found_by_its_id_at_runpod_the_newest_of_several(self, jobs, uid):
        runpod_job_id = f"r-{secrets.token_hex(4)}"
        self._start(jobs, uid, runpod_job_id=runpod_job_id)
        newer = self._start(jobs, uid, runpod_job_id=runpod_job_id, now=NOON + timedelta(hours=1))
        assert jobs.of_runpod(runpod_job_id) == OwnedJob(uid, newer)
        assert jobs.of_runpod(f"{runpod_job_id}x") is None

    def test_a_job_whose_saving_began_reads_back_with_all_that_is_known(self, jobs, uid):
        started = self._start(jobs, uid)
        lease = timedelta(minutes=6)
        saving = jobs.change(
            uid,
            started.job_id,
            lambda found, now: found.timed(1200, 3400).saving("a", now, lease),
        )
        assert saving.is_being_saved(saving.updated_at)
        assert jobs.job(uid, started.job_id) == saving
        failure = Failure("quota_exceeded", "Full.")
        failed = jobs.change(
            uid, started.job_id, lambda found, now: found.failed(failure, now, "ab" * 32)
        )
        assert jobs.job(uid, started.job_id) == failed
        assert failed.output_sha256 == "ab" * 32

    def test_active_jobs_are_due_when_their_time_has_come(self, jobs, uid):
        past = self._start(jobs, uid)
        future = self._start(jobs, uid, due_at=datetime.now(UTC) + timedelta(hours=1))
        ended = self._start(jobs, uid)
        jobs.change(uid, ended.job_id, lambda found, now: found.cancelled(now))
        due = {owned.job.job_id for owned in jobs.due() if owned.uid == uid}
        assert due == {past.job_id}
        assert future.job_id not in due

    def test_a_profile_is_trusted_once_it_was_returned(self, jobs):
        digest = secrets.token_hex(32)
        assert not jobs.is_trusted(digest)
        jobs.trust(digest)
        jobs.trust(digest)
        assert jobs.is_trusted(digest)
