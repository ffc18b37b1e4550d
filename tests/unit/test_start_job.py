"""Starting: written down before RunPod is called, and refused before anything is written."""

import base64
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.sounds import content, encoded, npy, tone, wav
from tests.unit.test_settle_job import full
from tests.unit.workshop import CLONE, CLONED, PICKLE, SPEECH, SPOKEN, Workshop
from voxshelf.core.audio import SAMPLE_LIMITS
from voxshelf.core.errors import (
    IdempotencyConflict,
    InvalidAudio,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    PermissionDenied,
    QuotaExceeded,
    RunpodFailed,
    Unavailable,
    VoiceExists,
)
from voxshelf.core.job_use import JobUse
from voxshelf.core.jobs import START_LIFETIME, JobLimits
from voxshelf.core.worker_parameters import DEFAULT_PARAMETERS
from voxshelf.use_cases.start_job import MAX_REQUEST_BYTES, digest_of


@pytest.fixture
def shop():
    shop = Workshop()
    with shop.resources:
        yield shop


def assert_untouched(shop):
    assert (shop.jobs.records, shop.workers.journal) == ({}, [])


def test_a_clone_is_started_with_what_the_contract_says(shop):
    job, replayed = shop.clone(replace(CLONE, language="de", parameters={"seed": 7}))
    assert (job.state, job.runpod_job_id, replayed) == ("queued", "r-1", False)
    assert shop.workers.journal == [("run", "clone-endpoint")]
    request = shop.workers.requests["r-1"]
    assert request["input"] == {
        "seed": 7,
        "name": "Ada",
        "audio_data": base64.b64encode(wav(2.0)).decode(),
        "audio_format": "wav",
        "responseFormat": "base64",
        "template_message": "Hello.",
        "language": "de",
    }
    assert request["policy"] == {"executionTimeout": 600_000, "ttl": 1_200_000}
    prefix = f"https://site.example/api/runpod/webhook/{job.job_id}/"
    assert request["webhook"].startswith(prefix)
    assert digest_of(request["webhook"].removeprefix(prefix)) == job.secret_sha256


def test_speech_is_started_with_the_voices_profile(shop):
    shop.save_voice()
    job, _ = shop.speak(replace(SPEECH, parameters={"speed": 1.5, "language": "en"}))
    assert shop.workers.requests[job.runpod_job_id]["input"] == {
        "speed": 1.5,
        "text": "Words to be spoken.",
        "voice_id": "voice_ada",
        "profile_base64": base64.b64encode(npy()).decode(),
        "responseFormat": "base64",
        "language": "de",
    }


def test_the_job_is_written_before_runpod_is_called(shop):
    with shop.dies_after(2):
        shop.clone()
    [job] = shop.jobs.records.values()
    assert (job.state, job.runpod_job_id, shop.workers.journal) == ("queued", None, [])
    shop.later(minutes=20)
    assert not shop.settle(job.job_id).has_ended
    shop.time = job.created_at + START_LIFETIME
    assert shop.settle_due().ended == 1
    failed = shop.jobs.job("ada", job.job_id)
    assert (failed.state, failed.failure.code) == ("failed", "runpod_error")
    shop.check()


def test_a_start_that_died_after_runpod_took_it_ends_well_by_its_webhook(shop):
    with shop.dies_after(3):
        shop.clone()
    [job] = shop.jobs.records.values()
    assert (job.runpod_job_id, list(shop.workers.requests)) == (None, ["r-1"])
    shop.workers.complete("r-1", CLONED)
    shop.jobs.change("ada", job.job_id, lambda found, now: found.started("r-1", now))
    assert shop.settle(job.job_id).state == "done"
    assert shop.items() == ["voice_ada"]
    shop.check()


def test_a_start_whose_answer_got_lost_stays_queued_for_its_webhook(shop):
    shop.workers.lost = True
    job, replayed = shop.clone()
    assert (job.state, job.runpod_job_id, replayed) == ("queued", None, False)
    assert shop.active() == 1


def test_a_start_that_runpod_refuses_has_failed_and_gives_its_place_back(shop):
    shop.workers.refuse()
    with pytest.raises(RunpodFailed):
        shop.clone()
    [job] = shop.jobs.records.values()
    assert (job.state, job.failure.message) == ("failed", "RunPod refused the job (400).")
    assert shop.active() == 0


def test_a_database_that_is_away_starts_nothing(shop):
    def away(*arguments, **options):
        raise Unavailable

    shop.jobs.start = away
    with pytest.raises(Unavailable):
        shop.clone()
    assert shop.workers.journal == []


