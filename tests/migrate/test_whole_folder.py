"""The command as a developer runs it, against the whole stack."""

import hashlib
import os
import secrets
import signal
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest

from local.api_client import ApiClient
from local.auth_emulator import sign_up
from local.speech import synthesise
from tests.migrate.old_folder import long_wav
from tests.sounds import npy

pytestmark = [pytest.mark.emulator, pytest.mark.slow]
NOTE = ".voxshelf-migrate.jsonl"
VOICES, LINES = 3, 4


@pytest.fixture
def user():
    email, password = f"{secrets.token_hex(6)}@voxshelf.example", secrets.token_urlsafe(16)
    return sign_up(os.environ["FIREBASE_AUTH_EMULATOR_HOST"], email, password), password


@pytest.fixture
def start(folder, user):
    """Start the command as a process of its own, signed in by password."""
    signed_up, password = user
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    options = ["--url", os.environ["VOXSHELF_SITE_URL"]]
    options += ["--email", signed_up.email, "--auth-emulator", host]

    def started():
        return subprocess.Popen(
            [sys.executable, "-m", "voxshelf.migrate", str(folder.root), *options],
            env={**os.environ, "VOXSHELF_PASSWORD": password},
            stdout=subprocess.PIPE,
            text=True,
        )

    return started


@pytest.fixture
def api(user):
    with ApiClient(os.environ["VOXSHELF_SITE_URL"], user[0].id_token) as client:
        yield client


def fill(folder, *, with_large):
    """Write voices and lines; return the digests of all files that are to arrive."""
    files = []
    for voice in range(VOICES):
        name = f"voice_{voice}_20240101"
        facts = {"voice_name": f"Voice {voice} 20240101", "language": "en"}
        sample = synthesise(f"This is voice number {voice}.", pitch=30 + 20 * voice)
        files.append(folder.sample(name, f"20250101_00000{voice}", data=sample, facts=facts))
        pickled = np.array([{"voice": voice}], dtype=object)
        files.append(folder.profile(name, data=npy(pickled)))
        for line in range(LINES):
            text = f"Line {line} of voice {voice}."
            audio = synthesise(text, pitch=30 + 20 * voice)
            stamp = f"2025010{line + 2}_00000{voice}"
            files.append(folder.generation(name, stamp, data=audio, facts={"text_input": text}))
    if with_large:
        files.append(folder.generation(name, "20250110_000000_2", data=long_wav()))
    return sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)


def digests_of(api):
    """Fetch every file of the library by its address; return the digests."""
    voices = api.get("/api/voices", page_size=100)["voices"]
    urls = [voice["sample"]["url"] for voice in voices]
    urls += [voice["profile"]["url"] for voice in voices]
    listed = api.get("/api/tts/generations", page_size=100)["generations"]
    urls += [generation["audio"]["url"] for generation in listed]
    fetched = (httpx.get(url, timeout=60, trust_env=False).raise_for_status() for url in urls)
    return sorted(hashlib.sha256(answer.content).hexdigest() for answer in fetched)


def objects_of(uid, api):
    """List a user's objects in the bucket, those included that nothing refers to."""
    url = api.get("/api/voices")["voices"][0]["sample"]["url"]
    host, _, rest = url.partition("/v0/b/")
    listed = httpx.get(f"{host}/storage/v1/b/{rest.partition('/')[0]}/o", trust_env=False)
    return [item["name"] for item in listed.json()["items"] if f"/{uid}/" in item["name"]]


def finish(process):
    output, _ = process.communicate(timeout=100)
    print(output)
    return process.returncode, output


def test_a_folder_arrives_whole_and_a_second_run_sends_nothing(folder, start, api):
    expected = fill(folder, with_large=True)
    code, output = finish(start())
    assert code == 0, output
    assert f"voices: {VOICES} sent" in output
    assert digests_of(api) == expected
    texts = [item["text"] for item in api.get("/api/tts/generations", order="asc")["generations"]]
    wanted = [f"Line {line} of voice {v}." for line in range(LINES) for v in range(VOICES)]
    assert texts == [*wanted, None]
    before = api.get("/api/voices"), api.get("/api/tts/generations")
    noted = (folder.root / NOTE).read_text()
    code, output = finish(start())
    assert code == 0
    assert f"voices: {VOICES} noted as sent by an earlier run" in output
    assert (api.get("/api/voices"), api.get("/api/tts/generations")) == before
    assert (folder.root / NOTE).read_text() == noted


def test_a_run_that_is_killed_half_way_goes_on_and_doubles_nothing(folder, start, api, user):
    expected = fill(folder, with_large=False)
    total = VOICES * (1 + LINES)
    for wanted in (total // 3, 2 * total // 3):
        process = start()
        while len(_noted(folder)) < wanted:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert len(_noted(folder)) < total
    code, output = finish(start())
    assert code == 0, output
    assert len(_noted(folder)) == total
    assert digests_of(api) == expected
    assert len(objects_of(user[0].uid, api)) == len(expected)


def _noted(folder):
    note = folder.root / NOTE
    return note.read_text().splitlines() if note.exists() else []
