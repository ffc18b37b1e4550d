"""From the place for an upload to the saved item: the real functions, and the Web SDK."""

import os
import secrets
import subprocess
from pathlib import Path

import httpx
import pytest

from benchmarks.servers import Backends, serving
from local.auth_emulator import sign_up
from tests.sounds import npy, wav

pytestmark = pytest.mark.emulator

SCRIPT = Path(__file__).with_name("upload_by_sdk.mjs")


class Client:
    """One user: the API by HTTP, Storage by the Web SDK."""

    def __init__(self, urls, bucket, folder):
        self._email, self._password = f"up-{secrets.token_hex(6)}@voxshelf.example", "password"
        self.user = sign_up(os.environ["FIREBASE_AUTH_EMULATOR_HOST"], self._email, self._password)
        headers = {"Authorization": f"Bearer {self.user.id_token}"}
        self.http = httpx.Client(headers=headers, timeout=120, trust_env=False)
        self._urls, self.bucket, self._folder = urls, bucket, folder

    def ask(self, data, content_type="audio/wav"):
        wanted = {"size_bytes": len(data), "content_type": content_type}
        answer = self.http.post(f"{self._urls['library']}/api/uploads", json=wanted)
        assert answer.status_code == 201, answer.text
        return answer.json()["upload"]

    def give_back(self, upload):
        url = f"{self._urls['library']}/api/uploads/{upload['upload_id']}"
        return self.http.delete(url).status_code

    def upload(self, path, data, content_type="audio/wav"):
        file = self._folder / secrets.token_hex(4)
        file.write_bytes(data)
        run = subprocess.run(
            ["node", str(SCRIPT), self._email, self._password, path, content_type, str(file)],
            env={**os.environ, "STORAGE_BUCKET": self.bucket.name},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def uploaded(self, data, content_type="audio/wav"):
        upload = self.ask(data, content_type)
        assert self.upload(upload["path"], data, content_type) == "uploaded"
        return upload["path"]

    def save_voice(self, name, **fields):
        url = f"{self._urls['voices_save']}/"
        answer = self.http.post(url, json={"voice_name": name, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["voice"]


@pytest.fixture(scope="module")
def urls():
    environ = Backends.read(os.environ).function_environ()
    with serving("library", environ) as library, serving("voices_save", environ) as saves:
        for server in (library, saves):
            server.client()._http.close()  # it listens by now
        yield {s.target: f"http://127.0.0.1:{s.port}" for s in (library, saves)}


@pytest.fixture
def ada(urls, bucket, tmp_path):
    client = Client(urls, bucket, tmp_path)
    yield client
    client.http.close()


def test_what_was_uploaded_where_the_api_said_becomes_a_voice(ada):
    sample, profile = wav(30.0), npy()
    voice = ada.save_voice(
        "Ada",
        audio_path=ada.uploaded(sample),
        profile_path=ada.uploaded(profile, "application/octet-stream"),
    )
    assert ada.bucket.get_blob(voice["sample"]["path"]).download_as_bytes() == sample
    assert ada.bucket.get_blob(voice["profile"]["path"]).download_as_bytes() == profile


def test_nothing_is_uploaded_elsewhere_larger_or_of_another_type(ada):
    data = wav(1.0)
    upload = ada.ask(data)
    refused = [
        (f"uploads/{ada.user.uid}/take 1.wav", data, "audio/wav"),
        (upload["path"] + "0", data, "audio/wav"),
        (upload["path"], data + b"\0", "audio/wav"),
        (upload["path"], data, "audio/ogg"),
    ]
    for attempt in refused:
        assert ada.upload(*attempt) == "storage/unauthorized", attempt
    assert ada.upload(upload["path"], data) == "uploaded"
    assert ada.upload(upload["path"], data) == "storage/unauthorized"


def test_what_is_given_back_is_gone_and_takes_no_upload_any_more(ada):
    data = wav(1.0)
    upload = ada.ask(data)
    assert ada.upload(upload["path"], data) == "uploaded"
    assert ada.give_back(upload) == 200
    assert ada.bucket.get_blob(upload["path"]) is None
    assert ada.upload(upload["path"], data) == "storage/unauthorized"
    assert ada.give_back(upload) == 404
