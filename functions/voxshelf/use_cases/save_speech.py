"""Save one generated speech of a voice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from voxshelf.core.account import Limits
from voxshelf.core.audio import SPEECH_LIMITS, Audio, AudioFacts
from voxshelf.core.content import Content, NewObject
from voxshelf.core.errors import NotFound
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.items import Generation, Scalar, Voice
from voxshelf.core.names import ObjectNames, Stamp
from voxshelf.core.reservation import Attempt, decide_generation
from voxshelf.use_cases.ports import AudioInspector, Library, ObjectStore
from voxshelf.use_cases.shelving import Order, new_lease, new_token, request_key, shelve


@dataclass(frozen=True, slots=True)
class SaveSpeech:
    """The command: what was spoken with which voice, and the audio.

    `declared_rate_hz` and `declared_shape` are what the worker said of the audio. They are
    checked against it, and the audio wins.
    """

    uid: str
    voice_id: str
    audio: Content
    text: str | None = None
    language: str | None = None
    generation_time_s: float | None = None
    declared_rate_hz: int | None = None
    declared_shape: tuple[int, ...] | None = None
    timestamp: str | None = None
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    runpod_job_id: str | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class SavedSpeech:
    """The generation in the library; `replayed` when an earlier request put it there.

    `mismatches` names what the worker declared otherwise than the audio is.
    """

    generation: Generation
    replayed: bool
    mismatches: tuple[str, ...]


def save_speech(
    command: SaveSpeech,
    *,
    library: Library,
    objects: ObjectStore,
    inspect_audio: AudioInspector,
    limits: Limits,
) -> SavedSpeech:
    """Validate, then store the speech, or return what an earlier request stored.

    Raises:
        UnsupportedMediaType, InvalidAudio: nothing was touched.
        NotFound: there is no such voice.
        InProgress, IdempotencyConflict, QuotaExceeded, Unavailable: see `shelve`.
    """
    facts = inspect_audio(command.audio, SPEECH_LIMITS)

    def draft(stamp: Stamp, now: datetime, voice: Voice | None) -> Generation:
        if voice is None:
            raise NotFound("There is no such voice. Save the voice first.")
        return _generation(command, facts, stamp, now, voice)

    def new_objects(item: Generation | Voice) -> Sequence[NewObject]:
        assert isinstance(item, Generation)
        audio = item.audio
        return [NewObject(audio.path, command.audio, audio.content_type, "inline", audio.token)]

    attempt = Attempt(draft, _fingerprint(command), new_lease(), limits)
    order = Order(
        uid=command.uid,
        voice_id=command.voice_id,
        request_key=request_key("speech", command.idempotency_key),
        decide=lambda shelf: decide_generation(shelf, attempt),
        objects=new_objects,
    )
    saved = shelve(order, library, objects)
    assert isinstance(saved.item, Generation)
    return SavedSpeech(saved.item, saved.replayed, _mismatches(command, facts))


def _generation(
    command: SaveSpeech, facts: AudioFacts, stamp: Stamp, now: datetime, voice: Voice
) -> Generation:
    names = ObjectNames(command.uid, command.voice_id, stamp)
    path = names.generation(facts.format.extension)
    return Generation(
        generation_id=names.generation_id,
        voice_id=voice.voice_id,
        voice_name=voice.name,
        text=command.text,
        language=command.language or voice.language,
        audio=Audio.stored(facts, path=path, token=new_token()),
        generation_time_s=command.generation_time_s,
        parameters=command.parameters,
        tags=command.tags,
        favorite=False,
        runpod_job_id=command.runpod_job_id,
        timestamp=command.timestamp or str(Stamp(stamp.second)),
        created_at=now,
        updated_at=now,
    )


def _mismatches(command: SaveSpeech, facts: AudioFacts) -> tuple[str, ...]:
    found = []
    if command.declared_rate_hz not in (None, facts.sample_rate_hz):
        found.append("sample_rate")
    if command.declared_shape is not None and not _same_shape(command.declared_shape, facts):
        found.append("audio_shape")
    return tuple(found)


def _same_shape(declared: tuple[int, ...], facts: AudioFacts) -> bool:
    """Tell whether a worker's tensor shape holds just these frames and channels, in any order."""
    sizes = sorted(size for size in declared if size != 1)
    return sizes == sorted(size for size in (facts.frames, facts.channels) if size != 1)


def _fingerprint(command: SaveSpeech) -> str:
    return fingerprint(
        {
            "voice_id": command.voice_id,
            "audio": command.audio.sha256,
            "text": command.text,
            "language": command.language,
            "generation_time_s": command.generation_time_s,
            "timestamp": command.timestamp,
            "parameters": command.parameters,
            "tags": command.tags,
            "runpod_job_id": command.runpod_job_id,
        }
    )
