"""A voice that has been validated and is not yet in the library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from voxshelf.core.account import Policy
from voxshelf.core.audio import SAMPLE_LIMITS, SPEECH_LIMITS, Audio, AudioFacts
from voxshelf.core.content import Content, NewObject, Source
from voxshelf.core.errors import InvalidAudio
from voxshelf.core.file_names import consent_name, disposition, profile_name, sample_name
from voxshelf.core.importing import Origin
from voxshelf.core.items import Consent, Generation, Scalar, Voice
from voxshelf.core.names import ObjectNames
from voxshelf.core.naming import WantedVoice
from voxshelf.core.profile import (
    HEAD_BYTES,
    PROFILE_CONTENT_TYPE,
    Profile,
    ProfileFacts,
    inspect_profile,
)
from voxshelf.core.quality import grade, is_silent
from voxshelf.core.reservation import Slot
from voxshelf.core.voice_content import ConsentContent, VoiceContent
from voxshelf.use_cases.ports import AudioInspector
from voxshelf.use_cases.shelving import new_token
from voxshelf.use_cases.sources import Sources


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The consent that comes with a voice; `audio` is the person saying so.

    `granted_at` is when it was given, where that is not now: an import brings it along.
    """

    statement: str
    granted_by: str
    audio: Content | None
    granted_at: datetime | None = None

    @property
    def content(self) -> ConsentContent:
        """Return what is said."""
        audio_sha256 = self.audio.sha256 if self.audio else None
        return ConsentContent(self.statement, self.granted_by, audio_sha256)


@dataclass(frozen=True, slots=True)
class SaveVoice:
    """The command: what the owner said, and the bytes.

    `voice_id` is the address that it would get, `is_own_id` whether the owner chose that.
    `origin` is what an import brings along. `profile_from_job` tells that a job of this
    deployment has returned the profile.
    """

    uid: str
    voice_id: str
    name: str
    sample: Source
    profile: Source | None = None
    template_message: str | None = None
    language: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    consent: ConsentGiven | None = None
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    runpod_job_id: str | None = None
    replace: bool = False
    idempotency_key: str | None = None
    origin: Origin | None = None
    profile_from_job: bool = False
    is_own_id: bool = False

    @property
    def wanted(self) -> WantedVoice:
        """Return what is said of the voice's place."""
        return WantedVoice(self.name, self.voice_id, self.is_own_id, self.replace)

    def content(self, sources: Sources) -> VoiceContent | None:
        """Return what is said and brought; None while an upload is unread."""
        sample, consent = sources.sha256(self.sample), self.consent
        if sample is None or not sources.are_read:
            return None
        return VoiceContent(
            name=self.name,
            sample_sha256=sample,
            profile_sha256=sources.sha256(self.profile),
            template_message=self.template_message,
            language=self.language,
            description=self.description,
            tags=self.tags,
            consent=None if consent is None else consent.content,
            parameters=self.parameters,
            runpod_job_id=self.runpod_job_id,
        )


