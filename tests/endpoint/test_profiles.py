"""A voice's profile: the way to the file, and the file itself in JSON."""

import base64
import hashlib

import numpy as np
import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_items import call, save_voice_json
from tests.endpoint.test_library import get
from tests.endpoint.test_saves import b64
from tests.sounds import npy, wav
from voxshelf.adapters.tmp_cache import TmpCache

PROFILE = "/api/voices/voice_my_voice/profile"
AS_JSON = f"{PROFILE}?format=json"


@pytest.fixture
def cached(services, tmp_path):
    """Return services that keep what they read."""
    services.cache = TmpCache(services.objects, tmp_path / "cache", 10**6)
    return services


def test_the_profile_comes_as_base64_with_what_is_known_of_it(function, services):
    save_voice_json(function, profile_base64=b64(npy()))
    answer = get(function, AS_JSON)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.get_json() == {
        "status": "success",
        "voice_id": "voice_my_voice",
        "profile_base64": b64(npy()),
        "dtype": "<f4",
        "shape": [256],
        "pickled": False,
        "trusted": True,
        "size_bytes": len(npy()),
        "sha256": hashlib.sha256(npy()).hexdigest(),
    }


def test_a_profile_of_many_pieces_is_whole(function, services):
    large = npy(np.arange(300_000, dtype="i4"))
    save_voice_json(function, profile_base64=b64(large))
    body = get(function, AS_JSON).get_json()
    assert (body["profile_base64"], body["size_bytes"]) == (b64(large), len(large))


def test_the_profile_comes_as_a_file_to_be_kept(function, services):
    save_voice_json(function, profile_base64=b64(npy()))
    answer = get(function, f"{PROFILE}?format=file")
    assert (answer.status_code, answer.data) == (200, npy())
    assert answer.headers["Content-Type"] == "application/octet-stream"
    kept_as = "attachment; filename=\"My Voice.npy\"; filename*=UTF-8''My%20Voice.npy"
    assert answer.headers["Content-Disposition"] == kept_as
    assert answer.headers["Content-Length"] == str(len(npy()))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html,*/*;q=0.8"])
def test_without_a_format_it_redirects_whatever_is_accepted(function, services, accept):
    voice = save_voice_json(function, profile_base64=b64(npy())).get_json()["voice"]
    for path in (PROFILE, f"{PROFILE}?format=redirect"):
        answer = get(function, path, headers={**ADA, "Accept": accept})
        assert answer.status_code == 302
        assert answer.headers["Location"] == voice["profile"]["url"]


@pytest.mark.parametrize("other", ["yaml", "", "JSON"])
def test_another_format_is_refused_by_name(function, services, other):
    save_voice_json(function, profile_base64=b64(npy()))
    answer = get(function, f"{PROFILE}?format={other}")
    assert (answer.status_code, answer.get_json()["details"]) == (400, {"field": "format"})


@pytest.mark.parametrize("path", [PROFILE, AS_JSON, f"{PROFILE}?format=file"])
def test_a_voice_without_a_profile_has_none_in_any_format(function, services, path):
    save_voice_json(function)
    answer = get(function, path)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_it_is_fetched_from_the_store_once(function, cached):
    save_voice_json(function, profile_base64=b64(npy()))
    assert get(function, AS_JSON).get_json() == get(function, AS_JSON).get_json()
    figures = {"hits": 1, "misses": 1, "evictions": 0, "fetched_bytes": len(npy())}
    assert cached.cache.figures == figures


def test_each_reading_logs_what_the_cache_has_done(function, cached, capsys):
    save_voice_json(function, profile_base64=b64(npy()))
    get(function, AS_JSON)
    assert '"message": "cache", "hits": 0, "misses": 1' in capsys.readouterr().out


def test_what_is_kept_near_is_nobody_elses(function, cached):
    save_voice_json(function, profile_base64=b64(npy()))
    get(function, AS_JSON)
    assert get(function, AS_JSON, headers=BOB).status_code == 404


def test_a_deleted_voice_has_no_profile_though_its_bytes_are_still_near(function, cached):
    save_voice_json(function, profile_base64=b64(npy()))
    get(function, AS_JSON)
    call(function, "DELETE", "/api/voices/voice_my_voice")
    assert get(function, AS_JSON).status_code == 404


def test_a_new_version_is_read_at_once(function, cached):
    save_voice_json(function, profile_base64=b64(npy()))
    get(function, AS_JSON)
    newer = npy(np.arange(6, dtype="i2").reshape(2, 3))
    sample = b64(wav(2.0))
    save_voice_json(function, audio_base64=sample, profile_base64=b64(newer), replace=True)
    body = get(function, AS_JSON).get_json()
    assert (base64.b64decode(body["profile_base64"]), body["shape"]) == (newer, [2, 3])


def test_a_store_that_answers_otherwise_than_the_record_says_is_unavailable(function, services):
    voice = save_voice_json(function, profile_base64=b64(npy())).get_json()["voice"]
    services.objects.plant(voice["profile"]["path"], b"other")
    answer = get(function, AS_JSON)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
