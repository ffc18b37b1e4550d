"""What a deployed function writes, and how it ends."""

import base64
import shutil
import time

import httpx
import pytest

from tests.deployed import MARKS
from tests.deployed.upload import compile_source
from tests.sounds import wav

pytestmark = MARKS
# Cloud Run ends what has not ended by then.
_END_DEADLINE_S = 10.0
_BROKEN = 'raise ImportError("libopenblas.so: cannot open shared object file")\n'


@pytest.fixture(scope="module")
def without_numpy(start, upload, tmp_path_factory):
    """An instance whose audio worker cannot start."""
    source = tmp_path_factory.mktemp("broken") / "workspace"
    shutil.copytree(upload.source, source)
    source.chmod(0o755)
    # Found before the layer's own, and by the worker alone: the server never imports it.
    (source / "numpy.py").write_text(_BROKEN)
    compile_source(source)
    return start("voices_save", source).ready()


@pytest.fixture
def saved(user):
    """Return a function that saves a voice with an instance, and returns its answer."""

    def save(instance, name):
        body = {"voice_name": name, "audio_base64": base64.b64encode(wav(1.0)).decode()}
        headers = {"Authorization": f"Bearer {user.id_token}"}
        options = {"json": body, "headers": headers, "timeout": 60, "trust_env": False}
        return httpx.post(f"{instance.url}/", **options)

    return save


def test_every_line_is_json_with_a_severity_and_holds_no_token(
    api, deployed, platform, user, saved
):
    answer = saved(deployed["voices_save"], "Logged")
    assert answer.status_code == 201, answer.text
    api.get("/api/voices")
    token = answer.json()["firebase_url"].rpartition("token=")[2]
    private = {token, user.id_token, user.email, *platform.secrets.values()}
    for name, instance in deployed.items():
        assert all(entry["severity"] for entry in instance.log_entries()), name
        text = "\n".join(instance.log_lines())
        assert not [word for word in private if word in text], name


def test_a_line_names_the_execution_and_how_it_ended(deployed, saved):
    saved(deployed["voices_save"], "Executed")
    last = deployed["voices_save"].log_entries()[-1]
    assert (last["message"], last["status"], last["severity"]) == ("request", 201, "INFO")
    assert last["logging.googleapis.com/labels"]["execution_id"]


def test_a_worker_that_cannot_start_says_why_in_the_log(without_numpy, saved):
    answer = saved(without_numpy, "Unheard")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    lines = without_numpy.log_entries()
    told = [line for line in lines if line["message"] == "audio worker did not start"]
    assert told
    assert all(line["severity"] == "ERROR" for line in told)
    assert "libopenblas.so: cannot open shared object file" in told[0]["complaint"]
    assert "libopenblas" not in answer.text


def test_an_instance_that_is_asked_to_end_leaves_nothing_behind(start, saved):
    instance = start("voices_save").ready()
    saved(instance, "Last")
    assert instance.alive() >= 3
    instance.terminate()
    ends_at = time.monotonic() + _END_DEADLINE_S
    while instance.alive():
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    instance.close()
