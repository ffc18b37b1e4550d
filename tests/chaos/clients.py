"""What clients of the API do here: save, delete and list, and try again as the contract says."""

import base64
import functools
import hashlib
import io
import json
import secrets
import socket
import time
import wave
from dataclasses import dataclass, replace
from typing import Any

import httpx
import numpy as np

from tests.chaos.faults import UID_CHARACTERS
from tests.chaos.ledger import ABSENT, Ledger
from tests.chaos.processes import HOST, FunctionProcess
from tests.chaos.stored import State

_TIMEOUT_S = 120.0
_RATE_HZ = 8_000
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class Person:
    """A user with an ID token."""

    uid: str
    id_token: str

    @property
    def headers(self) -> dict[str, str]:
        """The headers that prove who he is."""
        return {"Authorization": f"Bearer {self.id_token}"}


def new_person(project: str) -> Person:
    """Make a user; the token is unsigned, as the Auth emulator's are.

    Thousands of them are needed, and the Auth emulator has no part in any fault.
    """
    uid = "".join(secrets.choice(_ALPHABET) for _ in range(UID_CHARACTERS))
    now = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "user_id": uid,
        "iat": now - 10,
        "auth_time": now - 10,
        "exp": now + 3600,
    }
    head = _part({"alg": "none", "typ": "JWT"})
    return Person(uid, f"{head}.{_part(claims)}.")


def _part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


def recording(duration_s: float = 0.6) -> bytes:
    """Return a small WAV file that no other call returns: noise in bursts."""
    generator = np.random.default_rng(secrets.randbits(64))
    samples = generator.normal(0, 3000, round(duration_s * _RATE_HZ))
    samples *= np.sin(np.arange(samples.size) / 700) > -0.5
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(_RATE_HZ)
        writer.writeframes(samples.clip(-32_000, 32_000).astype("<i2").tobytes())
    return file.getvalue()


def profile() -> bytes:
    """Return a small `.npy` file that no other call returns."""
    file = io.BytesIO()
    np.save(file, np.random.default_rng(secrets.randbits(64)).normal(size=64).astype("f4"))
    return file.getvalue()


@dataclass(frozen=True)
class Outcome:
    """An answer; status None when there was none."""

    status: int | None
    body: dict[str, Any]
    replayed: bool = False

    @property
    def done(self) -> bool:
        """Tell whether it was answered as done."""
        return self.status in (200, 201, 204)

    @property
    def code(self) -> str:
        """The error's stable code, or what stands for it."""
        return str(self.body.get("code", self.status))


NO_ANSWER = Outcome(None, {})


@dataclass(frozen=True)
class Save:
    """One save, encoded; `kind` and `label` are what the ledger calls the item."""

    target: str
    person: Person
    kind: str
    label: str
    fields: dict[str, str]
    audio: bytes
    profile: bytes | None = None
    key: str | None = None

    @property
    def state(self) -> State:
        """The state in which the item is once this has happened."""
        digest = hashlib.sha256(self.profile).hexdigest() if self.profile else None
        return State(hashlib.sha256(self.audio).hexdigest(), digest)

    @property
    def headers(self) -> dict[str, str]:
        """Identity and key."""
        return self.person.headers | ({"Idempotency-Key": self.key} if self.key else {})

    @property
    def files(self) -> dict[str, tuple[str, bytes, str]]:
        """The files of the form."""
        files = {"audio_file": ("a.wav", self.audio, "audio/wav")}
        if self.profile is not None:
            files["profile_file"] = ("p.npy", self.profile, "application/octet-stream")
        return files

    def encoded(self) -> tuple[bytes, dict[str, str]]:
        """Return the body and all headers, for a client that breaks off in the middle."""
        form = httpx.Request("POST", f"http://{HOST}/", data=self.fields, files=self.files)
        return form.read(), {**self.headers, "Content-Type": form.headers["Content-Type"]}

    def send(self, server: FunctionProcess, ledger: Ledger) -> Outcome:
        """Send it once, and note in the ledger what it promises."""
        ledger.sent(self.person.uid, self.kind, self.label, self.state)
        outcome = _request(
            "POST", server.url + "/", headers=self.headers, data=self.fields, files=self.files
        )
        if outcome.done:
            ledger.acknowledged(self.person.uid, self.kind, self.label, self.state)
        return outcome

    def again(self, **changes: Any) -> "Save":
        """Return the save with changes."""
        return replace(self, **changes)


