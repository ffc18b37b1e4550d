"""Jobs from elsewhere, and results that are saved once more."""

import hashlib
import json
from dataclasses import replace

import pytest

from tests.endpoint.test_saves import b64
from tests.unit.test_settle_job import full
from tests.unit.workshop import CLONED, PICKLE, SPOKEN, Workshop
from voxshelf.core.errors import InvalidRequest, NotFound, QuotaExceeded
from voxshelf.core.jobs import JobLimits, SpeechOrder


@pytest.fixture
def shop():
    return Workshop()


def elsewhere(shop, kind="speech", output=SPOKEN):
    endpoint = {"speech": "speech-endpoint", "clone": "clone-endpoint"}[kind]
    shop.workers.elsewhere(endpoint, "r-x")
    if output is not None:
        shop.workers.complete("r-x", output)


def test_speech_that_was_started_elsewhere_is_saved_as_its_worker_tells(shop):
    shop.save_voice()
    elsewhere(shop)
    job = shop.adopt()
    assert (job.state, job.kind, job.runpod_job_id) == ("done", "speech", "r-x")
    assert shop.library.generation("ada", job.result_id).text == "Cut off te"
    shop.check()


def test_what_the_user_says_of_it_wins(shop):
    shop.save_voice()
    elsewhere(shop)
    job = shop.adopt(order=SpeechOrder("voice_ada", "The whole text."))
    assert shop.library.generation("ada", job.result_id).text == "The whole text."


def test_a_clone_from_elsewhere_is_a_voice_that_may_be_spoken_with(shop):
    elsewhere(shop, "clone", CLONED)
    job = shop.adopt("clone")
    assert job.result_id == "voice_worker"
    assert shop.library.voice("ada", "voice_worker").name == "Worker"
    assert shop.speak(SpeechOrder("voice_worker", "Words."))[0].state == "queued"
    shop.check()


def test_one_that_still_runs_is_followed_like_any_other(shop):
    shop.save_voice()
    elsewhere(shop, output=None)
    job = shop.adopt()
    assert (job.state, shop.active()) == ("queued", 1)
    shop.workers.complete("r-x", SPOKEN)
    shop.later(seconds=20)
    assert shop.settle_due().ended == 1
    assert len(shop.items()) == 2
    shop.check()


def test_one_that_runpod_does_not_know_is_not_found_and_counts_nothing(shop):
    with pytest.raises(NotFound):
        shop.adopt()
    elsewhere(shop, "clone", CLONED)
    with pytest.raises(NotFound):
        shop.adopt("speech")
    assert shop.jobs.records == {}


def test_another_users_job_is_as_unknown_as_one_that_never_was(shop):
    shop.save_voice()
    shop.save_voice(uid="bob")
    job, _ = shop.speak()
    shop.workers.complete(job.runpod_job_id, SPOKEN)
    with pytest.raises(NotFound) as never:
        shop.adopt(uid="bob", runpod_job_id="r-never")
    with pytest.raises(NotFound) as anothers:
        shop.adopt(uid="bob", runpod_job_id=job.runpod_job_id)
    assert str(never.value) == str(anothers.value)
    assert shop.items("bob") == ["voice_ada"]


def test_a_job_that_is_here_already_is_that_one(shop):
    shop.save_voice()
    elsewhere(shop)
    first = shop.adopt()
    assert shop.adopt() == first
    own, _ = shop.speak()
    shop.workers.complete(own.runpod_job_id, SPOKEN)
    adopted = shop.adopt(runpod_job_id=own.runpod_job_id)
    assert (adopted.job_id, adopted.state) == (own.job_id, "done")
    assert len(shop.items()) == 3
    shop.check()


def test_one_that_failed_here_may_be_taken_over_anew_and_makes_one_item(shop):
    shop.save_voice()
    elsewhere(shop)
    policy, shop.policy = shop.policy, full(shop)
    failed = shop.adopt()
    assert failed.state == "failed"
    shop.policy = policy
    job = shop.adopt()
    assert (job.state, job.job_id != failed.job_id) == ("done", True)
    assert len(shop.items()) == 2
    shop.check()


def test_taking_over_counts_like_a_start(shop):
    shop.save_voice()
    shop.job_policy = replace(shop.job_policy, limits=JobLimits(5, 1, 100))
    shop.speak()
    elsewhere(shop)
    with pytest.raises(QuotaExceeded):
        shop.adopt()
    assert shop.items() == ["voice_ada"]


@pytest.mark.parametrize("steps", range(9))
def test_a_process_that_dies_while_taking_over_leaves_one_item_in_the_end(shop, steps):
    shop.save_voice()
    elsewhere(shop)
    with shop.dies_after(steps):
        shop.adopt()
    shop.later(minutes=7)
    shop.settle_due()
    shop.adopt()
    assert len(shop.items()) == 2
    assert shop.active() == 0
    shop.check()


