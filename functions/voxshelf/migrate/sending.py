"""One item, saved through the API: in the request's body, or by a direct upload if large."""

import contextlib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO

import httpx

from voxshelf.migrate.acknowledged import Acknowledged
from voxshelf.migrate.identity import Stopped
from voxshelf.migrate.plan import Item, Kind
from voxshelf.migrate.site import UPLOAD_TYPE, Site, body_of, message_of
from voxshelf.migrate.voices import KnownVoices

# What fits into a request (the contract, section 7): a file, and a file with its profile.
MAX_AUDIO_BYTES = 24 * 1024 * 1024
MAX_FILES_BYTES = 31 * 1024 * 1024
_PATHS: Mapping[Kind, str] = {"voice": "/api/voices/save", "generation": "/api/tts/save"}
_LISTS = {"voices": "/api/voices?page_size=1", "generations": "/api/tts/generations?page_size=1"}


class Refused(Exception):
    """This item cannot be saved; the text says why."""


class Outcome(Enum):
    """What became of an item, in words of the report."""

    SENT = "sent"
    THERE = "already there"
    NOTED = "noted as sent by an earlier run"


@dataclass(frozen=True, slots=True)
class Sent:
    """An item that is in the library; `notes` are for the report."""

    outcome: Outcome
    size_bytes: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Files:
    """The open files of one item, digested; `key` is the same for the same bytes and name."""

    item: Item
    audio: BinaryIO
    audio_sha256: str
    profile: bytes | None
    audio_bytes: int

    @property
    def size_bytes(self) -> int:
        return self.audio_bytes + len(self.profile or b"")

    @property
    def is_large(self) -> bool:
        return self.audio_bytes > MAX_AUDIO_BYTES or self.size_bytes > MAX_FILES_BYTES

    @property
    def profile_sha256(self) -> str | None:
        return hashlib.sha256(self.profile).hexdigest() if self.profile is not None else None

    @property
    def key(self) -> str:
        name = self.item.voice_id if self.item.kind == "voice" else self.item.audio.name
        parts = [self.item.kind, name, self.audio_sha256, self.profile_sha256]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Sender:
    """Saves items one after another: lists show them by time of saving, in this order."""

    def __init__(self, site: Site, acknowledged: Acknowledged, storage_url: str | None) -> None:
        """Save to `site`; `storage_url` may be found out from what is there."""
        self._site, self._acknowledged, self._storage_url = site, acknowledged, storage_url
        self._voices = KnownVoices(site)

    def send(self, item: Item) -> Sent:
        """Save an item, unless an earlier run did, and note it.

        Raises:
            Refused: this item cannot be saved.
            Stopped: nothing can be saved any more.
        """
        with contextlib.ExitStack() as opened:
            try:
                files = _open(item, opened)
            except OSError as error:
                raise Refused(f"cannot be read: {error.strerror}") from None
            is_there = item.kind == "voice" and self._voices.find(
                item.voice_id, lambda voice: _is_same(voice, files)
            )
            if files.key in self._acknowledged:
                return Sent(Outcome.NOTED)
            sent = Sent(Outcome.THERE, files.size_bytes) if is_there else self._saved(files)
            self._acknowledged.add(files.key, item.file)
            return sent

    def _saved(self, files: _Files) -> Sent:
        parts = _form(files)
        # The voice may have another id there: speech belongs to the voice that spoke it.
        parts["voice_id"] = (None, self._voices.id_of(files.item.voice_id))
        if files.is_large:
            parts["audio_path"] = (None, self._uploaded(files))
        else:
            files.audio.seek(0)
            parts["audio_file"] = ("audio", files.audio.read())
        # A multipart body, files or not; httpx makes text fields of parts without a file name.
        answer = self._site.post(_PATHS[files.item.kind], files.key, lambda: {"files": parts})
        body = body_of(answer)
        if answer.status_code != 201:
            raise _refusal(answer, body)
        saved = body["voice"] if files.item.kind == "voice" else body["generation"]
        if not _is_same(saved, files):
            raise Refused("arrived with other bytes: run again, and report it if it stays so")
        if files.item.kind == "voice":
            self._voices.note(files.item.voice_id, saved["voice_id"])
        there = answer.headers.get("Idempotent-Replayed") == "true"
        return Sent(
            Outcome.THERE if there else Outcome.SENT,
            files.size_bytes,
            tuple(
                f"its .json says another {fact} than the audio has, which is kept"
                for fact in body.get("metadata", {}).get("mismatches", ())
            ),
        )

    def _uploaded(self, files: _Files) -> str:
        """Upload the audio to a place that is the same for the same content; return its path."""
        wanted = {"size_bytes": files.audio_bytes, "content_type": UPLOAD_TYPE}
        given = self._site.post("/api/uploads", files.key, lambda: {"json": wanted})
        if given.status_code != 201:
            raise _refusal(given, body_of(given))
        path = str(body_of(given)["upload"]["path"])

        def body() -> Mapping[str, Any]:
            files.audio.seek(0)
            return {"content": files.audio}

        answer = self._site.upload(self._known_storage_url(), path, body)
        # Nothing is uploaded twice: 403 is also said of a file that is there, from a run that
        # was interrupted. Whether it is, the save finds out.
        if answer.is_error and answer.status_code != 403:
            raise Refused(f"cannot be uploaded: {message_of(answer)}")
        return path

    def _known_storage_url(self) -> str:
        """Return where Storage is, as the address of any file of the library tells."""
        if self._storage_url is None:
            listed = (
                saved
                for name, path in _LISTS.items()
                for saved in body_of(self._site.get(path)).get(name, [])
            )
            bases = (str(saved["firebase_url"]).partition("/o/")[0] for saved in listed)
            self._storage_url = next((f"{base}/o" for base in bases if "/v0/b/" in base), None)
        if self._storage_url is None:
            raise Refused(
                f"is larger than {MAX_AUDIO_BYTES // 1024**2} MiB, and no file of the library "
                "tells where Storage is: run again when a smaller one is saved, or give "
                "--storage-url"
            )
        return self._storage_url


def _open(item: Item, opened: contextlib.ExitStack) -> _Files:
    profile = item.profile.read_bytes() if item.profile is not None else None
    audio = opened.enter_context(item.audio.open("rb"))
    digest = hashlib.file_digest(audio, "sha256").hexdigest()
    return _Files(item, audio, digest, profile, audio_bytes=audio.tell())


def _form(files: _Files) -> dict[str, Any]:
    parts: dict[str, Any] = {name: (None, text) for name, text in files.item.fields.items()}
    if files.profile is not None:
        parts["profile_file"] = ("profile", files.profile)
    return parts


def _is_same(saved: Mapping[str, Any], files: _Files) -> bool:
    """Tell whether what the library holds is what was to be sent."""
    audio, profile = saved.get("sample") or saved.get("audio") or {}, saved.get("profile") or {}
    same_profile = files.profile is None or profile.get("sha256") == files.profile_sha256
    return audio.get("sha256") == files.audio_sha256 and same_profile


def _refusal(answer: httpx.Response, body: Mapping[str, Any]) -> Exception:
    code, message = body.get("code"), message_of(answer)
    if code == "quota_exceeded":
        return Stopped(message)
    if code == "voice_exists":
        return Refused("a voice of this name with other files is in the library already")
    if code == "idempotency_conflict":
        return Refused("was saved within the last two days with other facts in its .json")
    if code is None and answer.status_code < 500:
        return Stopped(f"That was no answer of Voxshelf: {message} Is the --url right?")
    return Refused(f"{message} ({code or answer.status_code})")
