"""The words of an order go with the item that they made, whoever dies at whatever moment."""

import json
from datetime import timedelta

import pytest

from tests.unit.test_adopt_job import failed_clone
from tests.unit.test_settle_job import full
from tests.unit.workshop import CLONE, CLONED, SPEECH, SPOKEN, Workshop
from voxshelf.core.errors import InProgress, InvalidRequest, NotFound
from voxshelf.core.jobs import SpeechOrder
from voxshelf.core.names import kept_output_path

STEPS_OF_A_PURGE = 4


@pytest.fixture
def shop():
    return Workshop()


@pytest.fixture
def spoken(shop):
    """Return a job of speech that is done."""
    shop.save_voice()
    job, _ = shop.speak()
    shop.workers.complete(job.runpod_job_id, SPOKEN)
    return shop.settle(job.job_id)


def words(shop, job):
    return shop.jobs.job("ada", job.job_id).order.text


def outputs(shop):
    return [path for path in shop.objects.stored if path.startswith("uploads/ada/jobs/")]


@pytest.mark.parametrize("steps", range(STEPS_OF_A_PURGE + 1))
def test_a_purge_that_died_takes_the_words_in_the_end_and_never_the_item_alone(shop, spoken, steps):
    with shop.dies_after(steps):
        shop.purge("generations", spoken.result_id)
    if ("ada", "generations", spoken.result_id) not in shop.library.records:
        assert words(shop, spoken) == ""
    elif steps == 0:
        assert words(shop, spoken) == SPEECH.text
        return
    shop.later(minutes=10)
    shop.reconcile()
    assert ("ada", "generations", spoken.result_id) not in shop.library.records
    left = shop.jobs.job("ada", spoken.job_id)
    assert (left.order, left.words_removed) == (SpeechOrder("voice_ada", "", "de"), True)
    assert (left.state, left.result_id) == ("done", spoken.result_id)
    shop.check()


def test_what_lies_in_the_trash_keeps_its_words_until_it_is_purged(shop, spoken):
    shop.purge("generations", spoken.result_id, permanent=False)
    shop.later(hours=23)
    shop.reconcile()
    assert words(shop, spoken) == SPEECH.text
    shop.later(hours=2)
    shop.reconcile()
    assert words(shop, spoken) == ""


def test_words_go_with_generations_that_are_deleted_with_their_voice(shop, spoken):
    shop.library.taken_at_once = 1
    second, _ = shop.speak(SpeechOrder("voice_ada", "More."))
    shop.workers.complete(second.runpod_job_id, SPOKEN)
    shop.settle(second.job_id)
    shop.purge("voices", "voice_ada", with_generations=True)
    assert [words(shop, job) for job in (spoken, second)] == ["", ""]


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_voice_takes_the_words_of_its_clone_and_leaves_those_of_its_speech(shop, withdrawn):
    clone, _ = shop.clone()
    shop.workers.complete(clone.runpod_job_id, CLONED)
    shop.settle(clone.job_id)
    speech, _ = shop.speak()
    shop.workers.complete(speech.runpod_job_id, SPOKEN)
    shop.settle(speech.job_id)
    shop.purge("voices", "voice_ada", withdrawn=withdrawn)
    left = shop.jobs.job("ada", clone.job_id).order
    assert (left.voice_id, left.name, left.template_message, left.tags) == (
        CLONE.voice_id,
        "",
        None,
        (),
    )
    assert words(shop, speech) == SPEECH.text


@pytest.mark.parametrize("steps", range(8))
def test_a_job_that_died_before_it_noted_its_result_does_not_bring_it_back(shop, steps):
    shop.save_voice()
    job, _ = shop.speak()
    shop.workers.complete(job.runpod_job_id, SPOKEN)
    with shop.dies_after(steps):
        shop.settle(job.job_id)
    generations = [item_id for item_id in shop.items() if item_id != "voice_ada"]
    for item_id in generations:
        shop.purge("generations", item_id)
        assert words(shop, job) == ""
    shop.later(minutes=7)
    shop.settle_due()
    ended = shop.jobs.job("ada", job.job_id)
    assert ended.has_ended
    if generations and ended.state == "failed":
        assert ended.failure.code == "not_found"
    assert (ended.order.text == "") == bool(generations)
    assert len(shop.items()) == (1 if generations else 2)
    shop.check()


def test_what_was_kept_of_a_result_goes_with_the_item_and_cannot_be_retried(shop):
    failed = failed_clone(shop)
    assert shop.retry(failed.job_id).state == "done"
    assert outputs(shop) == [kept_output_path("ada", failed.output_sha256)]
    shop.purge("voices", "voice_ada")
    assert outputs(shop) == []
    assert shop.jobs.job("ada", failed.job_id).order.name == ""
    with pytest.raises(InvalidRequest, match="gone"):
        shop.retry(failed.job_id)
    assert shop.items() == []


def test_what_was_kept_of_a_result_goes_with_the_last_job_that_has_it(shop):
    failed = failed_clone(shop)
    shop.workers.forget("r-1")
    policy, shop.policy = shop.policy, full(shop)
    again = shop.retry(failed.job_id)
    shop.policy = policy
    shop.delete(failed.job_id)
    assert shop.retry(again.job_id).state == "done"
    for job in [*shop.jobs.records.values()]:
        shop.delete(job.job_id)
    assert (outputs(shop), shop.items()) == ([], ["voice_ada"])


@pytest.mark.parametrize("steps", range(4))
def test_a_process_that_dies_while_deleting_a_job_leaves_nothing_for_longer_than_a_day(shop, steps):
    failed = failed_clone(shop)
    with shop.dies_after(steps):
        shop.delete(failed.job_id)
    if steps:
        with pytest.raises(NotFound):
            shop.jobs.job("ada", failed.job_id)
    shop.objects.created_at = dict.fromkeys(outputs(shop), shop.time)
    shop.later(days=2)
    shop.reconcile()
    assert outputs(shop) == []


def test_a_job_that_has_not_ended_is_not_deleted(shop):
    job, _ = shop.clone()
    with pytest.raises(InProgress):
        shop.delete(job.job_id)
    with pytest.raises(NotFound):
        shop.delete(job.job_id, uid="bob")
    assert shop.active() == 1


def test_a_retry_is_not_born_with_the_end_of_the_job_before_it(shop):
    failed = failed_clone(shop)
    shop.objects.failing_paths = {"voice_samples"}
    again = shop.retry(failed.job_id)
    assert (again.has_ended, again.expires_at) == (False, None)
    assert failed.expires_at == failed.updated_at + timedelta(days=30)


def test_nothing_that_was_said_stays_in_any_job(shop, spoken):
    shop.purge("generations", spoken.result_id)
    left = json.dumps([repr(job) for job in shop.jobs.records.values()])
    assert SPEECH.text not in left
