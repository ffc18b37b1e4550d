"""What every `Jobs` must do; see `library_contract` for who runs it."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.library_contract import generation, voice
from voxshelf.core.errors import IdempotencyConflict, InProgress, NotFound, QuotaExceeded
from voxshelf.core.jobs import CloneOrder, Failure, Job, JobFilter, JobLimits, SpeechOrder
from voxshelf.core.names import kept_output_path
from voxshelf.core.trash import Trash
from voxshelf.use_cases.deletion_ports import Deletion
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


def trash_of(runpod_job_id, item=None):
    """Return a generation, or another item, as it is purged."""
    made = replace(item or generation("g1"), runpod_job_id=runpod_job_id)
    return Trash(made, NOON, NOON, purging=True)


class JobsContract:
    """Tests of one implementation: the fixture `jobs`, and `library`, which purges beside it."""

    @pytest.fixture
    def uid(self):
        return f"user-{secrets.token_hex(6)}"

    def _start(self, jobs, uid, **changes):
        started, is_own = self._ordered(jobs, uid, **changes)
        assert is_own
        return started

    def _ordered(self, jobs, uid, *orders, again=False, limits=LIMITS, **changes):
        made = job(f"job_{secrets.token_hex(8)}", **changes)
        return jobs.start(uid, made.job_id, lambda now: made, limits, orders, again=again)

    def _end(self, jobs, uid, job_id):
        return jobs.change(uid, job_id, lambda found, now: found.cancelled(now))

    def _listed(self, jobs, uid, *states, kind=None):
        page = jobs.jobs(uid, 50, None, JobFilter(states, kind))
        return [one.job_id for one in page.items]

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

    def test_the_same_order_while_the_first_is_active_is_the_first_job(self, jobs, uid):
        first, _ = self._ordered(jobs, uid, "path", "bytes")
        assert self._ordered(jobs, uid, "bytes") == (first, False)
        assert self._ordered(jobs, uid, "path", "else") == (first, False)
        assert jobs.alike(uid, ["bytes"]) == first
        assert jobs.alike(uid, ["else"]) is None
        assert jobs.alike(f"{uid}x", ["bytes"]) is None
        assert self._ordered(jobs, f"{uid}x", "bytes")[1]
        assert self._ordered(jobs, uid, "else")[1]
        # One place is left: the repeated ones have taken none.
        assert self._start(jobs, uid)

    def test_the_same_order_is_found_where_no_place_is_left(self, jobs, uid):
        limits = replace(LIMITS, active=1)
        first, _ = self._ordered(jobs, uid, "a", limits=limits)
        assert self._ordered(jobs, uid, "a", limits=limits) == (first, False)

    def test_the_same_order_is_another_job_once_the_first_has_ended(self, jobs, uid):
        first, _ = self._ordered(jobs, uid, "a")
        self._end(jobs, uid, first.job_id)
        assert jobs.alike(uid, ["a"]) is None
        second, is_own = self._ordered(jobs, uid, "a")
        assert (is_own, second.job_id != first.job_id) == (True, True)

    def test_again_is_another_job_and_each_is_known_until_it_ends(self, jobs, uid):
        first, _ = self._ordered(jobs, uid, "a")
        second, is_own = self._ordered(jobs, uid, "a", again=True)
        assert is_own
        self._end(jobs, uid, first.job_id)
        assert self._ordered(jobs, uid, "a") == (second, False)
        self._end(jobs, uid, second.job_id)
        assert self._ordered(jobs, uid, "a")[1]

    def test_what_a_start_would_be_told_is_told_before_its_work(self, jobs, uid):
        limits = replace(LIMITS, active=2)
        assert jobs.admit(uid, limits, ["a"]) is None
        first, _ = self._ordered(jobs, uid, "a", limits=limits)
        assert jobs.admit(uid, limits, ["a", "b"]) == first
        assert jobs.admit(uid, limits) is None
        self._start(jobs, uid)
        assert jobs.admit(uid, limits, ["a"]) == first
        with pytest.raises(QuotaExceeded) as refused:
            jobs.admit(uid, limits, ["b"])
        assert refused.value.details["limit"] == "active_jobs"

    def test_taking_results_over_has_a_limit_of_its_own_as_high_as_that_of_jobs(self, jobs, uid):
        today = datetime.now(UTC)
        for _ in range(LIMITS.per_day):
            jobs.count_taking_over(uid, LIMITS)
        with pytest.raises(QuotaExceeded) as refused:
            jobs.count_taking_over(uid, LIMITS)
        assert refused.value.details == {"limit": "taken_over_per_day", "max": LIMITS.per_day}
        assert refused.value.retry_after_s > 0
        jobs.count_taking_over(f"{uid}x", LIMITS)
        for _ in range(2):
            ended = self._start(jobs, uid, now=today)
            self._end(jobs, uid, ended.job_id)
        with pytest.raises(QuotaExceeded):
            jobs.count_taking_over(uid, LIMITS)
        self._start(jobs, uid, now=today + timedelta(days=1))
        jobs.count_taking_over(uid, replace(LIMITS, per_day=1))

    def test_parallel_attempts_to_take_results_over_never_exceed_the_limit(self, jobs, uid):
        def count(_):
            try:
                jobs.count_taking_over(uid, LIMITS)
            except QuotaExceeded:
                return False
            return True

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(count, range(12))) == LIMITS.per_day

    def test_a_job_without_an_order_is_never_found_by_one(self, jobs, uid):
        self._start(jobs, uid)
        assert jobs.alike(uid, []) is None
        assert self._ordered(jobs, uid)[1]

    def test_fifty_starts_of_the_same_order_at_once_are_one_job(self, jobs, uid):
        with ThreadPoolExecutor(50) as threads:
            outcomes = list(threads.map(lambda _: self._ordered(jobs, uid, "a"), range(50)))
        assert len({started.job_id for started, _ in outcomes}) == 1
        assert [is_own for _, is_own in outcomes].count(True) == 1
        assert len(self._listed(jobs, uid)) == 1

    def test_a_list_shows_jobs_of_some_states_or_of_a_kind(self, jobs, uid):
        made = {
            name: self._start(jobs, uid, now=NOON + timedelta(seconds=n), kind=kind, order=order)
            for n, (name, kind, order) in enumerate(
                [("a", "clone", CLONE), ("b", "speech", SPEECH), ("c", "speech", SPEECH)]
            )
        }
        a, b, c = (one.job_id for one in made.values())
        self._end(jobs, uid, b)
        assert self._listed(jobs, uid) == [c, b, a]
        assert self._listed(jobs, uid, "queued") == [c, a]
        assert self._listed(jobs, uid, "cancelled", "failed") == [b]
        assert self._listed(jobs, uid, "cancelled", "queued") == [c, b, a]
        assert self._listed(jobs, uid, kind="speech") == [c, b]
        assert self._listed(jobs, uid, "queued", kind="speech") == [c]
        first = jobs.jobs(uid, 1, None, JobFilter(("queued",)))
        assert [one.job_id for one in first.items] == [c]
        rest = jobs.jobs(uid, 1, first.next, JobFilter(("queued",)))
        assert ([one.job_id for one in rest.items], rest.next) == ([a], None)

    def test_an_ended_job_is_deleted_and_one_that_has_not_ended_is_not(self, jobs, uid):
        started = self._start(jobs, uid)
        with pytest.raises(InProgress):
            jobs.delete(uid, started.job_id)
        with pytest.raises(NotFound):
            jobs.delete(f"{uid}x", started.job_id)
        ended = self._end(jobs, uid, started.job_id)
        assert jobs.delete(uid, started.job_id) == ended
        with pytest.raises(NotFound):
            jobs.delete(uid, started.job_id)
        assert (jobs.find(started.job_id), self._listed(jobs, uid)) == (None, [])

    def test_all_jobs_of_some_ended_states_are_deleted_at_once(self, jobs, uid):
        failed = [self._start(jobs, uid, state="failed") for _ in range(2)]
        done = self._start(jobs, uid, state="done")
        other = self._start(jobs, f"{uid}x", state="failed")
        deleted = jobs.delete_ended(uid, ["failed", "timed_out"])
        assert {one.job_id for one in deleted} == {one.job_id for one in failed}
        assert self._listed(jobs, uid) == [done.job_id]
        assert self._listed(jobs, f"{uid}x") == [other.job_id]
        assert jobs.delete_ended(uid, ["failed"]) == []

    def test_a_kept_output_is_named_as_long_as_a_job_is_there_for_it(self, jobs, uid):
        digests = [f"{n:064x}" for n in range(40)]
        ended = self._start(jobs, uid, state="failed", output_sha256=digests[35])
        assert jobs.naming(uid, digests) == {digests[35]}
        assert jobs.naming(f"{uid}x", digests) == frozenset()
        jobs.delete(uid, ended.job_id)
        assert jobs.naming(uid, digests) == frozenset()

    def test_an_expired_job_is_as_one_that_never_was(self, jobs, uid):
        at_runpod = f"r-{secrets.token_hex(4)}"
        gone = self._start(
            jobs, uid, state="failed", expires_at=NOON, runpod_job_id=at_runpod, output_sha256="0"
        )
        kept = self._start(jobs, uid, now=NOON - timedelta(hours=1), state="failed")
        assert self._listed(jobs, uid) == [kept.job_id]
        page = jobs.jobs(uid, 1, None)
        assert ([one.job_id for one in page.items], page.next) == ([kept.job_id], None)
        assert (jobs.find(gone.job_id), jobs.of_runpod(at_runpod)) == (None, None)
        for act in (jobs.job, jobs.delete):
            with pytest.raises(NotFound):
                act(uid, gone.job_id)
        with pytest.raises(NotFound):
            jobs.change(uid, gone.job_id, lambda found, now: replace(found, retry_of="x"))
        again, is_own = jobs.start(
            uid, gone.job_id, lambda now: job(gone.job_id, fingerprint="other"), LIMITS
        )
        assert (is_own, jobs.job(uid, gone.job_id)) == (True, again)

    def test_what_has_expired_is_deleted_with_the_others_and_not_counted(self, jobs, uid):
        self._start(jobs, uid, state="failed", expires_at=NOON)
        kept = self._start(jobs, uid, state="failed")
        assert [one.job_id for one in jobs.delete_ended(uid, ["failed"])] == [kept.job_id]

    def _purged(self, uid, kind="generations", item_id="g1", runpod_job_id=None):
        item = generation("g1") if kind == "generations" else voice()
        return Deletion(uid, kind, item_id, trash_of(runpod_job_id, item), ())

    def test_the_words_of_what_is_purged_go_from_the_job_that_made_it(self, jobs, library, uid):
        made = self._start(jobs, uid, state="done", result_id="g1", order=SPEECH)
        other = self._start(jobs, uid, state="done", result_id="g2", order=SPEECH)
        stranger = self._start(jobs, f"{uid}x", state="done", result_id="g1", order=SPEECH)
        for _ in range(2):
            assert library.remove_words([self._purged(uid)]) == ()
            left = jobs.job(uid, made.job_id)
            assert left == replace(
                made, order=SpeechOrder("voice_ada", "", "de"), words_removed=True
            )
        assert jobs.job(uid, other.job_id) == other
        assert jobs.job(f"{uid}x", stranger.job_id) == stranger

    def test_the_words_of_a_clone_go_with_its_voice_and_speech_keeps_its_own(
        self, jobs, library, uid
    ):
        clone = self._start(
            jobs, uid, kind="clone", state="done", result_id="voice_ada", order=CLONE
        )
        speech = self._start(jobs, uid, state="done", result_id="voice_ada", order=SPEECH)
        library.remove_words([self._purged(uid, "voices", "voice_ada")])
        assert jobs.job(uid, clone.job_id).order == CloneOrder("voice_ada", "")
        assert jobs.job(uid, speech.job_id) == speech

    def test_the_words_go_too_where_the_result_is_not_noted_yet_with_what_was_kept(
        self, jobs, library, uid
    ):
        failed = self._start(jobs, uid, state="failed", runpod_job_id="r-1", output_sha256="ab")
        saving = self._start(jobs, uid, state="saving", runpod_job_id="r-1", output_sha256="ab")
        other = self._start(jobs, uid, state="failed", output_sha256="cd")
        paths = library.remove_words([self._purged(uid, runpod_job_id="r-1")])
        assert set(paths) == {kept_output_path(uid, "ab")}
        for one in (failed, saving):
            assert jobs.job(uid, one.job_id) == one.without_words()
        assert jobs.job(uid, other.job_id) == other
        done = jobs.change(uid, saving.job_id, lambda found, now: found.done("g1", now))
        assert (done.state, done.order.text) == ("done", "")

    def test_the_words_of_a_withdrawn_voice_go_from_every_clone_that_was_to_make_it(
        self, jobs, library, uid
    ):
        limits = JobLimits(active=100, per_day=100, text_characters=1)
        states = ("queued", "running", "saving", "done", "failed", "cancelled", "timed_out")

        def ordered(**changes):
            return self._ordered(jobs, uid, limits=limits, kind="clone", **changes)[0]

        mine, other = replace(CLONE, name="Ada"), replace(CLONE, voice_id="own", name="Else")
        barred = [ordered(order=mine, state=state, output_sha256=state) for state in states]
        barred += [ordered(order=replace(other, name="Ada"), output_sha256="named")]
        barred += [ordered(order=replace(other, voice_id="voice_ada"), output_sha256="placed")]
        # Its id only follows from its name, which was not withdrawn: it would lie elsewhere.
        kept = [ordered(order=other), ordered(order=replace(mine, name="ada"))]
        kept += [self._ordered(jobs, uid, limits=limits)[0]]
        kept += [self._ordered(jobs, f"{uid}x", limits=limits, kind="clone", order=mine)[0]]
        trash = trash_of(None, voice("voice_ada", name="Ada"))
        gone = Deletion(uid, "voices", "voice_ada", trash, (), withdrawn=True)
        paths = library.remove_words([gone])
        assert set(paths) == {kept_output_path(uid, d) for d in (*states, "named", "placed")}
        for one in barred:
            assert jobs.job(uid, one.job_id) == one.without_words()
        for one in kept[:3]:
            assert jobs.job(uid, one.job_id) == one
        assert jobs.job(f"{uid}x", kept[3].job_id) == kept[3]

    def test_the_words_of_many_items_go_at_once(self, jobs, library, uid):
        limits = JobLimits(active=100, per_day=100, text_characters=1)
        made = [
            self._ordered(jobs, uid, state="done", result_id=f"g{n}", limits=limits)[0]
            for n in range(33)
        ]
        library.remove_words([self._purged(uid, item_id=f"g{n}") for n in range(32)])
        removed = [jobs.job(uid, one.job_id).words_removed for one in made]
        assert removed == [True] * 32 + [False]