def failed_clone(shop):
    job, _ = shop.clone()
    shop.workers.complete(job.runpod_job_id, CLONED)
    policy, shop.policy = shop.policy, full(shop)
    failed = shop.settle(job.job_id)
    shop.policy = policy
    return failed


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_failed_job_is_retried_as_a_new_one_and_stays_failed(shop, forgotten):
    failed = failed_clone(shop)
    if forgotten:
        shop.workers.forget("r-1")
    again = shop.retry(failed.job_id)
    assert (again.state, again.retry_of, again.result_id) == ("done", failed.job_id, "voice_ada")
    assert shop.jobs.job("ada", failed.job_id) == failed
    assert len(shop.workers.requests) == 1
    shop.check()


def test_many_retries_make_one_item(shop):
    failed = failed_clone(shop)
    assert {shop.retry(failed.job_id).result_id for _ in range(3)} == {"voice_ada"}
    assert shop.items() == ["voice_ada"]
    shop.check()


def test_a_retry_that_has_to_wait_finds_the_kept_output_again(shop):
    failed = failed_clone(shop)
    shop.workers.forget("r-1")
    shop.objects.failing_paths = {"voice_samples"}
    again = shop.retry(failed.job_id)
    assert (again.state, again.has_ended) == ("saving", False)
    shop.objects.failing_paths = set()
    shop.later(minutes=5)
    shop.settle_due()
    assert shop.jobs.job("ada", again.job_id).state == "done"
    shop.check()


def test_a_retry_that_fails_again_can_be_retried_again(shop):
    failed = failed_clone(shop)
    shop.workers.forget("r-1")
    policy, shop.policy = shop.policy, full(shop)
    again = shop.retry(failed.job_id)
    assert (again.state, again.output_sha256) == ("failed", failed.output_sha256)
    shop.policy = policy
    assert shop.retry(again.job_id).state == "done"


def test_a_result_that_is_gone_everywhere_cannot_be_retried(shop):
    failed = failed_clone(shop)
    shop.workers.forget("r-1")
    shop.objects.stored.clear()
    with pytest.raises(InvalidRequest, match="gone"):
        shop.retry(failed.job_id)
    assert shop.active() == 0


def test_a_job_that_failed_at_runpod_has_nothing_to_be_retried(shop):
    job, _ = shop.clone()
    shop.workers.tell("r-1", "FAILED")
    shop.settle(job.job_id)
    with pytest.raises(InvalidRequest, match="gone"):
        shop.retry(job.job_id)


def test_only_a_failed_job_of_ones_own_is_retried(shop):
    job, _ = shop.clone()
    with pytest.raises(InvalidRequest):
        shop.retry(job.job_id)
    with pytest.raises(NotFound):
        shop.retry(job.job_id, uid="bob")


def test_other_bytes_in_the_place_of_a_kept_output_are_not_believed(shop):
    failed = failed_clone(shop)
    shop.workers.forget("r-1")
    path = f"uploads/ada/jobs/{failed.output_sha256}.json"
    forged = json.dumps({**CLONED, "profile_base64": b64(PICKLE + b"evil")}).encode()
    shop.objects.plant(path, forged)
    with pytest.raises(InvalidRequest, match="gone"):
        shop.retry(failed.job_id)
    assert shop.jobs.trusted == {hashlib.sha256(PICKLE).hexdigest()}


@pytest.mark.parametrize("steps", range(8))
def test_a_process_that_dies_while_retrying_leaves_one_item_in_the_end(shop, steps):
    failed = failed_clone(shop)
    shop.workers.forget("r-1")
    with shop.dies_after(steps):
        shop.retry(failed.job_id)
    shop.later(minutes=7)
    shop.settle_due()
    shop.retry(failed.job_id)
    assert shop.items() == ["voice_ada"]
    shop.check()


@pytest.mark.parametrize("act", ["import", "retry"])
def test_taking_results_over_counts_whatever_comes_of_it_and_ends_before_runpod_is_asked(shop, act):
    shop.job_policy = replace(shop.job_policy, limits=JobLimits(5, 2, 5000))
    attempt = {"import": shop.adopt, "retry": lambda: shop.retry("job_never")}[act]
    for _ in range(2):
        with pytest.raises(NotFound):
            attempt()
    asked = list(shop.workers.journal)
    with pytest.raises(QuotaExceeded) as refused:
        attempt()
    assert refused.value.details == {"limit": "taken_over_per_day", "max": 2}
    assert shop.workers.journal == asked
    shop.later(days=1)
    with pytest.raises(NotFound):
        attempt()
