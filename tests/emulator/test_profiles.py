"""Profiles and usage on the running stack, whose processes share one folder for the cache."""

import base64
import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.auth_emulator import sign_up
from local.speech import synthesise
from tests.sounds import npy

pytestmark = pytest.mark.emulator
PROFILE = "/api/voices/voice_near/profile"


@pytest.fixture(scope="module")
def http():
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    user = sign_up(host, f"near-{uuid.uuid4().hex}@voxshelf.example", "some-password")
    headers = {"Authorization": f"Bearer {user.id_token}"}
    site = os.environ["VOXSHELF_SITE_URL"]
    with httpx.Client(base_url=site, headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def saved(http):
    sample = synthesise("A sample beside a profile, spoken by nobody at all.")
    files = {"audio_file": ("a.wav", sample), "profile_file": ("p.npy", npy())}
    answer = http.post("/api/voices/save", data={"voice_name": "Near"}, files=files)
    assert answer.status_code == 201, answer.text
    return answer.json()["voice"]


def test_the_profile_is_the_same_in_all_forms_however_often_it_is_read(http, saved):
    with ThreadPoolExecutor(4) as readers:
        answers = list(readers.map(lambda _: http.get(f"{PROFILE}?format=json"), range(4)))
    assert {answer.status_code for answer in answers} == {200}
    contents = {base64.b64decode(answer.json()["profile_base64"]) for answer in answers}
    assert contents == {npy()}
    file = http.get(f"{PROFILE}?format=file")
    assert (file.status_code, file.content) == (200, npy())
    redirect = http.get(PROFILE)
    assert redirect.status_code == 302
    assert httpx.get(redirect.headers["Location"], trust_env=False).content == npy()


def test_usage_tells_what_was_saved_today_and_what_is_left(http, saved):
    usage = http.get("/api/library/usage").json()
    size_bytes = saved["sample"]["size_bytes"] + len(npy())
    assert usage["totals"]["bytes"] == size_bytes
    assert usage["totals"]["audio_s"] == pytest.approx(saved["sample"]["duration_s"], abs=1e-3)
    assert (usage["today"]["saves"], usage["today"]["voices"]) == (1, 1)
    assert usage["left"]["voices"] == usage["limits"]["voices"] - 1
    day = {"day": saved["created_at"][:10], **usage["totals"]}
    assert usage["days"] == [day]
    assert [month["month"] for month in usage["months"]] == [day["day"][:7]]
