"""The lines of an export's `items.jsonl`: made from items, and read back into saves.

docs/export-format.md describes them. A line shows an item as the API does, without what only
holds where it came from: paths, addresses, and second names of the same facts.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from voxshelf.core.archive import ArchivedFile
from voxshelf.core.errors import InvalidRequest, NotFound
from voxshelf.core.importing import Origin
from voxshelf.core.items import Generation, Voice
from voxshelf.core.names import is_valid_id
from voxshelf.core.naming import normal_name
from voxshelf.http.body import Fields
from voxshelf.http.commands import read_save_speech, read_save_voice
from voxshelf.http.json_text import parse_object
from voxshelf.http.present import generation_body, voice_body
from voxshelf.http.resources import Resources
from voxshelf.use_cases.archived_items import (
    ArchivedItem,
    ArchivedSpeech,
    ArchivedVoice,
    SpokenBy,
)
from voxshelf.use_cases.budget import Budget
from voxshelf.use_cases.ports import Catalogue
from voxshelf.use_cases.save_speech import SaveSpeech
from voxshelf.use_cases.voice_draft import SaveVoice

_LEFT_OUT = frozenset(
    {"path", "url", "firebase_url", "sample_file", "profile_file", "has_profile"}
    | {"file_id", "file_path", "file_size", "text_input", "created_date"}
)
# Objects of the API, where names mean what they do above; those in `parameters` are the user's.
_OBJECTS = frozenset({"audio", "consent", "profile", "sample"})
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_SIZE_BYTES = 2**40
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class _NoUrls:
    """Plays `ObjectUrls` where addresses are left out."""

    def url(self, _path: str, _token: str) -> str:
        return ""

    def prepare(self, paths: Iterable[str]) -> None:
        """Nothing is asked for."""


class Describer:
    """Tells what an item's line says of it, beside the names of its files.

    Of a generation it says which voice spoke, by the digest of its sample: ids and names are
    those of one library alone.
    """

    def __init__(self, uid: str, catalogue: Catalogue) -> None:
        """Look voices up in `catalogue`, each once: a part is described twice, and the same."""
        self._uid, self._catalogue = uid, catalogue
        self._samples: dict[str, str | None] = {}

    def __call__(self, item: Voice | Generation) -> dict[str, object]:
        """Describe an item."""
        if isinstance(item, Generation):
            body: Mapping[str, object] = {
                **generation_body(item, _NoUrls()),
                "voice_sample_sha256": self._sample(item.voice_id),
            }
            kind = "generation"
        else:
            body, kind = {**voice_body(item, _NoUrls())}, "voice"
        return {"kind": kind, "id": item.item_id, **_portable(body)}

    def _sample(self, voice_id: str) -> str | None:
        if voice_id not in self._samples:
            self._samples[voice_id] = None
            with contextlib.suppress(NotFound):
                voice = self._catalogue.voice(self._uid, voice_id)
                self._samples[voice_id] = voice.sample.sha256
        return self._samples[voice_id]


def _portable(body: Mapping[str, Any]) -> dict[str, object]:
    return {
        name: _portable(value) if value and name in _OBJECTS else value
        for name, value in body.items()
        if name not in _LEFT_OUT
    }


def read_item(uid: str, line: bytes) -> ArchivedItem:
    """Read a line; its metadata is read, as strictly as any save's, by the item's `command`.

    Raises:
        InvalidRequest: when it is no line of an export.
    """
    # An import takes room for its longest line before it reads the first one.
    record = parse_object(bytearray(line), lambda _: None)
    kind, item_id = record.get("kind"), record.get("id")
    if not isinstance(item_id, str) or not is_valid_id(item_id):
        raise InvalidRequest("The line has no id that an item can have.")
    if kind == "voice":
        files = _files(record, sample="sample", profile="profile", consent="consent.audio")
        if "sample" in files:
            return ArchivedVoice(item_id, files, lambda: _voice(uid, item_id, record))
    elif kind == "generation":
        files = _files(record, audio="audio")
        if "audio" in files:
            spoken_by = _spoken_by(record)
            return ArchivedSpeech(item_id, files, lambda: _speech(uid, record), spoken_by)
    raise InvalidRequest("The line describes neither a voice nor a generation with its files.")


def _voice(uid: str, voice_id: str, record: Mapping[str, Any]) -> SaveVoice:
    fields = _picked(record, "name", "template_message", "language", "description", "tags")
    fields |= _picked(record, "parameters", "runpod_job_id", "consent")
    consent = record.get("consent")
    if isinstance(consent, dict):
        fields["consent"] = _picked(consent, "statement", "granted_by")
    received = _received({**fields, "voice_id": voice_id})
    command = read_save_voice(uid, received, None, lenient=False)
    given = command.consent
    if given is not None and isinstance(consent, dict):
        given = replace(given, granted_at=_time(consent, "granted_at"))
    return replace(command, consent=given, origin=_origin(record))


def _speech(uid: str, record: Mapping[str, Any]) -> SaveSpeech:
    fields = _picked(record, "voice_id", "text", "language", "timestamp", "tags", "parameters")
    fields |= _picked(record, "runpod_job_id")
    fields["generation_time"] = record.get("generation_time_s")
    command = read_save_speech(uid, _received(fields), None, lenient=False)
    return replace(command, origin=_origin(record))


def _spoken_by(record: Mapping[str, Any]) -> SpokenBy:
    known = "voice_sample_sha256" in record
    voice_id, name, sha256 = (
        value if isinstance(value, str) else ""
        for value in (record.get(n) for n in ("voice_id", "voice_name", "voice_sample_sha256"))
    )
    return SpokenBy(voice_id, normal_name(name), sha256 or None, knows_sample=known)


def _picked(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: record[name] for name in names if name in record}


def _received(values: dict[str, Any]) -> Fields:
    """Return metadata as a request's fields.

    The audio that every save needs is only named there: the import puts the archive's in its
    place before it saves. So nothing is held for it here.
    """
    return Fields({**values, "audio_path": "in the archive"}, {}, Resources(Budget(0)))


def _origin(record: Mapping[str, Any]) -> Origin:
    favorite = record.get("favorite", False)
    if not isinstance(favorite, bool):
        raise InvalidRequest("favorite must be true or false.", details={"field": "favorite"})
    return Origin(_time(record, "created_at"), favorite)


def _time(record: Mapping[str, Any], name: str) -> datetime:
    value = record.get(name)
    try:
        time = datetime.fromisoformat(value if isinstance(value, str) else "")
        is_sound = time.tzinfo is not None and time.astimezone(UTC) >= _EARLIEST
    except (ValueError, OverflowError):
        is_sound = False
    if not is_sound:
        raise InvalidRequest(
            f"{name} must be a time such as 2026-01-31T12:00:00Z.", details={"field": name}
        )
    return time.astimezone(UTC)


def _files(record: Mapping[str, Any], **places: str) -> dict[str, ArchivedFile]:
    """Return the files by their roles; `places` say where the record describes each."""
    names = record.get("files")
    if not isinstance(names, dict):
        return {}
    return {
        role: _file(names[role], _at(record, place))
        for role, place in places.items()
        if role in names
    }


def _at(record: Mapping[str, Any], place: str) -> object:
    value: Any = record
    for name in place.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _file(name: object, facts: object) -> ArchivedFile:
    size_bytes = facts.get("size_bytes") if isinstance(facts, dict) else None
    sha256 = facts.get("sha256") if isinstance(facts, dict) else None
    if (
        not isinstance(name, str)
        or not isinstance(size_bytes, int)
        or not 0 < size_bytes <= _MAX_SIZE_BYTES
        or not isinstance(sha256, str)
        or _SHA256.fullmatch(sha256) is None
    ):
        raise InvalidRequest("The line does not say the name, length and digest of each file.")
    return ArchivedFile(name, size_bytes, sha256)