def test_no_more_jobs_than_the_limit_and_a_place_again_when_one_has_ended(shop):
    shop.job_policy = replace(shop.job_policy, limits=JobLimits(2, 3, 5000))
    shop.save_voice()
    first, _ = shop.speak()
    shop.speak(again=True)
    with pytest.raises(QuotaExceeded) as refused:
        shop.speak(again=True)
    assert refused.value.details == {"limit": "active_jobs", "max": 2}
    assert len(shop.workers.requests) == 2
    shop.cancel(first.job_id)
    shop.speak(again=True)
    shop.workers.complete("r-2", SPOKEN)
    shop.later(seconds=21)
    shop.settle_due()
    with pytest.raises(QuotaExceeded) as refused:
        shop.speak(again=True)
    assert refused.value.details["limit"] == "jobs_per_day"


def test_the_same_key_is_the_same_job_and_other_content_a_conflict(shop):
    first, _ = shop.clone(key="k")
    assert shop.clone(key="k") == (first, True)
    with pytest.raises(IdempotencyConflict):
        shop.clone(replace(CLONE, name="Other"), key="k")
    with pytest.raises(IdempotencyConflict):
        shop.clone(sample=content(wav(3.0)), key="k")
    assert shop.clone(replace(CLONE, parameters={}), key="k") == (first, True)
    assert shop.clone(key="k", uid="bob")[1] is False
    assert len(shop.workers.requests) == 2


def test_the_same_key_is_the_same_job_when_nothing_of_the_start_is_there_any_more(shop):
    path = "uploads/ada/long.wav"
    shop.objects.plant(path, wav(2.0))
    first, _ = shop.clone(sample=shop.upload(path), key="k")
    assert path not in shop.objects.stored
    shop.workers.complete("r-1", CLONED)
    done = shop.settle(first.job_id)
    assert done.state == "done"
    assert shop.clone(sample=shop.upload(path), key="k") == (done, True)


def test_speech_under_the_same_key_is_not_spoken_again_after_its_voice_has_gone(shop):
    shop.save_voice()
    first, _ = shop.speak(key="k")
    shop.library.records.clear()
    assert shop.speak(key="k") == (first, True)
    with pytest.raises(IdempotencyConflict):
        shop.speak(replace(SPEECH, text="Other words."), key="k")


def test_a_double_click_on_speech_is_one_job(shop):
    shop.save_voice()
    first, replayed = shop.speak()
    assert not replayed
    assert shop.speak() == (first, True)
    assert shop.speak(replace(SPEECH, parameters={})) == (first, True)
    assert len(shop.workers.requests) == 1
    assert shop.active() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Words to be spoken!"},
        {"language": "en"},
        {"tags": ("new",)},
        {"parameters": {"speed": 1}},
    ],
    ids=str,
)
def test_speech_that_differs_is_another_job(shop, other):
    shop.save_voice()
    first, _ = shop.speak()
    second, replayed = shop.speak(replace(SPEECH, **other))
    assert (replayed, second.job_id != first.job_id) == (False, True)


def test_again_and_a_key_of_its_own_are_other_jobs(shop):
    shop.save_voice()
    made = [shop.speak(), shop.speak(again=True), shop.speak(key="k"), shop.speak(key="l")]
    assert [replayed for _, replayed in made] == [False] * 4
    assert len({job.job_id for job, _ in made}) == 4
    # Whoever sends no key next means one of them.
    assert shop.speak()[0] in [job for job, _ in made]


def test_the_same_speech_is_spoken_again_once_the_first_has_ended(shop):
    shop.save_voice()
    first, _ = shop.speak()
    shop.workers.complete(first.runpod_job_id, SPOKEN)
    assert shop.settle(first.job_id).state == "done"
    second, replayed = shop.speak()
    assert (replayed, second.job_id != first.job_id) == (False, True)


def test_fifty_clicks_at_the_same_moment_are_one_job(shop):
    shop.save_voice()
    with ThreadPoolExecutor(50) as threads:
        outcomes = list(threads.map(lambda _: shop.speak(), range(50)))
    assert len({job.job_id for job, _ in outcomes}) == 1
    assert [replayed for _, replayed in outcomes].count(False) == 1
    assert len(shop.workers.requests) == 1


def test_a_double_click_on_a_clone_is_one_job_and_another_recording_is_not(shop):
    first, _ = shop.clone()
    assert shop.clone() == (first, True)
    assert shop.clone(sample=content(wav(3.0)))[1] is False
    assert shop.clone(again=True)[1] is False
    assert len(shop.workers.requests) == 3


