"""The whole story of the service, told against a running stack, with what each step took.

Two users sign up; one saves a voice and speech in every form that clients use, lists both,
and plays every address without credentials; the other sees nothing until the library is moved
to him. Then a voice is cloned and speaks on RunPod, or its stand-in, while nobody watches.
"""

import base64
import hashlib
import io
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from local.api_client import ApiClient
from local.auth_emulator import sign_up
from local.speech import synthesise

_TEMPLATE = (
    "This is my voice. I lend it to the shelf, so that it is there tomorrow, "
    "on any device, and for nobody but me."
)
_LINES = (
    "The first line goes as a file in a form.",
    "The second line goes as base64 in a JSON document.",
    "The third line goes as base64 in the text field of a form.",
)
_PROFILE_VALUES = 256 * 1024
# The stand-in for RunPod speaks within a second; the functions' first start takes some more.
_JOB_DEADLINE_S = 60.0


class StepFailed(Exception):
    """Something was not as promised; the text says what."""


@dataclass(frozen=True)
class Step:
    """One step that was taken: what it did, what came of it, and how long it took."""

    title: str
    outcome: str
    seconds: float


@dataclass
class Story:
    """The story against one site, whose users are in one Auth emulator (`host:port`)."""

    site_url: str
    auth_host: str
    _resources: ExitStack = field(default_factory=ExitStack)
    _urls: dict[str, str] = field(default_factory=dict)

    def steps(self) -> Iterator[Step]:
        """Take one step after another.

        Raises:
            StepFailed: at the first step that is not as promised.
        """
        with self._resources:
            for title, act in self._acts():
                started = time.perf_counter()
                outcome = act()
                yield Step(title, outcome, time.perf_counter() - started)

    def _acts(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("sign up two users", self._sign_up),
            ("synthesise speech, make a profile", self._make_audio),
            ("save the voice, multipart", self._save_voice),
            ("save speech, multipart", self._save_as_multipart),
            ("save speech, JSON with base64", self._save_as_json),
            ("save speech, form with base64", self._save_as_base64_form),
            ("list the voices", self._list_voices),
            ("list the generations", self._list_generations),
            ("fetch every URL without credentials", self._fetch_all),
            ("play from the middle (Range)", self._fetch_range),
            ("look as the second user", self._look_as_stranger),
            ("upload directly, save by its path", self._save_upload),
            ("withdraw a leaked address", self._renew),
            ("rename the voice", self._rename),
            ("delete, and undo it", self._undo),
            ("move house to the second user", self._move),
            ("clone on RunPod, and go away", self._clone),
            ("speak on RunPod, and go away", self._speak),
            ("delete for good", self._delete),
        ]

    def _sign_up(self) -> str:
        self._owner, self._stranger = self._client(), self._client()
        return "2 users"

    def _client(self) -> ApiClient:
        email = f"demo-{secrets.token_hex(6)}@voxshelf.example"
        user = sign_up(self.auth_host, email, secrets.token_urlsafe(16))
        return self._resources.enter_context(ApiClient(self.site_url, user.id_token))

    def _make_audio(self) -> str:
        self._sample = synthesise(_TEMPLATE)
        self._speech = [synthesise(line, pitch=60) for line in _LINES]
        self._profile = _float32_npy(_PROFILE_VALUES)
        seconds = (len(self._sample) - 44) / (22_050 * 2)
        _expect(seconds > 5, f"the sample lasts {seconds:.1f} s")
        return f"{seconds:.1f} s sample, {len(self._profile):,} bytes profile"

    def _save_voice(self) -> str:
        fields = {
            "voice_name": "Demo voice",
            "template_message": _TEMPLATE,
            "language": "en",
            "tags": json.dumps(["demo", "synthetic"]),
        }
        answer = self._owner.save_voice(fields, self._sample, self._profile)
        voice = answer["voice"]
        self._voice_id = answer["voice_id"]
        _expect(voice["sample"]["sha256"] == _sha256(self._sample), "the sample's digest differs")
        _expect(voice["profile"]["sha256"] == _sha256(self._profile), "the profile's differs")
        self._urls[voice["sample"]["url"]] = _sha256(self._sample)
        self._urls[voice["profile"]["url"]] = _sha256(self._profile)
        return f"{self._voice_id}, quality {voice['quality']['grade']}"

    def _save_as_multipart(self) -> str:
        fields = {name: str(value) for name, value in self._fields(0).items()}
        return self._saved(0, self._owner.save_speech_as_multipart(fields, self._speech[0]))

    def _save_as_json(self) -> str:
        return self._saved(1, self._owner.save_speech_as_json(self._fields(1), self._speech[1]))

    def _save_as_base64_form(self) -> str:
        fields = {name: str(value) for name, value in self._fields(2).items()}
        return self._saved(2, self._owner.save_speech_as_base64_form(fields, self._speech[2]))

    def _fields(self, number: int) -> dict[str, Any]:
        return {
            "voice_id": self._voice_id,
            "text_input": _LINES[number],
            "generation_time": 0.25,
            "sample_rate": 22_050,
            "audio_shape": [1, (len(self._speech[number]) - 44) // 2],
        }

    def _saved(self, number: int, answer: dict[str, Any]) -> str:
        audio = self._speech[number]
        _expect(answer["file_size_bytes"] == len(audio), "the size differs")
        _expect(answer["metadata"]["mismatches"] == [], "the declared facts differ")
        self._urls[answer["firebase_url"]] = _sha256(audio)
        return str(answer["generation_id"])

    def _list_voices(self) -> str:
        page = self._owner.get("/api/voices")
        _expect(page["total_voices"] == len(page["voices"]) == 1, "one voice is not listed once")
        _expect(page["voices"][0]["firebase_url"] in self._urls, "the listed URL is another")
        _expect(page["voices"][0]["generation_count"] == len(_LINES), "the count differs")
        return "1 voice"

    def _list_generations(self) -> str:
        seen: list[str] = []
        query: dict[str, str | int] = {"page_size": 2, "order": "asc"}
        while True:
            page = self._owner.get("/api/tts/generations", **query)
            seen += [generation["text"] for generation in page["generations"]]
            if not page["has_more"]:
                break
            query["page_token"] = page["next_page_token"]
        _expect(tuple(seen) == _LINES, f"the list holds {seen}")
        return f"{len(seen)} generations on 2 pages"

    def _fetch_all(self) -> str:
        total = 0
        for url, digest in self._urls.items():
            answer = _fetch(url)
            _expect(answer.status_code == 200, f"{url} answers {answer.status_code}")
            _expect(_sha256(answer.content) == digest, f"{url} serves other bytes")
            total += len(answer.content)
        return f"{len(self._urls)} URLs, {total:,} bytes, SHA-256 equal"

    def _fetch_range(self) -> str:
        url = next(iter(self._urls))
        answer = _fetch(url, Range="bytes=1000-1999")
        _expect(answer.status_code == 206, f"a Range request answers {answer.status_code}")
        _expect(answer.content == self._sample[1000:2000], "the range holds other bytes")
        return "206, 1,000 bytes"

    def _look_as_stranger(self) -> str:
        _expect(self._stranger.get("/api/voices")["voices"] == [], "a stranger sees a voice")
        listed = self._stranger.get("/api/tts/generations", voice_id=self._voice_id)
        _expect(listed["generations"] == [], "a stranger sees speech")
        return "nothing"

    def _save_upload(self) -> str:
        storage_url = next(iter(self._urls)).partition("/o/")[0] + "/o"
        path = self._owner.upload(storage_url, self._speech[0])
        body = {"voice_id": self._voice_id, "audio_path": path, "text": "An upload."}
        answer = self._owner.post("/api/tts/save", body, status=201)
        _expect(
            _sha256(_fetch(answer["firebase_url"]).content) == _sha256(self._speech[0]),
            "it plays other bytes",
        )
        self._uploaded = answer["generation"]
        return str(answer["generation_id"])

    def _renew(self) -> str:
        item = f"/api/tts/generations/{self._uploaded['generation_id']}"
        old = self._uploaded["firebase_url"]
        self._uploaded = self._owner.post(f"{item}/urls/renew", {})["generation"]
        new = self._uploaded["firebase_url"]
        _expect(_fetch(new).status_code == 200, "the new address does not play")
        status = _fetch(old).status_code
        _expect(status in (403, 404), f"the old address answers {status}")
        return f"old address {status}, new one plays"

    def _rename(self) -> str:
        self._owner.patch(f"/api/voices/{self._voice_id}", {"name": "Renamed voice"})
        listed = self._owner.get("/api/tts/generations")["generations"]
        names = {generation["voice_name"] for generation in listed}
        _expect(names == {"Renamed voice"}, f"the generations show {names}")
        found = self._owner.get("/api/tts/generations", search="rename second")["generations"]
        _expect([item["text"] for item in found] == [_LINES[1]], "the search finds others")
        return f"{len(listed)} generations show it, and are found by it"

    def _undo(self) -> str:
        body = {"voice_ids": [self._voice_id], "generations": "delete"}
        self._owner.post("/api/library/delete", body)
        left = self._owner.get("/api/tts/generations")["total_generations"]
        _expect(left == 0, f"{left} generations are still listed")
        self._owner.post("/api/library/restore", {"voice_ids": [self._voice_id]})
        back = self._owner.get("/api/tts/generations")["total_generations"]
        _expect(back == len(_LINES) + 1, f"{back} generations came back")
        return f"1 voice and {back} generations gone, and back"

    def _move(self) -> str:
        archive = self._owner.download("/api/library/export")
        answer = self._stranger.post_archive("/api/library/import", archive)
        _expect(answer["failed"] == 0, f"{answer['failed']} items were not imported")
        theirs = self._stranger.get("/api/voices")["voices"][0]
        _expect(theirs["sample"]["sha256"] == _sha256(self._sample), "the sample differs")
        again = self._stranger.post_archive("/api/library/import", archive)
        _expect(again["imported"] == 0, "importing it again doubles items")
        return f"{answer['imported']} items, {len(archive):,} bytes; again: nothing new"

    def _clone(self) -> str:
        body = {
            "voice_name": "Cloned voice",
            "audio_base64": base64.b64encode(self._sample).decode(),
            "template_message": _TEMPLATE,
        }
        self._owner.post("/api/voices/clone", body, status=202)
        # Nobody asks for the job: the voice comes by itself.
        answer = _awaited(lambda: self._owner.find("/api/voices/voice_cloned_voice"))
        voice = answer["voice"]
        _expect(voice["has_profile"] and voice["source"] == "runpod", "it is no cloned voice")
        return f"{voice['voice_id']}, {voice['profile']['size_bytes']} bytes profile"

    def _speak(self) -> str:
        body = {"voice_id": "voice_cloned_voice", "text": _LINES[0]}
        self._owner.post("/api/tts/generate", body, status=202)

        def spoken() -> dict[str, Any] | None:
            listed = self._owner.get("/api/tts/generations", voice_id="voice_cloned_voice")
            return listed if listed["generations"] else None

        [generation] = _awaited(spoken)["generations"]
        _expect(generation["text"] == _LINES[0], "it speaks another text")
        _expect(_fetch(generation["firebase_url"]).status_code == 200, "it does not play")
        return f"{generation['generation_id']}, {generation['audio']['duration_s']:.1f} s"

    def _delete(self) -> str:
        uploaded = f"/api/tts/generations/{self._uploaded['generation_id']}"
        self._owner.delete(uploaded, permanent="true")
        self._owner.delete(f"/api/voices/{self._voice_id}", permanent="true")
        dead = [self._uploaded["firebase_url"], next(iter(self._urls))]
        statuses = {_fetch(url).status_code for url in dead}
        _expect(statuses <= {403, 404}, f"deleted files answer {statuses}")
        _expect(
            self._owner.find(f"/api/voices/{self._voice_id}") is None, "the voice is still there"
        )
        listed = self._owner.get("/api/tts/generations", voice_id=self._voice_id)
        left = len(listed["generations"])
        _expect(left == len(_LINES), f"{left} generations are left")
        return f"{left} generations stay"


def _awaited(look: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    """Look until something is there."""
    ends_at = time.monotonic() + _JOB_DEADLINE_S
    while (found := look()) is None:
        _expect(time.monotonic() < ends_at, "the job's result never came")
        time.sleep(0.2)
    return found


def _float32_npy(values: int) -> bytes:
    file = io.BytesIO()
    np.save(file, np.linspace(-1, 1, values, dtype=np.float32))
    return file.getvalue()


def _fetch(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=30, trust_env=False)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise StepFailed(otherwise)
