"""Moving house over HTTP: the real function, as the platform runs it, on the emulators."""

import base64
import hashlib
import io
import json
import os
import secrets
import zipfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest

from benchmarks.servers import Backends, serving
from local.auth_emulator import sign_up
from tests.endpoint.test_moving import lines, portable
from tests.sounds import encoded, npy, tone, wav

pytestmark = pytest.mark.emulator

MIB = 1024**2


class Client:
    """One user's calls of the three functions."""

    def __init__(self, urls, host):
        email = f"mover-{secrets.token_hex(6)}@voxshelf.example"
        self.user = sign_up(host, email, secrets.token_urlsafe())
        self._urls = urls
        self.headers = {"Authorization": f"Bearer {self.user.id_token}"}
        self.http = httpx.Client(headers=self.headers, timeout=120, trust_env=False)

    def voice(self, name, audio, profile=None, **fields):
        files = {
            "audio_file": ("a", audio),
            **({"profile_file": ("p", profile)} if profile else {}),
        }
        return self._saved("voices_save", "/", {"voice_name": name, **fields}, files)

    def speech(self, voice_id, audio, **fields):
        fields = {"voice_id": voice_id, **fields}
        return self._saved("tts_save", "/", fields, {"audio_file": ("a", audio)})

    def _saved(self, function, path, fields, files):
        answer = self.http.post(f"{self._urls[function]}{path}", data=fields, files=files)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def url(self, path):
        return f"{self._urls['library']}{path}"

    def shelf(self):
        voices = self.http.get(self.url("/api/voices?page_size=100")).json()["voices"]
        path = "/api/tts/generations?page_size=100"
        return voices, self.http.get(self.url(path)).json()["generations"]

    def export(self, **query):
        return self.http.get(self.url("/api/library/export"), params=query)

    def parts(self, **query):
        token = None
        while True:
            answer = self.export(**query, **({"page_token": token} if token else {}))
            assert answer.status_code == 200, answer.text
            yield answer
            token = answer.headers.get("X-Next-Page-Token")
            if token is None:
                return

    def bring(self, archive):
        headers = {"Content-Type": "application/zip"}
        answer = self.http.post(self.url("/api/library/import"), content=archive, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bring_upload(self, archive, bucket):
        """Upload as the Web SDK does, then import until it is done; return all results."""
        wanted = {"size_bytes": len(archive), "content_type": "application/zip"}
        given = self.http.post(self.url("/api/uploads"), json=wanted)
        assert given.status_code == 201, given.text
        path, results = given.json()["upload"]["path"], []
        host = os.environ["FIREBASE_STORAGE_EMULATOR_HOST"]
        upload = httpx.post(
            f"http://{host}/v0/b/{bucket.name}/o?name={quote(path, safe='')}",
            content=archive,
            headers={**self.headers, "Content-Type": "application/zip"},
            timeout=120,
            trust_env=False,
        )
        assert upload.status_code == 200, upload.text
        body, is_done = {"archive_path": path}, False
        while not is_done:
            answer = self.http.post(self.url("/api/library/import"), json=body)
            assert answer.status_code == 200, answer.text
            results += answer.json()["results"]
            body["token"], is_done = answer.json()["next_token"], answer.json()["done"]
        assert bucket.get_blob(path) is None
        return results


@pytest.fixture(scope="module")
def urls():
    environ = Backends.read(os.environ).function_environ()
    with (
        serving("voices_save", environ) as voices,
        serving("tts_save", environ) as speech,
        serving("library", environ) as library,
    ):
        servers = (voices, speech, library)
        for server in servers:
            server.client()._http.close()  # it listens by now
        yield {server.target: f"http://127.0.0.1:{server.port}" for server in servers}


@pytest.fixture
def ada(urls):
    client = Client(urls, os.environ["FIREBASE_AUTH_EMULATOR_HOST"])
    yield client
    client.http.close()


@pytest.fixture
def bob(urls):
    client = Client(urls, os.environ["FIREBASE_AUTH_EMULATOR_HOST"])
    yield client
    client.http.close()


def opened(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    return archive


def mixed_library(ada):
    said = base64.b64encode(wav(0.5, seed=4)).decode()
    ada.voice(
        "Ada 音",
        wav(1.0, seed=1),
        npy(),
        template_message="Said\nso.",
        language="ja",
        tags='["warm", "深い"]',
        description="Warm.",
        parameters='{"seed": 7, "exact": 0.1, "url": "kept"}',
        runpod_job_id="job-1",
        consent=json.dumps({"statement": "Yes.", "granted_by": "Ada", "audio_base64": said}),
    )
    flac = encoded(tone(2.0, seed=5), form="FLAC")
    ada.voice("Другой", flac)
    ogg = encoded(tone(1.5, seed=8), form="OGG", subtype="VORBIS")
    text = "Zeile eins.\n第二行 \N{GRINNING FACE}"
    ada.speech("voice_ada_音", ogg, text_input=text, tags='["a"]', generation_time="1.25")
    ada.speech("voice_ada_音", wav(0.5, seed=2), timestamp="20200102_030405", language="de")
    ada.speech("voice_другой", wav(0.5, seed=3))


def digests(bucket, item):
    audio = [item.get("sample"), item.get("profile"), item.get("audio")]
    audio.append((item.get("consent") or {}).get("audio"))
    for stored in filter(None, audio):
        data = bucket.get_blob(stored["path"]).download_as_bytes()
        assert hashlib.sha256(data).hexdigest() == stored["sha256"]
        yield stored["sha256"]


def test_a_library_moves_with_every_digest_and_all_metadata(ada, bob, bucket):
    mixed_library(ada)
    answer = ada.export()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    body = bob.bring(answer.content)
    assert (body["imported"], body["failed"], body["done"]) == (5, 0, True)
    for mine, theirs in zip(ada.shelf(), bob.shelf(), strict=True):
        assert [portable(item) for item in theirs] == [portable(item) for item in mine]
        for before, after in zip(mine, theirs, strict=True):
            assert list(digests(bucket, after)) == list(digests(bucket, before))
            assert before.keys() == after.keys()
    again = bob.bring(answer.content)
    assert (again["imported"], again["already_there"]) == (0, 5)
    at_home = ada.bring(answer.content)
    assert (at_home["imported"], at_home["already_there"]) == (0, 5)
    assert [len(items) for items in (*ada.shelf(), *bob.shelf())] == [2, 3, 2, 3]


def test_a_selection_moves_alone(ada, bob):
    mixed_library(ada)
    _, generations = ada.shelf()
    wanted = [item["generation_id"] for item in generations if item["voice_id"] == "voice_другой"]
    answer = ada.export(voice_ids="voice_другой", generation_ids=",".join(wanted))
    assert bob.bring(answer.content)["imported"] == 2
    voices, brought = bob.shelf()
    assert [voice["voice_id"] for voice in voices] == ["voice_другой"]
    assert [item["generation_id"] for item in brought] == wanted
    stranger = bob.export(voice_ids="voice_ada_音")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_found")


@pytest.fixture
def large(ada):
    """Save some 44 MB: more than an answer in one piece may have, or a body."""
    ada.voice("Large", wav(1.0))
    for number in range(5):
        ada.speech("voice_large", wav(182.0, seed=number), text_input=f"Number {number}.")
    return ada


def test_more_than_32_mib_come_in_one_answer_and_go_back_by_upload(large, bob, bucket):
    # From the function's own address, as Hosting does not pass so much on.
    query = {"part_bytes": 64 * MIB}
    answer = large.http.get(large.url("/library/export"), params=query)
    assert len(answer.content) > 40 * MIB
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert "Content-Length" not in answer.headers
    assert len(lines(opened(answer.content))) == 6
    results = bob.bring_upload(answer.content, bucket)
    assert [result["status"] for result in results] == ["imported"] * 6
    _, generations = bob.shelf()
    sums = {item["audio"]["sha256"] for item in generations}
    assert sums == {item["audio"]["sha256"] for item in large.shelf()[1]}
    assert {result["status"] for result in bob.bring_upload(answer.content, bucket)} == {
        "already_there"
    }


def test_more_than_32_mib_come_in_parts_of_24_that_fit_into_a_body(large, bob):
    answers = list(large.parts())
    assert len(answers) == 3
    assert all(len(answer.content) <= 24 * MIB for answer in answers)
    found = [item["id"] for answer in answers for item in lines(opened(answer.content))]
    assert len(set(found)) == len(found) == 6
    counts = [bob.bring(answer.content) for answer in answers]
    assert sum(body["imported"] for body in counts) == 6
    assert len(bob.shelf()[1]) == 5


def test_saves_and_deletions_during_an_export_skip_and_double_nothing(large, bob):
    _, generations = large.shelf()
    stays = {item["generation_id"] for item in generations[1:]}
    gone = generations[0]["generation_id"]

    def change():
        path = f"/api/tts/generations/{gone}"
        assert large.http.delete(large.url(path)).status_code == 200
        return large.speech("voice_large", wav(0.5, seed=9), text_input="New.")["generation_id"]

    found = []
    with ThreadPoolExecutor() as thread:
        changing = None
        for answer in large.parts(part_bytes=10 * MIB):
            changing = changing or thread.submit(change)
            changing.result()
            found += [item["id"] for item in lines(opened(answer.content))]
    assert len(set(found)) == len(found)
    assert stays | {"voice_large", changing.result()} == set(found)


def test_a_damaged_file_cuts_the_answer_off(ada, bucket):
    ada.voice("Cut", wav(1.0))
    saved = ada.speech("voice_cut", wav(60.0))["generation"]
    # The emulator lets a test write over an object: nobody else can.
    data = wav(60.0)[:-1] + b"x"
    bucket.blob(saved["file_path"]).upload_from_string(data, content_type="audio/wav")
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        receive(ada, received)
    assert len(received) > 2 * MIB
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(received))
    assert ada.http.get(ada.url("/api/health")).json()["status"] == "success"


def receive(client, into):
    with client.http.stream("GET", client.url("/api/library/export")) as answer:
        assert answer.status_code == 200
        for block in answer.iter_raw():
            into += block