def test_a_double_click_on_a_clone_of_an_upload_is_one_job_by_its_path_and_by_its_bytes(shop):
    for name in ("a.wav", "b.wav"):
        shop.objects.plant(f"uploads/ada/{name}", wav(2.0))
    first, _ = shop.clone(sample=shop.upload("uploads/ada/a.wav"))
    # The upload is gone by then.
    assert shop.clone(sample=shop.upload("uploads/ada/a.wav")) == (first, True)
    assert shop.clone(sample=shop.upload("uploads/ada/b.wav")) == (first, True)
    assert shop.clone() == (first, True)
    with pytest.raises(NotFound):
        shop.clone(sample=shop.upload("uploads/ada/a.wav"), again=True)
    assert len(shop.workers.requests) == 1


def test_other_bytes_at_a_used_path_are_another_clone_and_under_one_key_a_conflict(shop):
    path = "uploads/ada/a.wav"
    shop.objects.plant(path, wav(2.0))
    first, _ = shop.clone(sample=shop.upload(path), key="k")
    shop.objects.plant(path, wav(3.0))
    with pytest.raises(IdempotencyConflict):
        shop.clone(sample=shop.upload(path), key="k")
    assert path in shop.objects.stored
    second, replayed = shop.clone(sample=shop.upload(path))
    assert (replayed, second.job_id != first.job_id, path in shop.objects.stored) == (
        False,
        True,
        False,
    )
    sent = [request["input"]["audio_data"] for request in shop.workers.requests.values()]
    assert sent == [base64.b64encode(wav(seconds)).decode() for seconds in (2.0, 3.0)]


@pytest.mark.parametrize("key", [None, "k"])
def test_the_same_bytes_uploaded_again_are_the_same_clone_and_no_upload_stays(shop, key):
    path = "uploads/ada/a.wav"
    shop.objects.plant(path, wav(2.0))
    first, _ = shop.clone(sample=shop.upload(path), key=key)
    shop.objects.plant(path, wav(2.0))
    shop.services.inspect_audio = None
    assert shop.clone(sample=shop.upload(path), key=key) == (first, True)
    assert shop.objects.stored == {}


@pytest.mark.parametrize("key", [None, "k"])
def test_a_second_click_that_comes_while_the_first_takes_the_upload_over_is_the_first_job(
    shop, key
):
    path = "uploads/ada/a.wav"
    shop.objects.plant(path, wav(2.0))
    admit, first = shop.jobs.admit, []

    def clicked_between(*arguments):
        """Let the other click start its job after this one has looked for it."""
        shop.jobs.admit = admit
        found = admit(*arguments)
        first.append(shop.clone(sample=shop.upload(path), key=key)[0])
        return found

    shop.jobs.admit = clicked_between
    assert shop.clone(sample=shop.upload(path), key=key) == (first[0], True)


def test_a_retry_is_not_taken_for_a_double_click_nor_a_start_for_a_retry(shop):
    job, _ = shop.clone()
    shop.workers.complete(job.runpod_job_id, CLONED)
    policy, shop.policy = shop.policy, full(shop)
    failed = shop.settle(job.job_id)
    second, replayed = shop.clone()
    assert not replayed
    shop.policy = policy
    again = shop.retry(failed.job_id)
    assert (again.retry_of, again.job_id != second.job_id) == (failed.job_id, True)


@pytest.mark.parametrize("key", [None, "k"])
def test_a_name_that_is_taken_is_refused_before_a_gpu_works_for_it(shop, key):
    shop.save_voice()
    with pytest.raises(VoiceExists):
        shop.clone(key=key)
    assert_untouched(shop)


@pytest.mark.parametrize(
    ("sample", "error"),
    [
        (content(b"RIFF0000WAVE"), InvalidAudio),
        (content(encoded(tone(1.0) * 0)), InvalidAudio),
        (content(wav(0.1)), InvalidAudio),
        ("uploads/ada/never.wav", NotFound),
        ("uploads/bob/his.wav", NotFound),
    ],
    ids=["damaged", "silent", "too short", "missing upload", "another user's upload"],
)
def test_a_sample_that_no_voice_could_have_starts_nothing(shop, sample, error):
    shop.objects.plant("uploads/bob/his.wav", wav(2.0))
    with pytest.raises(error):
        shop.clone(sample=shop.upload(sample) if isinstance(sample, str) else sample)
    assert_untouched(shop)


