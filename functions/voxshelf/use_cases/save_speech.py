"""Save one generated speech of a voice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from voxshelf.core.account import Amount, Policy
from voxshelf.core.audio import SPEECH_LIMITS, Audio, AudioFacts
from voxshelf.core.content import NewObject, Source
from voxshelf.core.file_names import disposition, speech_name
from voxshelf.core.fingerprint import fingerprint
from voxshelf.core.importing import Origin, OtherResult, decide_imported, decide_of_job
from voxshelf.core.items import Generation, Scalar, Voice
from voxshelf.core.names import ObjectNames, Stamp, generation_id_of_job
from voxshelf.core.repeating import content_key, decide_repeatable
from voxshelf.core.reservation import Attempt, Decision, Slot, decide_generation
from voxshelf.core.shelf import Shelf
from voxshelf.use_cases.ports import AudioInspector, Library, ObjectStore
from voxshelf.use_cases.refusals import counting_refusals
from voxshelf.use_cases.shelving import (
    Order,
    Shelved,
    look,
    new_lease,
    new_token,
    request_key,
    shelve,
)
from voxshelf.use_cases.sources import Sources, saved_from
from voxshelf.use_cases.upload_ports import UploadSlots


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
    uploads: UploadSlots,
    inspect_audio: AudioInspector,
    policy: Policy,
) -> SavedSpeech:
    """Validate, then store the speech, or return what an earlier request stored.

    What the library alone tells is told before anything is fetched or decoded.

    Raises:
        UnsupportedMediaType, InvalidAudio: nothing was touched.
        NotFound, PayloadTooLarge: there is no such voice or upload, or it is too large.
        InProgress, IdempotencyConflict, QuotaExceeded, RateLimited, Unavailable: see `shelve`.
        PermissionDenied: when the consent to the voice was withdrawn.
        IdTaken: the id that an import brings is another item's.
    """

    def save(sources: Sources) -> Shelved:
        saving = _Saving(command, sources, library, objects, inspect_audio, policy)
        try:
            return saving.run()
        except OtherResult:
            return replace(saving, command=replace(command, apart=True)).run()

    saved = saved_from(command.uid, [command.audio], objects, uploads, save)
    assert isinstance(saved.item, Generation)
    return SavedSpeech(saved.item, saved.replayed, _mismatches(command, saved.item.audio))


@dataclass(frozen=True, slots=True)
class _Saving:
    command: SaveSpeech
    sources: Sources
    library: Library
    objects: ObjectStore
    inspect_audio: AudioInspector
    policy: Policy

    def run(self) -> Shelved:
        command = self.command
        order = Order(
            uid=command.uid,
            voice_id=command.voice_id,
            request_key=self._key(),
            decide=self._deciding(),
            generation_id=self._place()[0],
        )
        seen = look(order, self.library)
        with counting_refusals(command.uid, self.library, counts=command.origin is None):
            if isinstance(seen, Order) and not self.sources.are_read:
                self.sources.read()
                seen = look(self._known(seen), self.library)
            if isinstance(seen, Shelved):
                return seen
            audio = self.sources.content(command.audio)
            facts = self.inspect_audio(audio, SPEECH_LIMITS, command.uid)

        def draft(slot: Slot) -> Generation:
            return _generation(command, self._place()[0], facts, slot, new_token(self.policy))

        def new_objects(item: Generation | Voice) -> Sequence[NewObject]:
            assert isinstance(item, Generation)
            stored = item.audio
            kept_as = disposition("inline", speech_name(item))
            return [NewObject(stored.path, audio, stored.content_type, kept_as, stored.token)]

        drafted = replace(seen, decide=self._deciding(draft), objects=new_objects)
        return shelve(drafted, self.library, self.objects)

    def _known(self, order: Order) -> Order:
        """Return the order for audio that has been read: its content may be its key."""
        key = self._key()
        # What was read by then was read without the key of an upload's content.
        glance = order.glance if key == order.request_key else None
        return replace(order, request_key=key, decide=self._deciding(), glance=glance)

    def _key(self) -> str | None:
        """Return the id of the save's request record; None while that depends on unread audio."""
        command, sha256 = self.command, self.sources.sha256(self.command.audio)
        if not command.is_repeatable:
            return request_key("speech", command.idempotency_key)
        return content_key(command.voice_id, sha256, command.text) if sha256 else None

    def _place(self) -> tuple[str | None, Callable[[Shelf, Attempt], Decision]]:
        """Return the id that the generation must have, if any, and how the save is decided."""
        command = self.command
        if command.origin is not None and command.origin.generation_id is not None:
            return command.origin.generation_id, decide_imported
        if command.runpod_job_id is not None and command.names_its_generation:
            generation_id = generation_id_of_job(command.voice_id, command.runpod_job_id)
            sha256 = self.sources.sha256(command.audio)
            return generation_id, partial(decide_of_job, audio_sha256=sha256)
        return None, decide_repeatable if command.is_repeatable else decide_generation

    def _deciding(
        self, draft: Callable[[Slot], Generation] | None = None
    ) -> Callable[[Shelf], Decision]:
        command, sources = self.command, self.sources
        sha256 = sources.sha256(command.audio)

        def is_same(item: Generation | Voice) -> bool:
            return isinstance(item, Generation) and (item.audio.sha256, item.text) == (
                sha256,
                command.text,
            )

        attempt = Attempt(
            draft=draft,
            fingerprint=sha256 and _fingerprint(command, sha256),
            lease=new_lease(),
            request_key=self._key(),
            policy=self.policy,
            runpod_job_id=command.runpod_job_id,
            is_same=is_same,
            adds=Amount(0, 1, sources.size_bytes(command.audio)),
        )
        decide = self._place()[1]
        return lambda shelf: decide(shelf, attempt)


def _generation(
    command: SaveSpeech, generation_id: str | None, facts: AudioFacts, slot: Slot, token: str
) -> Generation:
    voice = slot.voice
    assert voice is not None  # decide_generation refuses without
    names = ObjectNames(command.uid, command.voice_id, slot.stamp)
    path = names.generation(facts.format.extension)
    origin = command.origin or Origin(slot.now, favorite=False)
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


def _mismatches(command: SaveSpeech, audio: Audio) -> tuple[str, ...]:
    found = []
    if command.declared_rate_hz not in (None, audio.sample_rate_hz):
        found.append("sample_rate")
    if command.declared_shape is not None and not _same_shape(command.declared_shape, audio):
        found.append("audio_shape")
    return tuple(found)


def _same_shape(declared: tuple[int, ...], audio: Audio) -> bool:
    """Tell whether a worker's tensor shape holds just these frames and channels, in any order."""
    frames = round(audio.duration_s * audio.sample_rate_hz)
    sizes = sorted(size for size in declared if size != 1)
    return sizes == sorted(size for size in (frames, audio.channels) if size != 1)


def _fingerprint(command: SaveSpeech, audio_sha256: str) -> str:
    return fingerprint(
        {
            "voice_id": command.voice_id,
            "audio": audio_sha256,
            "text": command.text,
            "language": command.language,
            "generation_time_s": command.generation_time_s,
            "timestamp": command.timestamp,
            "parameters": command.parameters,
            "tags": command.tags,
            "runpod_job_id": command.runpod_job_id,
        }
    )
