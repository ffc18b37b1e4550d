"""Settling: whoever looks, however often and at whatever moment, a job becomes one item."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.endpoint.test_saves import b64
from tests.sounds import content, wav
from tests.unit.workshop import CLONE, CLONED, PICKLE, SPOKEN, Workshop
from voxshelf.core.account import Limits
from voxshelf.core.errors import InvalidRequest, NotFound, RateLimited, RunpodFailed, Unavailable
from voxshelf.core.jobs import LAST_LOOK, UNKNOWN_FOR, SpeechOrder
from voxshelf.core.names import generation_id_of_job
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.save_speech import SaveSpeech, save_speech
from voxshelf.use_cases.settle_job import settle_job


@pytest.fixture
def shop():
    return Workshop()


@pytest.fixture
def cloning(shop):
    return shop.clone()[0]


@pytest.fixture
def speaking(shop):
    shop.save_voice()
    return shop.speak()[0]


def test_a_completed_clone_is_a_voice_as_it_was_ordered(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    done = shop.settle(cloning.job_id)
    assert (done.state, done.result_id) == ("done", "voice_ada")
    assert (done.delay_ms, done.execution_ms) == (1200, 3400)
    voice = shop.library.voice("ada", "voice_ada")
    assert (voice.name, voice.template_message, voice.tags) == ("Ada", "Hello.", ("warm",))
    assert (voice.runpod_job_id, voice.source) == ("r-1", "runpod")
    assert shop.active() == 0
    shop.check()


def test_completed_speech_is_a_generation_with_the_whole_text(shop, speaking):
    shop.workers.complete("r-1", SPOKEN)
    done = shop.settle(speaking.job_id)
    generation = shop.library.generation("ada", done.result_id)
    assert (generation.text, generation.language) == ("Words to be spoken.", "de")
    assert (generation.generation_time_s, generation.timestamp) == (1.5, "20260102_120000")
    assert (generation.runpod_job_id, shop.active()) == ("r-1", 0)
    shop.check()


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ("IN_QUEUE", "queued"),
        ("IN_PROGRESS", "running"),
        ("RUNNING", "running"),
        ("FAILED", "failed"),
        ("CANCELLED", "failed"),
        ("TIMED_OUT", "timed_out"),
    ],
)
def test_each_state_of_runpods_is_one_of_ours(shop, cloning, told, state):
    shop.workers.tell("r-1", told, error="Out of memory." if told == "FAILED" else None)
    job = shop.settle(cloning.job_id)
    assert job.state == state
    assert (job.failure is not None) == job.has_ended
    assert shop.active() == (0 if job.has_ended else 1)
    if told == "FAILED":
        assert job.failure.message == "Out of memory."


def test_a_job_does_not_go_back(shop, cloning):
    shop.workers.tell("r-1", "IN_PROGRESS")
    shop.settle(cloning.job_id)
    shop.workers.tell("r-1", "IN_QUEUE")
    assert shop.settle(cloning.job_id).state == "running"


def test_a_job_that_runpod_does_not_know_yet_may_still_come(shop, cloning):
    shop.workers.forget("r-1")
    shop.time = cloning.created_at + UNKNOWN_FOR - timedelta(seconds=1)
    assert shop.settle(cloning.job_id).state == "queued"
    shop.time = cloning.created_at + UNKNOWN_FOR
    gone = shop.settle(cloning.job_id)
    assert (gone.state, gone.failure.code) == ("failed", "runpod_error")
    assert "no longer" in gone.failure.message
    shop.check()


@pytest.mark.parametrize("error", [RunpodFailed("Refused."), Unavailable("Away.")])
def test_a_runpod_that_tells_nothing_leaves_the_job_until_it_can_have_no_result(
    shop, cloning, error
):
    shop.workers.failing["status"] = error
    with pytest.raises(type(error)):
        shop.settle(cloning.job_id)
    assert shop.jobs.job("ada", cloning.job_id).state == "queued"
    shop.time = cloning.created_at + LAST_LOOK
    assert shop.settle(cloning.job_id).state == "failed"
    shop.check()


@pytest.mark.parametrize(
    "output",
    [{"status": "error", "message": "No speech found."}, {"error": "No speech found."}],
)
def test_a_failure_inside_a_completed_job_is_a_failure_with_its_message(shop, cloning, output):
    shop.workers.complete("r-1", output)
    failed = shop.settle(cloning.job_id)
    assert (failed.state, failed.failure.code) == ("failed", "runpod_error")
    assert failed.failure.message == "No speech found."
    assert shop.items() == []
    shop.check()


@pytest.mark.parametrize(
    ("output", "code"),
    [
        (None, "runpod_error"),
        ({**CLONED, "audio_base64": b64(b"no sound")}, "unsupported_media_type"),
        ({**CLONED, "audio_base64": "%%%"}, "invalid_request"),
        ({**CLONED, "profile_base64": b64(b"no array")}, "invalid_profile"),
        ({"audio_url": "https://evil.example/x.wav"}, "runpod_error"),
    ],
)
def test_an_output_that_is_no_item_fails_with_its_reason(shop, cloning, output, code):
    shop.workers.complete("r-1", output)
    failed = shop.settle(cloning.job_id)
    assert (failed.state, failed.failure.code) == ("failed", code)
    assert shop.items() == []
    shop.check()


@pytest.mark.parametrize(
    "error",
    [RateLimited("Too much.", retry_after_s=60), Unavailable("Busy.")],
    ids=["rate", "busy"],
)
def test_a_result_that_cannot_be_decoded_now_is_saved_later(shop, cloning, error):
    def busy(*arguments):
        raise error

    measure, shop.services.inspect_audio = shop.services.inspect_audio, busy
    shop.workers.complete("r-1", CLONED)
    assert not shop.settle(cloning.job_id).has_ended
    shop.services.inspect_audio = measure
    assert shop.settle(cloning.job_id).state == "done"
    shop.check()


def test_a_result_that_lies_elsewhere_is_fetched(shop, speaking):
    shop.runpod.files["https://files.example/a.wav"] = wav(0.5)
    shop.workers.complete("r-1", {"audio_url": "https://files.example/a.wav"})
    done = shop.settle(speaking.job_id)
    audio = shop.library.generation("ada", done.result_id).audio
    assert shop.objects.stored[audio.path][1] == wav(0.5)


def test_what_a_worker_says_beside_the_audio_is_not_worth_losing_it(shop, speaking):
    said = {
        "language": "not a language",
        "generation_time": -1,
        "sample_rate": 1e99,
        "audio_shape": ["many"],
        "timestamp": "\x00",
        "parameters": {"nested": {}},
        "tags": 7,
    }
    shop.workers.complete("r-1", {**SPOKEN, "metadata": said})
    done = shop.settle(speaking.job_id)
    assert done.state == "done"
    assert shop.library.generation("ada", done.result_id).generation_time_s is None


def test_a_worker_cannot_have_more_saved_than_was_ordered(shop):
    shop.objects.plant("uploads/ada/private.wav", wav(3.0))
    shop.save_voice(voice_id="voice_kept", name="Kept")
    job, _ = shop.clone()
    evil = {
        "replace": True,
        "voice_id": "voice_kept",
        "audio_path": "uploads/ada/private.wav",
        "profile_path": "uploads/ada/private.wav",
        "consent": {"statement": "I agree.", "granted_by": "Nobody"},
        "runpod_job_id": "r-other",
    }
    shop.workers.complete("r-1", {**CLONED, **evil, "metadata": evil})
    assert shop.settle(job.job_id).result_id == "voice_ada"
    assert shop.library.voice("ada", "voice_kept").version == 1
    voice = shop.library.voice("ada", "voice_ada")
    assert (voice.consent, voice.sample.duration_s, voice.runpod_job_id) == (None, 1.0, "r-1")


def full(shop):
    limits = Limits(voices=0, generations=0, size_bytes=10**9, saves_per_day=100)
    return replace(shop.policy, limits=limits)


def test_a_result_that_cannot_be_saved_keeps_its_reason_and_its_output(shop, cloning):
    policy, shop.policy = shop.policy, full(shop)
    shop.workers.complete("r-1", CLONED)
    failed = shop.settle(cloning.job_id)
    assert (failed.state, failed.failure.code) == ("failed", "quota_exceeded")
    assert shop.objects.size(f"uploads/ada/jobs/{failed.output_sha256}.json") > 1000
    assert shop.active() == 0
    shop.check()
    shop.policy = policy
    shop.workers.forget("r-1")
    again = shop.retry(failed.job_id)
    assert (again.state, again.retry_of, again.result_id) == ("done", failed.job_id, "voice_ada")
    assert shop.library.voice("ada", "voice_ada").profile.trusted
    shop.check()


def test_an_output_that_cannot_be_kept_either_can_be_retried_as_long_as_runpod_has_it(
    shop, cloning
):
    policy, shop.policy = shop.policy, full(shop)
    shop.objects.failing_paths = {"uploads/"}
    shop.workers.complete("r-1", CLONED)
    failed = shop.settle(cloning.job_id)
    assert (failed.failure.code, failed.output_sha256) == ("quota_exceeded", None)
    shop.policy, shop.objects.failing_paths = policy, set()
    assert shop.retry(failed.job_id).state == "done"
    shop.check()


def test_a_save_that_may_pass_is_tried_again(shop, cloning):
    shop.objects.failing_paths = {"voice_samples"}
    shop.workers.complete("r-1", CLONED)
    assert (shop.settle(cloning.job_id).state, shop.items()) == ("saving", [])
    assert shop.active() == 1
    shop.objects.failing_paths = set()
    shop.later(seconds=20)
    assert shop.settle_due().ended == 1
    assert shop.items() == ["voice_ada"]
    shop.check()


@pytest.mark.parametrize("steps", range(10))
def test_a_process_that_dies_anywhere_in_a_clone_leaves_one_voice_in_the_end(shop, cloning, steps):
    shop.workers.complete("r-1", CLONED)
    with shop.dies_after(steps):
        shop.settle(cloning.job_id)
    died = not shop.jobs.job("ada", cloning.job_id).has_ended
    assert died == (steps < 8)
    claimed = steps in range(2, 8)
    assert shop.settle(cloning.job_id).has_ended != claimed
    shop.later(minutes=7)
    assert shop.settle_due().looked == claimed
    job = shop.jobs.job("ada", cloning.job_id)
    assert (job.state, job.result_id, shop.items()) == ("done", "voice_ada", ["voice_ada"])
    assert shop.library.voice("ada", "voice_ada").profile.trusted
    assert shop.speak()[0].state == "queued"
    shop.check()


@pytest.mark.parametrize("steps", range(8))
def test_a_process_that_dies_anywhere_in_speech_leaves_one_generation_in_the_end(
    shop, speaking, steps
):
    shop.workers.complete("r-1", SPOKEN)
    with shop.dies_after(steps):
        shop.settle(speaking.job_id)
    shop.later(minutes=7)
    shop.settle_due()
    job = shop.jobs.job("ada", speaking.job_id)
    assert (job.state, len(shop.items())) == ("done", 2)
    assert job.result_id in shop.items()
    shop.check()


def test_a_crash_between_saving_and_done_ends_well_though_runpod_has_forgotten(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    with shop.dies_after(7):
        shop.settle(cloning.job_id)
    assert shop.items() == ["voice_ada"]
    shop.workers.forget("r-1")
    # Somebody saves as far as anybody knows: it is not for others to end the job.
    assert shop.settle(cloning.job_id).state == "saving"
    shop.later(hours=1)
    done = shop.settle(cloning.job_id)
    assert (done.state, done.result_id) == ("done", "voice_ada")
    shop.check()


def test_news_that_come_late_do_not_end_a_job_that_is_being_saved(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    save, told = shop.runpod._results.save, []

    def slowly(uid, job, output):
        shop.workers.tell("r-1", "FAILED")
        told.append(shop.settle(job.job_id).state)
        shop.workers.tell("r-1", "IN_QUEUE")
        told.append(shop.settle(job.job_id).state)
        return save(uid, job, output)

    job = shop.jobs.job("ada", cloning.job_id)
    results = type("Slow", (), {"save": staticmethod(slowly)})
    ports = {**shop.ports, "results": results}
    assert settle_job("ada", job, **ports, lease=shop.policy.lease).state == "done"
    assert told == ["saving", "saving"]
    shop.check()


def test_many_at_once_make_one_item(shop, speaking):
    shop.workers.complete("r-1", SPOKEN)
    with ThreadPoolExecutor(8) as threads:
        states = set(threads.map(lambda _: shop.settle(speaking.job_id).state, range(16)))
    assert states <= {"saving", "done"}
    assert len(shop.items()) == 2
    assert shop.jobs.job("ada", speaking.job_id).state == "done"
    shop.check()


def test_after_the_end_nothing_happens_and_nobody_is_asked(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    done = shop.settle(cloning.job_id)
    calls = len(shop.workers.journal)
    shop.workers.tell("r-1", "FAILED")
    assert shop.settle(cloning.job_id) == done
    assert len(shop.workers.journal) == calls


def test_a_voice_that_was_deleted_meanwhile_gets_no_speech(shop, speaking):
    shop.library.records.clear()
    shop.workers.complete("r-1", SPOKEN)
    failed = shop.settle(speaking.job_id)
    assert (failed.state, failed.failure.code) == ("failed", "not_found")
    assert shop.active() == 0


def test_the_schedule_follows_jobs_whose_webhooks_never_came_one_by_one(shop):
    shop.save_voice()
    first, second, third = (shop.speak(again=True)[0] for _ in range(3))
    shop.workers.complete(first.runpod_job_id, SPOKEN)
    shop.workers.complete(third.runpod_job_id, SPOKEN)
    assert shop.settle_due().looked == 0
    shop.later(seconds=20)
    shop.jobs.change(
        "ada", second.job_id, lambda found, now: replace(found, runpod_job_id=None, endpoint_id="?")
    )
    followed = shop.settle_due()
    assert (followed.looked, followed.ended, followed.failed) == (3, 2, 0)
    shop.workers.failing["status"] = Unavailable("Away.")
    fourth, _ = shop.speak(again=True)
    shop.later(seconds=20)
    followed = shop.settle_due()
    assert (followed.looked, followed.ended, followed.failed) == (2, 0, 1)
    assert not shop.jobs.job("ada", fourth.job_id).has_ended


def test_a_cancelled_job_is_cancelled_at_runpod_and_its_late_result_dropped(shop, cloning):
    cancelled = shop.cancel(cloning.job_id)
    assert (cancelled.state, shop.active()) == ("cancelled", 0)
    assert ("cancel", "r-1") in shop.workers.journal
    shop.workers.complete("r-1", CLONED)
    assert shop.settle(cloning.job_id) == cancelled
    assert shop.items() == []
    assert shop.cancel(cloning.job_id) == cancelled
    shop.check()


def test_a_job_is_cancelled_for_its_user_though_runpod_does_not_listen(shop, cloning):
    shop.workers.failing["cancel"] = Unavailable("Away.")
    assert shop.cancel(cloning.job_id).state == "cancelled"


def test_a_job_that_is_cancelled_before_its_id_is_known_is_cancelled_at_runpod_later(shop):
    run = shop.workers.run

    def slow(endpoint_id, request):
        [job] = shop.jobs.records.values()
        assert shop.cancel(job.job_id).state == "cancelled"
        return run(endpoint_id, request)

    shop.workers.run = slow
    job, _ = shop.clone()
    assert job.state == "cancelled"
    assert ("cancel", "r-1") in shop.workers.journal
    shop.check()


def test_a_result_that_is_being_saved_is_not_cancelled(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    with shop.dies_after(3):
        shop.settle(cloning.job_id)
    assert shop.cancel(cloning.job_id).state == "saving"
    assert ("cancel", "r-1") not in shop.workers.journal
    shop.later(minutes=7)
    shop.settle_due()
    assert shop.items() == ["voice_ada"]


def test_another_users_job_cannot_be_cancelled(shop, cloning):
    with pytest.raises(NotFound):
        shop.cancel(cloning.job_id, uid="bob")


def save_it_himself(shop, **fields):
    """Save the result of speech as a browser does that has followed the job itself."""
    command = SaveSpeech("ada", "voice_ada", content(wav(0.5)), runpod_job_id="r-1", **fields)
    return save_speech(
        command,
        library=shop.library,
        objects=shop.objects,
        uploads=shop.services.upload_slots,
        inspect_audio=shop.services.inspect_audio,
        policy=shop.policy,
    )


def test_speech_that_the_browser_saved_first_is_the_jobs_result(shop, speaking):
    saved = save_it_himself(shop, text="His own.").generation
    assert saved.generation_id == generation_id_of_job("voice_ada", "r-1")
    shop.workers.complete("r-1", SPOKEN)
    assert shop.settle(speaking.job_id).result_id == saved.generation_id
    assert len(shop.items()) == 2
    shop.check()


def test_speech_that_the_browser_saves_after_the_job_is_the_same(shop, speaking):
    shop.workers.complete("r-1", SPOKEN)
    done = shop.settle(speaking.job_id)
    again = save_it_himself(shop, idempotency_key="his own")
    assert (again.replayed, again.generation.generation_id) == (True, done.result_id)
    assert len(shop.items()) == 2
    shop.check()


def test_a_voice_that_the_browser_saved_first_is_the_jobs_result(shop, cloning):
    shop.save_voice(profile=PICKLE, runpod_job_id="r-1", description="His own.")
    shop.workers.complete("r-1", CLONED)
    assert shop.settle(cloning.job_id).result_id == "voice_ada"
    assert shop.library.voice("ada", "voice_ada").description == "His own."
    # The job has returned the very profile, so it may be spoken with.
    assert shop.speak()[0].state == "queued"
    shop.check()


def test_a_voice_that_the_browser_saves_after_the_job_is_the_same(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    shop.settle(cloning.job_id)
    before = shop.library.voice("ada", "voice_ada")
    assert shop.save_voice(profile=PICKLE, runpod_job_id="r-1", description="Again.") == before
    shop.check()


def test_a_browser_that_saves_at_the_same_moment_is_waited_for(shop, speaking):
    shop.workers.complete("r-1", SPOKEN)
    write, states = shop.objects.write, []

    def meanwhile(objects):
        shop.objects.write = write
        states.append(shop.settle(speaking.job_id).state)
        write(objects)

    shop.objects.write = meanwhile
    saved = save_it_himself(shop).generation.generation_id
    assert states == ["saving"]
    shop.later(seconds=20)
    shop.settle_due()
    job = shop.jobs.job("ada", speaking.job_id)
    assert (job.state, job.result_id, len(shop.items())) == ("done", saved, 2)
    shop.check()


def test_an_order_of_a_job_from_elsewhere_names_no_item_that_could_be_looked_for(shop):
    job, _ = shop.clone(replace(CLONE, voice_id="voice_b"))
    bare = replace(job, order=SpeechOrder("", ""), kind="speech")
    assert shop.runpod.results.saved("ada", bare) is None


def left(shop):
    """Return what lies among the uploads."""
    return [path for path in shop.objects.stored if path.startswith("uploads/")]


CONSENTED = replace(CLONE, consent=("I agree.", "Ada"))


@pytest.mark.parametrize("when", ["before the withdrawal", "after it, of another recording"])
def test_a_voice_that_is_withdrawn_while_it_is_cloned_leaves_nothing(shop, when):
    job, _ = shop.clone(CONSENTED)
    shop.save_voice()
    shop.purge("voices", "voice_ada", withdrawn=True)
    if when != "before the withdrawal":
        # As if it had begun at the very moment of the withdrawal.
        shop.jobs.records["ada", job.job_id] = job
    shop.workers.complete("r-1", CLONED)
    failed = shop.settle(job.job_id)
    assert (failed.state, failed.output_sha256) == ("failed", None)
    assert (failed.order.consent, failed.order.name, failed.words_removed) == (None, "", True)
    assert (left(shop), shop.items(), shop.active()) == ([], [], 0)
    with pytest.raises(InvalidRequest):
        shop.retry(failed.job_id)
    shop.check()


def test_speech_of_a_voice_that_is_withdrawn_meanwhile_leaves_nothing(shop, speaking):
    shop.purge("voices", "voice_ada", withdrawn=True)
    shop.workers.complete("r-1", SPOKEN)
    failed = shop.settle(speaking.job_id)
    assert (failed.state, failed.failure.code) == ("failed", "permission_denied")
    assert (left(shop), shop.items(), shop.active()) == ([], [], 0)
    shop.check()


def test_what_was_kept_for_a_retry_goes_when_its_voice_is_withdrawn(shop, cloning):
    policy, shop.policy = shop.policy, full(shop)
    shop.workers.complete("r-1", CLONED)
    failed = shop.settle(cloning.job_id)
    shop.policy = policy
    assert left(shop) != []
    shop.save_voice()
    shop.purge("voices", "voice_ada", withdrawn=True)
    assert (left(shop), shop.jobs.job("ada", failed.job_id).order.name) == ([], "")


def test_a_retry_that_began_before_the_withdrawal_removes_what_was_kept(shop, cloning):
    policy, shop.policy = shop.policy, full(shop)
    shop.workers.complete("r-1", CLONED)
    failed = shop.settle(cloning.job_id)
    kept = dict(shop.objects.stored)
    shop.policy = policy
    shop.save_voice()
    shop.purge("voices", "voice_ada", withdrawn=True)
    shop.jobs.records["ada", failed.job_id] = failed
    shop.objects.stored |= kept
    again = shop.retry(failed.job_id)
    assert (again.state, again.failure.code) == ("failed", "permission_denied")
    assert left(shop) == []


def test_speech_of_a_voice_that_comes_back_can_be_saved_then(shop, speaking):
    shop.purge("voices", "voice_ada", permanent=False)
    shop.workers.complete("r-1", SPOKEN)
    failed = shop.settle(speaking.job_id)
    assert (failed.state, failed.failure.code) == ("failed", "not_found")
    key = ItemKey("voices", "voice_ada")
    assert shop.library.restore("ada", [key], shop.policy.limits)[key] == "restored"
    shop.workers.status = lambda *_: None
    assert shop.retry(speaking.job_id).state == "done"


def test_a_result_that_lacks_a_consent_which_is_asked_for_by_now_is_kept(shop, cloning):
    shop.workers.complete("r-1", CLONED)
    shop.policy = replace(shop.policy, require_consent=True)
    assert shop.settle(cloning.job_id).failure.code == "permission_denied"
    shop.policy = replace(shop.policy, require_consent=False)
    shop.workers.status = lambda *_: None
    assert shop.retry(cloning.job_id).state == "done"
