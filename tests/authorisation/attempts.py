"""One request of the matrix, what it is made on, and what a stranger must get for it."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from tests.endpoint.test_saves import b64
from tests.sounds import npy, wav
from voxshelf.core.jobs import ENDED

SAMPLE, SPEECH, PROFILE = b64(wav(1.0)), b64(wav(0.5)), b64(npy())
CREATED, STARTED = 201, 202
# No answer to anybody else may hold one of these, nor the owner's uid.
PRIVATE = ("Confidential", "confidential")


@dataclass(frozen=True)
class Attempt:
    """A request, and what its two users get.

    `query`, `body` and `shows` may name the owner's things in braces, as `Things` lists them;
    arguments of the path are filled in alike.
    """

    stranger: int
    """The status for somebody else who knows the owner's ids."""
    owner: int = 200
    """The status for the owner, whose things they are."""
    query: str = ""
    body: Mapping[str, Any] | None = None
    shows: Mapping[str, Any] = field(default_factory=dict)
    """What the stranger's answer holds, at least: the fields that show that it is empty."""


@dataclass(frozen=True)
class Things:
    """What a user has that requests can name: the same attempt is made with another user's."""

    voice_id: str
    generation_id: str
    voices_page: str
    generations_page: str
    sample_upload: str
    profile_upload: str
    speech_upload: str
    upload_id: str
    job_id: str
    jobs_page: str
    runpod_job_id: str
    secret: str
    """Of no job: whoever knows a job's own may tell that it has ended, and nobody is told it."""
    uid: str


@dataclass(frozen=True)
class Reply:
    """An answer, whoever carried it."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.content)


class Door(Protocol):
    """Carries requests to the functions, in memory or over HTTP."""

    def send(self, user: str, method: str, path: str, body: Any = None) -> Reply:
        """Send a user's request."""

    def upload(self, user: str, name: str, data: bytes) -> str:
        """Put a file where the user's direct uploads go; return its path."""

    def uid(self, user: str) -> str:
        """Return a user's uid."""


def request(route: str, attempt: Attempt, things: Things) -> tuple[str, str, Any]:
    """Return method, path and body of an attempt on somebody's things."""
    method, path = route.split(" ")
    path = path.replace("<", "{").replace(">", "}") + (attempt.query and f"?{attempt.query}")
    return method, filled(path, things), filled(attempt.body, things)


def check_stranger(door: Door, stranger: str, route: str, attempt: Attempt, owned: Things) -> None:
    """Make an attempt on the owner's things; they must be to the stranger as if they were not."""
    reply = door.send(stranger, *request(route, attempt, owned))
    assert reply.status == attempt.stranger, reply.content
    for word in (*PRIVATE, owned.uid):
        assert word.encode() not in reply.content, f"{word!r} in {reply.content!r}"
    if attempt.shows:
        shown = {name: reply.body[name] for name in attempt.shows}
        assert shown == filled(attempt.shows, owned)
    # What is new has a time of its own, and so has an archive.
    is_new = attempt.stranger in {CREATED, STARTED}
    if not is_new and reply.headers["Content-Type"].startswith("application/json"):
        never = nothing(door.uid(stranger))
        missing = door.send(stranger, *request(route, attempt, never))
        assert _anonymous(reply, owned, never) == _anonymous(missing, owned, never)


def _anonymous(reply: Reply, *named: Things) -> tuple[int, str]:
    """Return an answer without what no two answers share, and without the names of things."""
    body = {name: value for name, value in reply.body.items() if name != "request_id"}
    text = json.dumps(body, sort_keys=True)
    for things in named:
        # The longest first: a generation's id holds that of its voice.
        for name, value in sorted(asdict(things).items(), key=lambda item: -len(item[1])):
            text = text.replace(value, f"{{{name}}}")
    return reply.status, text


def filled(template: Any, things: Things) -> Any:
    """Return a template with the names in braces replaced, in all its texts."""
    if isinstance(template, str):
        return template.format_map(asdict(things))
    if isinstance(template, Mapping):
        return {name: filled(value, things) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, things) for value in template]
    return template


