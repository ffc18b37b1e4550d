"""Save a cloned voice: its sample, its profile if it has one, and its metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from voxshelf.core.account import Limits
from voxshelf.core.audio import SAMPLE_LIMITS, Audio, AudioFacts
from voxshelf.core.content import Content, NewObject
from voxshelf.core.errors import InvalidAudio
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.items import Generation, Scalar, Voice
from voxshelf.core.names import ObjectNames, Stamp
from voxshelf.core.profile import (
    HEAD_BYTES,
    PROFILE_CONTENT_TYPE,
    Profile,
    ProfileFacts,
    inspect_profile,
)
from voxshelf.core.quality import grade, is_silent
from voxshelf.core.reservation import Attempt, decide_voice
from voxshelf.use_cases.ports import AudioInspector, Library, ObjectStore
from voxshelf.use_cases.shelving import Order, new_lease, new_token, request_key, shelve


@dataclass(frozen=True, slots=True)
class SaveVoice:
    """The command: what the owner said, and the bytes."""

    uid: str
    voice_id: str
    name: str
    sample: Content
    profile: Content | None = None
    template_message: str | None = None
    language: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    consent: Mapping[str, Scalar] | None = None
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    runpod_job_id: str | None = None
    replace: bool = False
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class SavedVoice:
    """The voice in the library; `replayed` when an earlier request put it there."""

    voice: Voice
    replayed: bool


def save_voice(
    command: SaveVoice,
    *,
    library: Library,
    objects: ObjectStore,
    inspect_audio: AudioInspector,
    limits: Limits,
) -> SavedVoice:
    """Validate, then store the voice, or return what an earlier request stored.

    Raises:
        UnsupportedMediaType, InvalidAudio, InvalidProfile: nothing was touched.
        VoiceExists, InProgress, IdempotencyConflict, QuotaExceeded, Unavailable: see
            `shelve`.
    """
    facts = inspect_audio(command.sample, SAMPLE_LIMITS)
    if is_silent(facts.loudness):
        raise InvalidAudio("The voice sample is silent: check the microphone and record it again.")
    profile_facts = _inspected(command.profile)

    def draft(stamp: Stamp, now: datetime, replaced: Voice | None) -> Voice:
        return _voice(command, facts, profile_facts, stamp, now, replaced)

    def new_objects(voice: Voice | Generation) -> Sequence[NewObject]:
        assert isinstance(voice, Voice)
        return _objects(voice, command)

    attempt = Attempt(draft, _fingerprint(command), new_lease(), limits)
    order = Order(
        uid=command.uid,
        voice_id=command.voice_id,
        request_key=request_key("voice", command.idempotency_key),
        decide=lambda shelf: decide_voice(shelf, attempt, replace=command.replace),
        objects=new_objects,
    )
    saved = shelve(order, library, objects)
    assert isinstance(saved.item, Voice)
    return SavedVoice(saved.item, saved.replayed)


def _inspected(profile: Content | None) -> ProfileFacts | None:
    if profile is None:
        return None
    return inspect_profile(profile.rewound().read(HEAD_BYTES), profile.size_bytes)


def _voice(
    command: SaveVoice,
    facts: AudioFacts,
    profile_facts: ProfileFacts | None,
    stamp: Stamp,
    now: datetime,
    replaced: Voice | None,
) -> Voice:
    names = ObjectNames(command.uid, command.voice_id, stamp)
    return Voice(
        voice_id=command.voice_id,
        name=command.name,
        version=replaced.version + 1 if replaced else 1,
        language=command.language,
        description=command.description,
        tags=command.tags,
        favorite=replaced.favorite if replaced else False,
        template_message=command.template_message,
        sample=Audio.stored(facts, path=names.sample(facts.format.extension), token=new_token()),
        profile=_profile(
            command.profile, profile_facts, names.profile(first_version=replaced is None)
        ),
        quality=grade(facts),
        consent=command.consent,
        parameters=command.parameters,
        runpod_job_id=command.runpod_job_id,
        source="runpod" if command.runpod_job_id else "upload",
        generation_count=replaced.generation_count if replaced else 0,
        created_at=replaced.created_at if replaced else now,
        updated_at=now,
    )


def _profile(content: Content | None, facts: ProfileFacts | None, path: str) -> Profile | None:
    if content is None or facts is None:
        return None
    return Profile(
        path=path,
        token=new_token(),
        size_bytes=content.size_bytes,
        sha256=content.sha256,
        dtype=facts.dtype,
        shape=facts.shape,
        pickled=facts.pickled,
        # A pickle runs code where it is loaded; until a job of ours is known to have made
        # it (hardening, section 2), none may reach a GPU worker.
        trusted=not facts.pickled,
    )


def _objects(voice: Voice, command: SaveVoice) -> list[NewObject]:
    sample = voice.sample
    objects = [NewObject(sample.path, command.sample, sample.content_type, "inline", sample.token)]
    if voice.profile is not None and command.profile is not None:
        path, token = voice.profile.path, voice.profile.token
        profile = NewObject(path, command.profile, PROFILE_CONTENT_TYPE, "attachment", token)
        objects.append(profile)
    return objects


def _fingerprint(command: SaveVoice) -> str:
    return fingerprint(
        {
            "voice_id": command.voice_id,
            "name": command.name,
            "sample": command.sample.sha256,
            "profile": command.profile.sha256 if command.profile else None,
            "template_message": command.template_message,
            "language": command.language,
            "description": command.description,
            "tags": command.tags,
            "consent": command.consent,
            "parameters": command.parameters,
            "runpod_job_id": command.runpod_job_id,
        }
    )