def voice_save(person: Person, name: str = "Alba", *, key: str | None = None, **more: Any) -> Save:
    """Return a save of a new voice with a profile; `more` are further fields."""
    fields = {"voice_name": name, **more}
    audio = recording()
    label = f"voice_{name.lower().replace(' ', '_')}"
    return Save("voices_save", person, "voices", label, fields, audio, profile(), key)


def speech_save(person: Person, voice_id: str, *, key: str | None = None) -> Save:
    """Return a save of speech, whose text is found nowhere else."""
    text = f"Sentence {secrets.token_hex(6)}"
    fields = {"voice_id": voice_id, "text_input": text}
    return Save("tts_save", person, "generations", text, fields, recording(), None, key)


@dataclass(frozen=True)
class Delete:
    """The deletion of one item, and of the generations that `along` names by their labels.

    They go with their voice, or by the `ids` of one request that names them all.
    """

    person: Person
    kind: str
    label: str
    item_id: str
    along: tuple[str, ...] = ()
    permanent: bool = False
    ids: tuple[str, ...] = ()
    target: str = "library"

    def send(self, server: FunctionProcess, ledger: Ledger) -> Outcome:
        """Send it once; that it is not there (any more) counts as done."""
        for kind, label in self._items:
            ledger.sent(self.person.uid, kind, label, ABSENT)
        outcome = self._many(server) if self.ids else self._one(server)
        if outcome.done:
            for kind, label in self._items:
                ledger.acknowledged(self.person.uid, kind, label, ABSENT)
        return outcome

    @property
    def _items(self) -> list[tuple[str, str]]:
        return [(self.kind, self.label), *(("generations", label) for label in self.along)]

    def _one(self, server: FunctionProcess) -> Outcome:
        path = {"voices": "voices", "generations": "tts/generations"}[self.kind]
        query = f"permanent={self.permanent}"
        if self.kind == "voices":
            query += f"&generations={'delete' if self.along else 'keep'}"
        url = f"{server.url}/api/{path}/{self.item_id}?{query}"
        outcome = _request("DELETE", url, headers=self.person.headers)
        return Outcome(200, outcome.body) if outcome.status == 404 else outcome

    def _many(self, server: FunctionProcess) -> Outcome:
        body = {
            "voice_ids": [self.item_id],
            "generation_ids": list(self.ids),
            "permanent": self.permanent,
        }
        return _of_all(self.person, f"{server.url}/api/library/delete", body, missing=200)


@dataclass(frozen=True)
class Restore:
    """The return of a deleted voice, with the generations `along`: each label with its state.

    They come back with their voice, or by the `ids` of one request that names them all.
    """

    person: Person
    kind: str
    label: str
    item_id: str
    state: State
    along: tuple[tuple[str, State], ...] = ()
    ids: tuple[str, ...] = ()
    target: str = "library"

    def send(self, server: FunctionProcess, ledger: Ledger) -> Outcome:
        """Send it once."""
        for kind, label, state in self._items:
            ledger.sent(self.person.uid, kind, label, state)
        body = {"voice_ids": [self.item_id], "generation_ids": list(self.ids)}
        url = f"{server.url}/api/library/restore"
        outcome = _of_all(self.person, url, body, missing=404)
        if outcome.done:
            for kind, label, state in self._items:
                ledger.acknowledged(self.person.uid, kind, label, state)
        return outcome

    @property
    def _items(self) -> list[tuple[str, str, State]]:
        own = (self.kind, self.label, self.state)
        return [own, *(("generations", label, state) for label, state in self.along)]


