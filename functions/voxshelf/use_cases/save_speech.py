"""Save one generated speech of a voice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from voxshelf.core.account import Policy
from voxshelf.core.audio import SPEECH_LIMITS, Audio, AudioFacts
from voxshelf.core.content import Content, NewObject, Source
from voxshelf.core.errors import NotFound
from voxshelf.core.file_names import disposition, speech_name
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.importing import Origin, OtherResult, decide_imported, decide_of_job
from voxshelf.core.items import Generation, Scalar, Voice
from voxshelf.core.names import ObjectNames, Stamp, generation_id_of_job
from voxshelf.core.repeating import content_key, decide_repeatable
from voxshelf.core.reservation import Attempt, Decision, Slot, decide_generation
from voxshelf.core.shelf import Shelf
from voxshelf.use_cases.ports import AudioInspector, Library, ObjectStore
from voxshelf.use_cases.shelving import (
    Order,
    new_lease,
    new_token,
    replayed,
    request_key,
    shelve,
)
from voxshelf.use_cases.uploads import identity, received, remove_uploads


@dataclass(frozen=True, slots=True)
class SaveSpeech:
    """The command: what was spoken with which voice, and the audio.

    `declared_rate_hz` and `declared_shape` are what the worker said of the audio. They are
    checked against it, and the audio wins. `origin` is what an import brings along. `again` asks
    for a generation of its own, although the same was saved a moment ago. `apart` tells that its
    job's generation is there with other audio: some workers number their jobs from one again.
    """

    uid: str
    voice_id: str
    audio: Source
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
    origin: Origin | None = None
    again: bool = False
    apart: bool = False

    @property
    def is_repeatable(self) -> bool:
        """Tell whether nothing but the content tells the same save from another one."""
        named = self.idempotency_key or self.origin or self.names_its_generation
        return not (named or self.again)

    @property
    def names_its_generation(self) -> bool:
        """Tell whether it is the one generation of a job on RunPod."""
        return self.origin is None and self.runpod_job_id is not None and not self.apart


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
    policy: Policy,
) -> SavedSpeech:
    """Validate, then store the speech, or return what an earlier request stored.

    Raises:
        UnsupportedMediaType, InvalidAudio: nothing was touched.
        NotFound: there is no such voice, or upload.
        InProgress, IdempotencyConflict, QuotaExceeded, Unavailable: see `shelve`.
        IdTaken: the id that an import brings is another item's.
    """
    key = _key(command, command.audio)
    digest = _fingerprint(command)
    generation_id, _ = _place(command)
    # The round trip passes while the audio is decoded.
    glance = library.glance(command.uid, command.voice_id, key, generation_id=generation_id)
    try:
        audio = received(command.audio, command.uid, objects)
    except NotFound:
        # An upload that is gone was taken over by an earlier request, or never was there.
        item = replayed(command.uid, command.voice_id, key, digest, library, policy)
        assert isinstance(item, Generation)
        return SavedSpeech(item, replayed=True, mismatches=())
    facts = inspect_audio(audio, SPEECH_LIMITS, command.uid)
    known_key, key = key, _key(command, audio)
    _, decide = _place(command, audio.sha256)

    def draft(slot: Slot) -> Generation:
        return _generation(command, facts, slot, new_token(policy))

    def new_objects(item: Generation | Voice) -> Sequence[NewObject]:
        assert isinstance(item, Generation)
        stored = item.audio
        kept_as = disposition("inline", speech_name(item))
        return [NewObject(stored.path, audio, stored.content_type, kept_as, stored.token)]

    attempt = Attempt(draft, digest, new_lease(), key, policy, command.runpod_job_id)
    order = Order(
        uid=command.uid,
        voice_id=command.voice_id,
        request_key=key,
        decide=lambda shelf: decide(shelf, attempt),
        objects=new_objects,
        generation_id=generation_id,
        # What was read by then was read without the key of an upload's content.
        glance=glance if key == known_key else None,
    )
    try:
        saved = shelve(order, library, objects)
    except OtherResult:
        return save_speech(
            replace(command, audio=audio, apart=True),
            library=library,
            objects=objects,
            inspect_audio=inspect_audio,
            policy=policy,
        )
    remove_uploads([command.audio], objects)
    assert isinstance(saved.item, Generation)
    return SavedSpeech(saved.item, saved.replayed, _mismatches(command, facts))


def _key(command: SaveSpeech, audio: Source) -> str | None:
    """Return the id of the save's request record; that of an upload is known by its bytes."""
    if not command.is_repeatable:
        return request_key("speech", command.idempotency_key)
    if isinstance(audio, Content):
        return content_key(command.voice_id, audio.sha256, command.text)
    return None


def _place(
    command: SaveSpeech, audio_sha256: str = ""
) -> tuple[str | None, Callable[[Shelf, Attempt], Decision]]:
    """Return the id that the generation must have, if any, and how the save is decided."""
    if command.origin is not None and command.origin.generation_id is not None:
        return command.origin.generation_id, decide_imported
    if command.runpod_job_id is not None and command.names_its_generation:
        generation_id = generation_id_of_job(command.voice_id, command.runpod_job_id)
        return generation_id, partial(decide_of_job, audio_sha256=audio_sha256)
    return None, decide_repeatable if command.is_repeatable else decide_generation


def _generation(command: SaveSpeech, facts: AudioFacts, slot: Slot, token: str) -> Generation:
    voice = slot.voice
    assert voice is not None  # decide_generation refuses without
    names = ObjectNames(command.uid, command.voice_id, slot.stamp)
    path = names.generation(facts.format.extension)
    origin = command.origin or Origin(slot.now, favorite=False)
    generation_id, _ = _place(command)
    return Generation(
        generation_id=generation_id or names.generation_id,
        version=1,
        voice_id=voice.voice_id,
        voice_name=voice.name,
        text=command.text,
        language=command.language if command.origin else command.language or voice.language,
        audio=Audio.stored(facts, path=path, token=token),
        generation_time_s=command.generation_time_s,
        parameters=command.parameters,
        tags=command.tags,
        favorite=origin.favorite,
        runpod_job_id=command.runpod_job_id,
        timestamp=command.timestamp or str(Stamp(slot.stamp.second)),
        # Nothing was made after it was brought here, whatever another clock said.
        created_at=min(origin.created_at, slot.now),
        updated_at=slot.now,
        saved_at=slot.now,
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
            "audio": identity(command.audio),
            "text": command.text,
            "language": command.language,
            "generation_time_s": command.generation_time_s,
            "timestamp": command.timestamp,
            "parameters": command.parameters,
            "tags": command.tags,
            "runpod_job_id": command.runpod_job_id,
        }
    )
