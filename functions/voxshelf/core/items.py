"""The two things that the library keeps: voices, and speech generated with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from voxshelf.core.audio import Audio
from voxshelf.core.profile import Profile
from voxshelf.core.quality import Quality

# The values that a flat `parameters` object may hold.
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person behind a voice agreed to, as it was said when the voice was saved.

    `sha256` is over statement, name and audio; `audio_sha256` stays when a later version of
    the voice carries the consent on without the recording.
    """

    statement: str
    granted_by: str
    granted_at: datetime
    sha256: str
    audio_sha256: str | None
    audio: Audio | None


@dataclass(frozen=True, slots=True)
class Voice:
    """A cloned voice as its owner sees it. Times are aware UTC, set by the database.

    `version` counts edits and replacements. `created_at` is the owner's: an import keeps it.
    `saved_at` is when this library first had the voice: the database sets it when that is written,
    so what a save has made is the same as what is there, whatever it says.
    """

    voice_id: str
    name: str
    version: int
    language: str | None
    description: str | None
    tags: tuple[str, ...]
    favorite: bool
    template_message: str | None
    sample: Audio
    profile: Profile | None
    quality: Quality
    consent: Consent | None
    parameters: Mapping[str, Scalar]
    runpod_job_id: str | None
    source: str
    generation_count: int
    created_at: datetime
    updated_at: datetime
    saved_at: datetime = field(compare=False)

    @property
    def item_id(self) -> str:
        """Return the id of its document."""
        return self.voice_id

    @property
    def object_sizes(self) -> tuple[tuple[str, int], ...]:
        """Return path and length of each object that it owns."""
        objects = (self.sample, self.profile, self.consent.audio if self.consent else None)
        return tuple((stored.path, stored.size_bytes) for stored in objects if stored)

    @property
    def object_paths(self) -> tuple[str, ...]:
        """Return the paths of the objects that it owns."""
        return tuple(path for path, _ in self.object_sizes)

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the SHA-256 of its sample and, if it has one, of its profile."""
        return tuple(stored.sha256 for stored in (self.sample, self.profile) if stored)

    @property
    def size_bytes(self) -> int:
        """Return the bytes of its objects together."""
        return sum(size for _, size in self.object_sizes)

    @property
    def audio_ms(self) -> int:
        """Return how long its sample is."""
        return round(self.sample.duration_s * 1000)


@dataclass(frozen=True, slots=True)
class Generation:
    """One generated speech. `text` is the whole text, `timestamp` as the worker gave it.

    `version`, `created_at` and `saved_at` are as those of a voice.
    """

    generation_id: str
    version: int
    voice_id: str
    voice_name: str
    text: str | None
    language: str | None
    audio: Audio
    generation_time_s: float | None
    parameters: Mapping[str, Scalar]
    tags: tuple[str, ...]
    favorite: bool
    runpod_job_id: str | None
    timestamp: str
    created_at: datetime
    updated_at: datetime
    saved_at: datetime = field(compare=False)

    @property
    def item_id(self) -> str:
        """Return the id of its document."""
        return self.generation_id

    @property
    def object_sizes(self) -> tuple[tuple[str, int], ...]:
        """Return path and length of each object that it owns."""
        return ((self.audio.path, self.audio.size_bytes),)

    @property
    def object_paths(self) -> tuple[str, ...]:
        """Return the paths of the objects that it owns."""
        return (self.audio.path,)

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the SHA-256 of its audio."""
        return (self.audio.sha256,)

    @property
    def size_bytes(self) -> int:
        """Return the bytes of its objects together."""
        return self.audio.size_bytes

    @property
    def audio_ms(self) -> int:
        """Return how long its audio is."""
        return round(self.audio.duration_s * 1000)


def shown(generation: Generation, names: Mapping[str, str]) -> Generation:
    """Return a generation under the present name of its voice; `names` has those that changed."""
    name = names.get(generation.voice_id, generation.voice_name)
    return generation if name == generation.voice_name else replace(generation, voice_name=name)