@dataclass(frozen=True)
class Rename:
    """The edit of a voice's name. It changes nothing that the ledger keeps."""

    person: Person
    kind: str
    label: str
    item_id: str
    name: str
    target: str = "library"

    def send(self, server: FunctionProcess, _ledger: Ledger) -> Outcome:
        """Send it once."""
        url = f"{server.url}/api/voices/{self.item_id}"
        return _request("PATCH", url, headers=self.person.headers, json={"name": self.name})


@dataclass(frozen=True)
class Withdraw:
    """The withdrawal of the consent to a voice."""

    person: Person
    kind: str
    label: str
    item_id: str
    target: str = "library"

    def send(self, server: FunctionProcess, ledger: Ledger) -> Outcome:
        """Send it once."""
        ledger.sent(self.person.uid, self.kind, self.label, ABSENT)
        url = f"{server.url}/api/voices/{self.item_id}/consent"
        outcome = _request("DELETE", url, headers=self.person.headers)
        if outcome.done:
            ledger.acknowledged(self.person.uid, self.kind, self.label, ABSENT)
        return outcome


Work = Save | Delete | Restore | Rename | Withdraw
_STATUSES = {"in_progress": 409, "quota_exceeded": 429, "unavailable": 503}


def _of_all(person: Person, url: str, body: dict[str, Any], *, missing: int) -> Outcome:
    """Return the answer to a request of many items: done where each of them is.

    What is not there has the status `missing`.
    """
    outcome = _request("POST", url, headers=person.headers, json=body)
    if outcome.status != 200:
        return outcome
    statuses = {"not_found": missing, **_STATUSES}
    for result in outcome.body["results"]:
        code = result["code"]
        if code is not None and statuses[code] != 200:
            return Outcome(statuses[code], result)
    return outcome


def listed(server: FunctionProcess, person: Person, kind: str) -> list[dict[str, Any]]:
    """Return what the API lists, the first hundred. Raises AssertionError."""
    path, name = {
        "voices": ("voices", "voices"),
        "generations": ("tts/generations", "generations"),
    }[kind]
    url = f"{server.url}/api/{path}?page_size=100"
    outcome = _request("GET", url, headers=person.headers)
    if outcome.status != 200:
        raise AssertionError(f"GET {path}: {outcome}")
    found: list[dict[str, Any]] = outcome.body[name]
    return found


def converge(
    work: Work, server: FunctionProcess, ledger: Ledger, deadline_s: float
) -> tuple[Outcome, int]:
    """Try again while the contract says that it may help; return the last answer and the tries.

    The pauses are shorter than `Retry-After` asks for: the harness has many to wait for.
    """
    deadline = time.monotonic() + deadline_s
    tries = 0
    while True:
        tries += 1
        outcome = work.send(server, ledger)
        again = outcome.status in (None, 503) or outcome.code == "in_progress"
        if not again or time.monotonic() > deadline:
            return outcome, tries
        time.sleep(0.3)


def break_off(save: Save, server: FunctionProcess, ledger: Ledger, share: float) -> None:
    """Send this share of the body, then be gone."""
    body, headers = save.encoded()
    ledger.sent(save.person.uid, save.kind, save.label, save.state)
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n{head}\r\n"
    with socket.create_connection((HOST, server.port), 10) as connection:
        connection.sendall(head.encode() + body[: int(len(body) * share)])


@functools.cache
def _http() -> httpx.Client:
    # One for all threads: each new client reads all certificates of the machine. No connection is
    # kept, because a server that was killed, or closed an idle one, is not a fault to be seen.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.Client(timeout=_TIMEOUT_S, trust_env=False, limits=limits)


def _request(method: str, url: str, **options: Any) -> Outcome:
    try:
        answer = _http().request(method, url, **options)
    except httpx.HTTPError:
        return NO_ANSWER
    try:
        body = answer.json()
    except ValueError:
        body = {"text": answer.text}
    return Outcome(answer.status_code, body, answer.headers.get("Idempotent-Replayed") == "true")
