"""The two things that the library keeps: voices, and speech generated with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.audio import Audio
from voxshelf.core.profile import Profile
from voxshelf.core.quality import Quality

# The values that a flat `parameters` object may hold.
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Voice:
    """A cloned voice as its owner sees it. Times are aware UTC, set by the database."""

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
    consent: Mapping[str, Scalar] | None
    parameters: Mapping[str, Scalar]
    runpod_job_id: str | None
    source: str
    generation_count: int
    created_at: datetime
    updated_at: datetime

    @property
    def item_id(self) -> str:
        """Return the id of its document."""
        return self.voice_id

    @property
    def object_paths(self) -> tuple[str, ...]:
        """Return the paths of the objects that it owns."""
        return (self.sample.path,) + ((self.profile.path,) if self.profile else ())

    @property
    def size_bytes(self) -> int:
        """Return the bytes of its objects together."""
        return self.sample.size_bytes + (self.profile.size_bytes if self.profile else 0)


@dataclass(frozen=True, slots=True)
class Generation:
    """One generated speech. `text` is the whole text, `timestamp` as the worker gave it."""

    generation_id: str
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

    @property
    def item_id(self) -> str:
        """Return the id of its document."""
        return self.generation_id

    @property
    def object_paths(self) -> tuple[str, ...]:
        """Return the paths of the objects that it owns."""
        return (self.audio.path,)

    @property
    def size_bytes(self) -> int:
        """Return the bytes of its objects together."""
        return self.audio.size_bytes