@dataclass(frozen=True, slots=True)
class VoiceDraft:
    """A command with its bytes at hand and measured."""

    command: SaveVoice
    policy: Policy
    sample: Content
    sample_facts: AudioFacts
    profile: Content | None
    profile_facts: ProfileFacts | None
    consent_facts: AudioFacts | None

    def voice(self, slot: Slot) -> Voice:
        """Return the voice as it will stand in its place."""
        command, facts = self.command, self.sample_facts
        names = ObjectNames(command.uid, slot.voice_id, slot.stamp)
        replaced = slot.replaces if isinstance(slot.replaces, Voice) else None
        # One in the place of a deleted one is new, but goes on counting the generations there.
        earlier = replaced or (slot.deleted if isinstance(slot.deleted, Voice) else None)
        origin = command.origin or Origin(slot.now, favorite=False)
        return Voice(
            voice_id=slot.voice_id,
            name=command.name,
            version=earlier.version + 1 if earlier else 1,
            language=command.language,
            description=command.description,
            tags=command.tags,
            favorite=replaced.favorite if replaced else origin.favorite,
            template_message=command.template_message,
            sample=Audio.stored(
                facts, path=names.sample(facts.format.extension), token=new_token(self.policy)
            ),
            profile=self._profile(names.profile(first_version=slot.fresh)),
            quality=grade(facts),
            consent=self._consent(slot, names, replaced),
            parameters=command.parameters,
            runpod_job_id=command.runpod_job_id,
            source="runpod" if command.runpod_job_id else "upload",
            generation_count=earlier.generation_count if earlier else 0,
            # Nothing was made after it was brought here, whatever another clock said.
            created_at=replaced.created_at if replaced else min(origin.created_at, slot.now),
            updated_at=slot.now,
            saved_at=earlier.saved_at if earlier else slot.now,
        )

    def _profile(self, path: str) -> Profile | None:
        content, facts = self.profile, self.profile_facts
        if content is None or facts is None:
            return None
        return Profile(
            path=path,
            token=new_token(self.policy),
            size_bytes=content.size_bytes,
            sha256=content.sha256,
            dtype=facts.dtype,
            shape=facts.shape,
            pickled=facts.pickled,
            # A pickle runs code where it is loaded: only one that a job of ours has made may
            # reach a GPU worker (hardening, section 2).
            trusted=self.command.profile_from_job or not facts.pickled,
        )

    def _consent(self, slot: Slot, names: ObjectNames, replaced: Voice | None) -> Consent | None:
        given, facts = self.command.consent, self.consent_facts
        if given is None:
            # A new version of a voice is the same person: the consent goes on, its recording
            # goes with the version that it came with.
            earlier = replaced.consent if replaced else None
            return replace(earlier, audio=None) if earlier else None
        audio = None
        if facts is not None:
            path = names.consent(facts.format.extension)
            audio = Audio.stored(facts, path=path, token=new_token(self.policy))
        audio_sha256 = given.audio.sha256 if given.audio else None
        said = f"{given.statement}\0{given.granted_by}\0{audio_sha256 or ''}"
        return Consent(
            statement=given.statement,
            granted_by=given.granted_by,
            granted_at=min(given.granted_at or slot.now, slot.now),
            sha256=sha256(said.encode()).hexdigest(),
            audio_sha256=audio_sha256,
            audio=audio,
        )

    def new_objects(self, voice: Voice | Generation) -> Sequence[NewObject]:
        """Return the objects to be written for the voice that was drafted."""
        assert isinstance(voice, Voice)
        objects = [_audio_object(voice.sample, self.sample, sample_name(voice))]
        if voice.profile is not None and self.profile is not None:
            path, token = voice.profile.path, voice.profile.token
            kept_as = disposition("attachment", profile_name(voice))
            objects.append(NewObject(path, self.profile, PROFILE_CONTENT_TYPE, kept_as, token))
        given = self.command.consent
        if voice.consent and voice.consent.audio and given and given.audio:
            recording = voice.consent.audio
            name = consent_name(voice, recording.format)
            objects.append(_audio_object(recording, given.audio, name))
        return objects


def inspected(
    command: SaveVoice, policy: Policy, sources: Sources, inspect_audio: AudioInspector
) -> VoiceDraft:
    """Fetch and measure everything that a command brings.

    Raises:
        NotFound: an upload has gone.
        UnsupportedMediaType, InvalidAudio, InvalidProfile.
    """
    sample = sources.content(command.sample)
    facts = inspect_audio(sample, SAMPLE_LIMITS, command.uid)
    if is_silent(facts.loudness):
        raise InvalidAudio("The voice sample is silent: check the microphone and record it again.")
    profile, profile_facts = None, None
    if command.profile is not None:
        profile = sources.content(command.profile)
        profile_facts = inspect_profile(profile.rewound().read(HEAD_BYTES), profile.size_bytes)
    spoken = command.consent.audio if command.consent else None
    consent_facts = inspect_audio(spoken, SPEECH_LIMITS, command.uid) if spoken else None
    return VoiceDraft(command, policy, sample, facts, profile, profile_facts, consent_facts)


def _audio_object(audio: Audio, content: Content, name: str) -> NewObject:
    kept_as = disposition("inline", name)
    return NewObject(audio.path, content, audio.content_type, kept_as, audio.token)
