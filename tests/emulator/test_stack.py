"""What only the whole stack shows: Hosting's way to the functions, their own URLs, the site."""

import os
from pathlib import Path

import httpx
import pytest
import yaml

from local.auth_emulator import sign_up
from local.speech import synthesise

pytestmark = pytest.mark.emulator
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def token():
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    return sign_up(host, "stack@voxshelf.example", "stack-password").id_token


@pytest.fixture
def http(token):
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(headers=headers, timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def site():
    return os.environ["VOXSHELF_SITE_URL"]


@pytest.fixture
def functions():
    return os.environ["VOXSHELF_FUNCTIONS_URL"]


def test_a_function_answers_at_its_own_url_too(http, functions):
    sample = synthesise("A sample for the function's own address, spoken by nobody.")
    saved = http.post(
        f"{functions}/voices_save",
        data={"voice_name": "Direct"},
        files={"audio_file": ("a.wav", sample)},
    )
    assert saved.status_code == 201, saved.text
    listed = http.get(f"{functions}/library/voices")
    assert [voice["voice_id"] for voice in listed.json()["voices"]] == ["voice_direct"]
    assert http.get(f"{functions}/library/api/voices").json() == listed.json()


def test_the_sample_plays_by_redirect(http, site):
    answer = http.get(f"{site}/api/voices/voice_direct/sample")
    assert answer.status_code == 302
    played = httpx.get(answer.headers["Location"], trust_env=False)
    assert played.headers["Content-Type"] == "audio/wav"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nothing", 404), ("PUT", "/api/voices", 405), ("GET", "/api/voices/save", 405)],
)
def test_errors_through_hosting_are_json(http, site, method, path, status):
    answer = http.request(method, f"{site}{path}")
    assert answer.status_code == status
    assert answer.json()["status"] == "error"


def test_nothing_private_is_cached_on_the_way(http, site):
    assert http.get(f"{site}/api/voices").headers["Cache-Control"] == "no-store"


def test_the_stack_answers_nobody_without_a_token(site):
    assert httpx.get(f"{site}/api/voices", trust_env=False).status_code == 401


@pytest.mark.parametrize("path", ["/", "/docs", "/api/openapi.json"])
def test_the_site_serves_its_pages(site, path):
    answer = httpx.get(f"{site}{path}", follow_redirects=True, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_firebase_tools_discovers_exactly_the_declared_functions(functions):
    manifest = yaml.safe_load((ROOT / "functions" / "functions.yaml").read_text())
    emulator = httpx.URL(functions).copy_with(path="/backends")
    backends = httpx.get(emulator, trust_env=False).json()["backends"]
    triggers = [trigger for backend in backends for trigger in backend["functionTriggers"]]
    found = {trigger["name"]: trigger for trigger in triggers}
    assert set(found) == set(manifest["endpoints"])
    for name, endpoint in manifest["endpoints"].items():
        assert found[name]["entryPoint"] == endpoint["entryPoint"]
        assert found[name]["platform"] == endpoint["platform"]
        assert [found[name]["region"]] == endpoint["region"]
        assert ("httpsTrigger" in found[name]) == ("httpsTrigger" in endpoint)


def test_the_scheduled_function_runs_when_it_is_called(functions):
    answer = httpx.post(f"{functions}/reconcile-0", json={}, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "success"
