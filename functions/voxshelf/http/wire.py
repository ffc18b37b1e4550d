"""The JSON objects of the API, as types; docs/openapi.json is made from them.

`firebase_url`, `created_date`, `file_id` and their like repeat facts under the names that
frontends of this workflow read already (marked † in the contract).
"""

from typing import Any, Literal, TypedDict

Parameters = dict[str, str | int | float | bool | None]


class AudioBody(TypedDict):
    """A stored audio file: `peaks` are up to 200 values from 0 to 1."""

    path: str
    url: str
    content_type: str
    format: str
    size_bytes: int
    sha256: str
    duration_s: float
    sample_rate_hz: int
    channels: int
    peaks: list[float]


class ProfileBody(TypedDict):
    """A stored voice profile; only a trusted one is sent to a GPU worker."""

    path: str
    url: str
    size_bytes: int
    sha256: str
    dtype: str
    shape: list[int]
    pickled: bool
    trusted: bool


class QualityBody(TypedDict):
    """How fit a sample is for cloning; levels are null for digital silence."""

    grade: Literal["studio", "good", "ok", "poor"]
    reasons: list[str]
    peak_dbfs: float | None
    rms_dbfs: float | None
    clipped_ratio: float
    silence_ratio: float
    snr_db: float | None


class ConsentBody(TypedDict):
    """What the person behind the voice agreed to; `sha256` is over statement, name and audio."""

    statement: str
    granted_by: str
    granted_at: str
    sha256: str
    audio_sha256: str | None
    audio: AudioBody | None


class VoiceBody(TypedDict):
    """A cloned voice."""

    voice_id: str
    name: str
    version: int
    language: str | None
    description: str | None
    tags: list[str]
    favorite: bool
    template_message: str | None
    sample: AudioBody
    profile: ProfileBody | None
    quality: QualityBody
    consent: ConsentBody | None
    parameters: Parameters
    runpod_job_id: str | None
    source: str
    generation_count: int
    created_at: str
    updated_at: str
    created_date: float
    sample_file: str
    profile_file: str | None
    has_profile: bool
    firebase_url: str


class GenerationBody(TypedDict):
    """One generated speech."""

    generation_id: str
    file_id: str
    version: int
    voice_id: str
    voice_name: str
    text: str | None
    text_input: str | None
    language: str | None
    audio: AudioBody
    generation_time_s: float | None
    parameters: Parameters
    tags: list[str]
    favorite: bool
    runpod_job_id: str | None
    created_at: str
    updated_at: str
    created_date: float
    timestamp: str
    file_path: str
    file_size: int
    firebase_url: str


class SpeechMetadata(TypedDict):
    """What was spoken and measured; `mismatches` names facts that the client had wrong."""

    voice_id: str
    voice_name: str
    text_input: str | None
    generation_time: float | None
    sample_rate: int
    audio_shape: list[int]
    timestamp: str
    duration_s: float
    mismatches: list[str]


class WarningBody(TypedDict):
    """A side note that was not kept as it was sent; the save holds all the rest.

    Or what a save has ended: a deleted voice in whose place the new one is.
    """

    field: str
    message: str


class VoiceSaved(TypedDict):
    """The answer to a saved voice.

    `replayed` tells that the same was saved before. By an Idempotency-Key the first answer comes
    again, which says so in a header alone.
    """

    status: Literal["success"]
    message: str
    voice_id: str
    firebase_url: str
    saved_files: list[str]
    voice: VoiceBody
    replayed: bool
    warnings: list[WarningBody]


class SpeechSaved(TypedDict):
    """The answer to a saved speech; for `replayed` see `VoiceSaved`."""

    status: Literal["success"]
    message: str
    voice_id: str
    generation_id: str
    firebase_url: str
    file_size_bytes: int
    file_size_mb: float
    metadata: SpeechMetadata
    generation: GenerationBody
    replayed: bool
    warnings: list[WarningBody]


class VoiceList(TypedDict):
    """A page of voices; `total_voices` is null where filters are set and nobody asked."""

    status: Literal["success"]
    voices: list[VoiceBody]
    total_voices: int | None
    has_more: bool
    next_page_token: str | None


class GenerationList(TypedDict):
    """A page of generations; for the total see `VoiceList`."""

    status: Literal["success"]
    generations: list[GenerationBody]
    total_generations: int | None
    has_more: bool
    next_page_token: str | None


class VoiceAnswer(TypedDict):
    """One voice."""

    status: Literal["success"]
    voice: VoiceBody


class GenerationAnswer(TypedDict):
    """One generation."""

    status: Literal["success"]
    generation: GenerationBody


class Health(TypedDict):
    """Liveness and version."""

    status: Literal["success"]
    service: str
    version: str


class ErrorBody(TypedDict):
    """Every failure: `code` is for programs and stays, `message` is for people."""

    status: Literal["error"]
    code: str
    message: str
    details: dict[str, Any]
    request_id: str