def test_without_the_consent_that_is_asked_for_nothing_starts(shop):
    shop.policy = replace(shop.policy, require_consent=True)
    with pytest.raises(PermissionDenied):
        shop.clone()
    assert_untouched(shop)
    job, _ = shop.clone(replace(CLONE, consent=("I agree.", "Ada")))
    shop.workers.complete(job.runpod_job_id, CLONED)
    assert shop.settle(job.job_id).state == "done"
    assert shop.library.voice("ada", "voice_ada").consent.granted_by == "Ada"


class Unread:
    """A recording that is too large to be read into memory."""

    def seek(self, offset):
        pass

    def read(self, size=-1):
        raise AssertionError("it was read")


def test_what_runpod_would_refuse_is_refused_before_it_is_read_or_written(shop):
    large = replace(content(wav(2.0)), size_bytes=7_500_000, stream=Unread())
    facts = shop.services.inspect_audio(content(wav(2.0)), SAMPLE_LIMITS, "ada")
    shop.services.inspect_audio = lambda sample, limits, owner: facts
    with pytest.raises(PayloadTooLarge) as refused:
        shop.clone(sample=large)
    assert refused.value.details == {"max_bytes": MAX_REQUEST_BYTES}
    assert_untouched(shop)


def test_a_request_is_measured_as_it_is_sent(shop):
    shop.job_policy = replace(shop.job_policy, limits=JobLimits(5, 5, 10_000_000))
    shop.save_voice()
    with pytest.raises(PayloadTooLarge):
        shop.speak(replace(SPEECH, text="音" * 3_340_000))
    assert_untouched(shop)
    job, _ = shop.speak(replace(SPEECH, text="音" * 3_330_000))
    sent = json.dumps(shop.workers.requests[job.runpod_job_id], ensure_ascii=False).encode()
    assert len(sent) <= MAX_REQUEST_BYTES


def test_a_large_recording_goes_by_an_address_where_the_worker_takes_one(shop):
    shop.job_policy = replace(shop.job_policy, takes_urls=True)
    recording = wav(160.0)
    job, _ = shop.clone(sample=content(recording))
    sent = shop.workers.requests[job.runpod_job_id]["input"]
    assert "audio_data" not in sent
    [(path, (new, data))] = shop.objects.stored.items()
    assert path.startswith("uploads/ada/clone_")
    assert data == recording
    assert sent["audio_url"] == shop.services.urls.url(path, new.token)
    assert len(new.token) > 40
    small, _ = shop.clone(replace(CLONE, voice_id="voice_b"))
    assert "audio_data" in shop.workers.requests[small.runpod_job_id]["input"]


def large(shop, **options):
    """Start to clone from a recording that its worker has to fetch."""
    shop.job_policy = replace(shop.job_policy, takes_urls=True)
    return shop.clone(sample=content(wav(160.0)), **options)


def no_place(shop):
    shop.job_policy = replace(shop.job_policy, limits=JobLimits(0, 5, 5000))


def taken_meanwhile(shop):
    """Leave no place after the start was admitted."""
    admit = shop.jobs.admit

    def admitted(*arguments):
        found = admit(*arguments)
        shop.jobs.uses["ada"] = JobUse(active=shop.job_policy.limits.active)
        return found

    shop.jobs.admit = admitted


def full_store(shop):
    shop.objects.failing_paths = {"uploads/ada/clone_"}


@pytest.mark.parametrize(
    ("hinder", "error", "state"),
    [
        (no_place, QuotaExceeded, None),
        (taken_meanwhile, QuotaExceeded, None),
        (lambda shop: shop.workers.refuse(), RunpodFailed, "failed"),
        (full_store, Unavailable, "failed"),
    ],
    ids=["no place", "no place any more", "refused by RunPod", "not stored"],
)
def test_a_start_that_fails_leaves_no_recording_and_no_active_job(shop, hinder, error, state):
    hinder(shop)
    with pytest.raises(error):
        large(shop)
    assert shop.objects.stored == {}
    assert [job.state for job in shop.jobs.records.values()] == ([state] if state else [])
    assert state is None or shop.active() == 0


def test_a_repeated_start_leaves_one_recording(shop):
    first, _ = large(shop)
    assert large(shop) == (first, True)
    assert list(shop.objects.stored) == [first.recording]


