"""A job only moves forward, whatever is told of it, in which order and how often."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.jobs_contract import CLONE, NOON, SPEECH, job
from voxshelf.core.errors import QuotaExceeded
from voxshelf.core.job_use import JobUse
from voxshelf.core.jobs import (
    ENDED,
    LAST_LOOK,
    LOOK_AFTER,
    START_LIFETIME,
    Failure,
    JobLimits,
    JobPolicy,
)

FAILURE = Failure("runpod_error", "The worker crashed.")
LEASE = timedelta(minutes=6)
RANK = {"queued": 0, "running": 1, "saving": 2}
EVENTS = {
    "started": lambda found, now: found.started("r-1", now),
    "running": lambda found, now: found.running(now),
    "saving": lambda found, now: found.saving("somebody", now, LEASE),
    "postponed": lambda found, now: found.postponed(now),
    "done": lambda found, now: found.done("voice_ada", now),
    "failed": lambda found, now: found.failed(FAILURE, now),
    "cancelled": lambda found, now: found.cancelled(now),
    "timed_out": lambda found, now: found.timed_out(FAILURE, now),
}


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=12))
def test_no_order_of_events_moves_a_job_back_or_out_of_its_end(events):
    present = job("job_1")
    for minute, event in enumerate(events):
        after = EVENTS[event](present, NOON + timedelta(minutes=minute))
        if present.state in ENDED:
            assert after == present
        elif after.state not in ENDED:
            assert RANK[after.state] >= RANK[present.state]
        present = after
    assert (present.result_id is not None) == (present.state == "done")
    assert (present.failure is not None) == (present.state in {"failed", "timed_out"})
    assert (present.expires_at is not None) == present.has_ended


def test_a_result_is_saved_by_one_at_a_time_until_the_lease_is_over():
    claimed = job("job_1").saving("a", NOON, LEASE)
    assert claimed.saving_by == "a"
    assert claimed.saving("b", NOON + LEASE / 2, LEASE) == claimed
    assert claimed.saving("b", NOON + LEASE, LEASE).saving_by == "b"
    assert claimed.postponed(NOON).saving("b", NOON, LEASE).saving_by == "b"


def test_old_news_do_not_touch_a_job_that_is_being_saved():
    claimed = job("job_1").saving("a", NOON, LEASE)
    assert claimed.running(NOON) == claimed
    assert claimed.waiting(NOON) == claimed
    assert claimed.waiting(NOON + LEASE).due_at == NOON + LEASE + LOOK_AFTER


def test_a_job_that_never_got_an_id_is_waited_for_as_long_as_it_may_be_under_way():
    policy = JobPolicy(JobLimits(1, 1, 1), "https://site.example", "c", "s")
    assert policy.lifetime + timedelta(seconds=30) < START_LIFETIME
    # RunPod keeps a result for half an hour after that.
    assert policy.lifetime + timedelta(minutes=30) < LAST_LOOK


def test_a_result_that_is_being_saved_is_not_thrown_away_by_cancelling():
    claimed = job("job_1").saving("a", NOON, LEASE)
    assert claimed.cancelled(NOON).state == "saving"


def test_the_first_id_at_runpod_stays():
    assert job("job_1").started("r-1", NOON).started("r-2", NOON).runpod_job_id == "r-1"


@pytest.mark.parametrize("event", ["done", "failed", "cancelled", "timed_out"])
def test_a_job_is_gone_thirty_days_after_its_end(event):
    ended = EVENTS[event](job("job_1"), NOON)
    assert ended.expires_at == NOON + timedelta(days=30)
    assert not ended.is_expired(NOON + timedelta(days=30, microseconds=-1))
    assert ended.is_expired(NOON + timedelta(days=30))
    assert not job("job_1").is_expired(NOON + timedelta(days=3000))


@pytest.mark.parametrize("order", [CLONE, SPEECH], ids=["clone", "speech"])
def test_without_its_words_a_job_keeps_ids_state_and_times(order):
    done = job("job_1", order=order, runpod_job_id="r-1").done("voice_ada", NOON)
    bare = done.without_words()
    assert replace(bare, order=order, words_removed=False) == done
    said = {bare.order.voice_id, bare.order.language}
    left = [value for value in asdict(bare.order).values() if value and value not in said]
    assert (left, bare.order.voice_id) == ([], "voice_ada")
    assert bare.without_words() == bare


def test_orders_are_known_by_any_of_their_fingerprints_until_their_job_ends():
    limits = JobLimits(active=2, per_day=3, text_characters=1)
    use = JobUse().taking(NOON, limits, "job_1", ("a", "b")).taking(NOON, limits, "job_2", ("b",))
    assert use.alike(["b"]) == ("job_1", "job_2")
    assert use.alike(["a", "c"]) == ("job_1",)
    assert use.alike([]) == use.alike(["c"]) == ()
    assert use.ending("job_1") == JobUse(1, "2026-01-02", 2, {"job_2": ("b",)})


def test_limits_hold_for_jobs_at_once_and_for_the_day_and_start_anew():
    limits = JobLimits(active=2, per_day=3, text_characters=1)
    use = JobUse().taking(NOON, limits).taking(NOON, limits)
    with pytest.raises(QuotaExceeded) as refused:
        use.taking(NOON, limits)
    assert refused.value.details["limit"] == "active_jobs"
    full = JobUse(active=0, day="2026-01-02", today=3)
    with pytest.raises(QuotaExceeded) as refused:
        full.taking(NOON, limits)
    assert refused.value.retry_after_s == 12 * 3600
    assert full.taking(NOON + timedelta(days=1), limits) == JobUse(1, "2026-01-03", 1)
