"""Each function does its work as it is deployed, over HTTP."""

import base64
import datetime as dt
import os
import time
from contextlib import closing

import httpx
import pytest
from google.cloud import firestore

from local.layout import ROOT
from local.runpod.voice import Profile
from local.story import Story
from tests.deployed import MARKS
from tests.deployed.platform_environ import endpoints
from tests.sounds import wav

pytestmark = MARKS
# Plain, so that the stand-in for RunPod speaks with it.
PROFILE = Profile(120.0, -20.0, 4.0, (-20.0,) * 32).npy()
AUDIO = wav(1.0)
SPOKEN = base64.b64encode(AUDIO).decode()
_JOB_DEADLINE_S = 60.0
LOCAL = {"timeout": 60, "trust_env": False}
# It sends no body.
SCHEDULER = {"User-Agent": "Google-Cloud-Scheduler", "X-CloudScheduler": "true"}


@pytest.fixture(scope="module")
def voice(api):
    return api.save_voice({"voice_name": "Deployed"}, wav(2.0), PROFILE)["voice"]


def awaited(look):
    """Look until there is something."""
    ends_at = time.monotonic() + _JOB_DEADLINE_S
    while not (found := look()):
        assert time.monotonic() < ends_at, "it never came"
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("name", endpoints(ROOT / "functions"))
def test_a_function_starts_and_is_well(deployed, name):
    answer = httpx.get(f"{deployed[name].url}/__/health", **LOCAL)
    assert answer.status_code == 200


def test_the_site_is_well(api):
    assert api.get("/api/health")["service"] == "voxshelf"


def test_a_voice_is_saved_and_listed(api, voice):
    listed = {each["voice_id"]: each for each in api.get("/api/voices")["voices"]}
    assert listed[voice["voice_id"]]["sample"]["duration_s"] == 2.0


def test_a_speech_is_saved_listed_and_played_from_the_middle(api, voice):
    fields = {"voice_id": voice["voice_id"], "text_input": "Spoken as deployed."}
    saved = api.save_speech_as_json(fields, AUDIO)
    listed = api.get("/api/tts/generations", search="deployed")["generations"]
    assert saved["generation_id"] in {each["generation_id"] for each in listed}
    headers = {"Range": "bytes=100-199"}
    played = httpx.get(saved["firebase_url"], headers=headers, **LOCAL)
    assert (played.status_code, played.content) == (206, AUDIO[100:200])


def test_a_profile_is_read_by_way_of_the_cache(api, voice):
    path = f"/api/voices/{voice['voice_id']}/profile"
    assert [api.download(path, format="file") for _ in range(2)] == [PROFILE, PROFILE]


def test_a_finished_job_is_listed_with_what_it_made(api, voice):
    body = {"voice_id": voice["voice_id"], "text": "A job, and its webhook."}
    job_id = api.post("/api/tts/generate", body, status=202)["job"]["job_id"]
    # Nobody asks for the job itself, which would fetch the result: its webhook has to.
    awaited(lambda: api.get("/api/tts/generations", search="webhook")["generations"])
    [job] = [job for job in api.get("/api/jobs")["jobs"] if job["job_id"] == job_id]
    assert job["state"] == "done"


def test_a_job_whose_webhook_is_lost_is_reconciled(api, voice, deployed, runpod, backends, user):
    runpod.control("faults", {"queue": [{"webhook": "lost"}]})
    body = {"voice_id": voice["voice_id"], "text": "Nobody tells of this one."}
    job_id = api.post("/api/tts/generate", body, status=202)["job"]["job_id"]
    due = {"due_at": dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)}
    with closing(firestore.Client(project=backends.project)) as client:
        job = client.document(f"users/{user.uid}/jobs/{job_id}")

        def made():
            # Its time has not come; the platform would call again in five minutes.
            job.update(due)
            answer = httpx.post(f"{deployed['reconcile'].url}/", headers=SCHEDULER, **LOCAL)
            assert answer.status_code == 200, answer.text
            return api.get("/api/tts/generations", search="nobody")["generations"]

        awaited(made)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/voices/save", {"voice_name": "No audio"}, 400),
        ("/api/voices/save", {"voice_name": "Noise", "audio_base64": "bm8gYXVkaW8="}, 415),
        ("/api/tts/save", {"voice_id": "voice_nobody", "text": "a", "audio_base64": SPOKEN}, 404),
        ("/api/voices/clone", {"voice_name": "No audio"}, 400),
        ("/api/tts/generate", {"voice_id": "voice_nobody", "text": "a"}, 404),
        ("/api/jobs/import", {}, 400),
        ("/api/library/import", {}, 400),
        ("/api/runpod/webhook/nobody/nothing", {"id": "x"}, 404),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_of_the_client_is_called_one(api, path, body, status):
    assert api.post(path, body, status)["status"] == "error"


def test_the_whole_story_is_as_promised(deployed, site_url):
    story = Story(site_url, os.environ["FIREBASE_AUTH_EMULATOR_HOST"])
    assert len(list(story.steps())) == 19