def test_a_recording_that_was_stored_after_its_job_was_cancelled_goes_too(shop):
    run = shop.workers.run

    def slow(endpoint_id, request):
        [job] = shop.jobs.records.values()
        assert shop.cancel(job.job_id).state == "cancelled"
        shop.objects.plant(job.recording, b"stored after that")
        return run(endpoint_id, request)

    shop.workers.run = slow
    assert large(shop)[0].state == "cancelled"
    assert shop.objects.stored == {}


ENDS = {
    "done": lambda shop: shop.workers.complete("r-1", CLONED),
    "failed": lambda shop: shop.workers.complete("r-1", {"error": "No speech found."}),
    "timed_out": lambda shop: shop.workers.tell("r-1", "TIMED_OUT"),
    "cancelled": lambda shop: shop.cancel(next(iter(shop.jobs.records.values())).job_id),
}


@pytest.mark.parametrize("state", ENDS)
def test_a_recording_goes_with_the_end_of_its_job_whatever_the_end(shop, state):
    job, _ = large(shop)
    assert shop.settle(job.job_id).state == "queued"
    assert job.recording in shop.objects.stored
    ENDS[state](shop)
    assert shop.settle(job.job_id).state == state
    assert job.recording not in shop.objects.stored


def withdraw(shop, voice_id="voice_ada", **fields):
    """Have a voice whose consent was withdrawn."""
    shop.save_voice(voice_id=voice_id, **fields)
    shop.purge("voices", voice_id, withdrawn=True)


class Untouched:
    """An upload's place that must not be asked for, and audio that must not be decoded."""

    def __init__(self, shop):
        shop.objects.download = self.fails
        shop.services.inspect_audio = self.fails

    def fails(self, *arguments):
        raise AssertionError("it was worked for nothing")


@pytest.mark.parametrize(
    ("hinder", "error"),
    [
        (no_place, QuotaExceeded),
        (lambda shop: shop.save_voice(), VoiceExists),
        (withdraw, PermissionDenied),
    ],
    ids=["no place", "a name that is taken", "a voice that is barred"],
)
@pytest.mark.parametrize("uploaded", [True, False])
def test_what_the_first_reading_tells_is_told_before_a_recording_is_fetched_or_decoded(
    shop, hinder, error, uploaded
):
    hinder(shop)
    path = "uploads/ada/a.wav"
    shop.objects.plant(path, wav(2.0))
    Untouched(shop)
    with pytest.raises(error):
        shop.clone(sample=shop.upload(path) if uploaded else content(wav(2.0)))
    assert_untouched(shop)


def test_an_upload_too_large_for_runpod_is_refused_by_its_size(shop):
    path = "uploads/ada/a.wav"
    shop.objects.plant(path, wav(160.0))
    Untouched(shop)
    with pytest.raises(PayloadTooLarge) as refused:
        shop.clone(sample=shop.upload(path))
    assert refused.value.details == {"max_bytes": MAX_REQUEST_BYTES}
    assert_untouched(shop)


@pytest.mark.parametrize(
    ("at", "order"),
    [
        ({}, CLONE),
        ({"voice_id": "own", "name": "Ada"}, CLONE),
        ({}, replace(CLONE, name="Else")),
        ({"voice_id": "own"}, replace(CLONE, voice_id="own", name="Else")),
    ],
    ids=["its place and name", "its name elsewhere", "its place, chosen", "a chosen place"],
)
@pytest.mark.parametrize("state", ["purged", "being purged"])
def test_no_gpu_clones_a_voice_whose_consent_was_withdrawn(shop, at, order, state):
    shop.save_voice(**at)
    with shop.dies_after({"being purged": 1, "purged": 99}[state]):
        shop.purge("voices", at.get("voice_id", "voice_ada"), withdrawn=True)
    for again in (False, True):
        with pytest.raises(PermissionDenied, match="withdrawn"):
            shop.clone(order, again=again)
    assert_untouched(shop)


@pytest.mark.parametrize("order", [replace(CLONE, name="ada"), replace(CLONE, name="Else")])
def test_a_voice_of_another_name_is_cloned_though_its_derived_place_is_barred(shop, order):
    withdraw(shop)
    derived = replace(order, voice_id=f"voice_{order.name.lower()}")
    job, _ = shop.clone(derived)
    shop.workers.complete(job.runpod_job_id, CLONED)
    assert shop.settle(job.job_id).state == "done"