def furnish(door: Door, user: str) -> Things:
    """Save what every attempt needs; a second voice has the same id for every user."""
    named = {"voice_name": "Confidential", "voice_id": "voice_kept", "profile_base64": PROFILE}
    consent = {"statement": "Confidential words.", "granted_by": "Confidential"}
    voice = {**named, "audio_base64": SAMPLE, "consent": consent, "tags": ["confidential"]}
    _saved(door.send(user, "POST", "/api/voices/save", voice))
    furnish_stranger(door, user)
    for text in ("Confidential speech.", "More of it, confidential."):
        speech = {"voice_id": "voice_kept", "text": text, "audio_base64": SPEECH}
        saved = _saved(door.send(user, "POST", "/api/tts/save", speech))
    jobs = [_ended_job(door, user) for _ in range(2)]
    return Things(
        voice_id="voice_kept",
        generation_id=saved["generation_id"],
        voices_page=_page(door, user, "/api/voices"),
        generations_page=_page(door, user, "/api/tts/generations"),
        sample_upload=door.upload(user, "confidential sample.wav", wav(2.0)),
        profile_upload=door.upload(user, "confidential profile.npy", npy()),
        speech_upload=door.upload(user, "confidential speech.wav", wav(1.5)),
        upload_id=_given(door, user),
        job_id=jobs[0]["job_id"],
        jobs_page=_page(door, user, "/api/jobs"),
        runpod_job_id=jobs[0]["runpod_job_id"],
        secret="0" * 43,
        uid=door.uid(user),
    )


def furnish_stranger(door: Door, user: str) -> None:
    """Save the one voice that a stranger has, too: he could speak with it."""
    voice = {"voice_name": "Common", "voice_id": "voice_common", "audio_base64": SAMPLE}
    _saved(door.send(user, "POST", "/api/voices/save", voice))


def nothing(uid: str) -> Things:
    """Return names of things that never were."""
    return Things(
        voice_id="voice_never",
        generation_id="TTS_voice_never_20200101_000000",
        voices_page="never",
        generations_page="never",
        sample_upload=f"uploads/{uid}/never.wav",
        profile_upload=f"uploads/{uid}/never.npy",
        speech_upload=f"uploads/{uid}/never too.wav",
        upload_id=f"upload_{'0' * 32}",
        job_id="job_never",
        jobs_page="never",
        runpod_job_id="runpod-never",
        secret="1" * 43,
        uid=uid,
    )


def _ended_job(door: Door, user: str) -> dict[str, Any]:
    """Start speech, and return its job once nothing more comes of it."""
    speech = {"voice_id": "voice_kept", "text": "Confidential words."}
    started = door.send(user, "POST", "/api/tts/generate", speech)
    assert started.status == STARTED, started.content
    path = f"/api/jobs/{started.body['job_id']}"
    door.send(user, "POST", f"{path}/cancel")
    ends_at = time.monotonic() + 30
    while (job := door.send(user, "GET", path).body["job"])["state"] not in ENDED:
        assert time.monotonic() < ends_at, job
        time.sleep(0.1)
    return job


def _given(door: Door, user: str) -> str:
    """Ask for a place for an upload, and return its id."""
    wanted = {"size_bytes": 1000, "content_type": "audio/wav"}
    return _saved(door.send(user, "POST", "/api/uploads", wanted))["upload"]["upload_id"]


def seen_by(door: Door, user: str) -> list[dict[str, Any]]:
    """Return all that a user's lists show, addresses included."""
    lists = ("/api/voices", "/api/tts/generations", "/api/jobs")
    return [door.send(user, "GET", path).body for path in lists]


def _page(door: Door, user: str, path: str) -> str:
    token = door.send(user, "GET", f"{path}?page_size=1").body["next_page_token"]
    assert token
    return token


def _saved(reply: Reply) -> dict[str, Any]:
    assert reply.status == CREATED, reply.content
    return reply.body