@pytest.mark.parametrize("key", [None, "k"])
def test_a_clone_that_was_started_before_is_not_shown_again_after_the_withdrawal(shop, key):
    first, _ = shop.clone(key=key)
    assert shop.clone(key=key) == (first, True)
    withdraw(shop)
    with pytest.raises(PermissionDenied):
        shop.clone(key=key)
    assert len(shop.workers.requests) == 1


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("state", ["purged", "being purged"])
def test_a_withdrawn_voice_does_not_speak_nor_is_what_it_spoke_shown_again(shop, key, state):
    shop.save_voice()
    shop.speak(key=key)
    with shop.dies_after({"being purged": 1, "purged": 99}[state]):
        shop.purge("voices", "voice_ada", withdrawn=True)
    for asked in (key, "another", None):
        with pytest.raises(PermissionDenied, match="withdrawn"):
            shop.speak(key=asked)
    assert len(shop.workers.requests) == 1


def test_text_over_the_limit_is_refused(shop):
    shop.save_voice()
    with pytest.raises(InvalidRequest) as refused:
        shop.speak(replace(SPEECH, text="x" * 5001))
    assert refused.value.details == {"field": "text"}
    assert_untouched(shop)


def test_speech_needs_a_voice_with_a_profile(shop):
    with pytest.raises(NotFound):
        shop.speak()
    shop.save_voice(uid="bob")
    with pytest.raises(NotFound):
        shop.speak()
    shop.save_voice(profile=None)
    with pytest.raises(InvalidRequest, match="no profile"):
        shop.speak()
    assert_untouched(shop)


def test_a_pickled_profile_of_a_client_never_reaches_a_worker(shop):
    shop.save_voice(profile=PICKLE)
    with pytest.raises(PermissionDenied):
        shop.speak()
    assert_untouched(shop)


def test_a_pickled_profile_that_a_job_returned_is_sent(shop):
    job, _ = shop.clone()
    shop.workers.complete(job.runpod_job_id, CLONED)
    shop.settle(job.job_id)
    assert shop.library.voice("ada", "voice_ada").profile.trusted
    speech, _ = shop.speak()
    sent = shop.workers.requests[speech.runpod_job_id]["input"]["profile_base64"]
    assert base64.b64decode(sent) == PICKLE


def test_a_client_that_saved_the_profile_of_a_job_itself_may_speak_with_it(shop):
    job, _ = shop.clone(replace(CLONE, voice_id="voice_b", name="B"))
    shop.workers.complete(job.runpod_job_id, CLONED)
    shop.settle(job.job_id)
    assert not shop.save_voice(profile=PICKLE).profile.trusted
    assert shop.speak()[0].state == "queued"


@pytest.mark.parametrize(
    "name",
    [
        *("audio_url", "profile", "Profile_Data", "speaker_wav", "prompt_path", "x_base64"),
        *("model", "repo_id", "exec", "webhook", "user_id", "output_basename", "project_id"),
        *("text", "voice_id", "responseFormat", "Speed", " speed", "__class__"),
    ],
)
def test_a_parameter_that_is_not_listed_reaches_no_worker(shop, name):
    shop.save_voice(voice_id="voice_b")
    for start, order in (
        (shop.clone, CLONE),
        (shop.speak, replace(SPEECH, voice_id="voice_b")),
    ):
        with pytest.raises(InvalidRequest) as refused:
            start(replace(order, parameters={"speed": 1, name: "gASV"}))
        assert refused.value.details == {
            "field": "parameters",
            "parameter": name,
            "allowed": sorted(DEFAULT_PARAMETERS),
            "setting": "RUNPOD_PARAMETERS",
        }
    assert_untouched(shop)


def test_a_site_passes_on_what_its_operator_lists_and_nothing_else(shop):
    shop.job_policy = replace(shop.job_policy, parameters=frozenset({"mood"}))
    shop.save_voice()
    job, _ = shop.speak(replace(SPEECH, parameters={"mood": "calm"}))
    assert shop.workers.requests[job.runpod_job_id]["input"]["mood"] == "calm"
    with pytest.raises(InvalidRequest, match="passes on mood"):
        shop.speak(replace(SPEECH, parameters={"speed": 1}))


@pytest.mark.parametrize("error", [RunpodFailed("no"), Unavailable()], ids=["refused", "silent"])
def test_the_upload_of_a_clone_that_never_reached_runpod_stays(shop, error):
    path = "uploads/ada/upload_0"
    shop.objects.plant(path, wav(2.0))

    def fails(*_arguments, **_options):
        raise error

    shop.workers.run = fails
    for _ in range(2):
        with contextlib.suppress(RunpodFailed):
            shop.clone(sample=shop.upload(path), key="k")
        assert path in shop.objects.stored
