"""Records as the JSON objects of the API."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxshelf.core.audio import Audio
    from voxshelf.core.items import Consent, Generation, Voice
    from voxshelf.core.profile import Profile
    from voxshelf.core.quality import Quality
    from voxshelf.http.body import Fields
    from voxshelf.http.ports import ObjectUrls
    from voxshelf.http.wire import (
        AudioBody,
        ConsentBody,
        GenerationBody,
        ProfileBody,
        QualityBody,
        VoiceBody,
        WarningBody,
    )

# The text itself, and four times its JSON.
_LETTER_TIMES = 1 + 4 * 2
# A page of 25 shows 5,000 peaks: looking them up takes a thirtieth of rounding them.
_PEAKS = tuple(round(level / 255, 3) for level in range(256))

_ENDS_DELETED: "WarningBody" = {
    "field": "voice_id",
    "message": "A deleted voice had this id. It cannot be restored any more: this has its place.",
}


def time_text(time: datetime) -> str:
    """Return a time as RFC 3339 in UTC, to the microsecond."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def shown_bytes(items: "Iterable[Voice | Generation]") -> int:
    """Return what a list of items holds, at the most, until it is sent.

    Only the texts of generations can be long. Each stands in an answer under two names, as JSON and
    as its bytes, where a letter is an escape of six of what are three bytes in UTF-8.
    """
    texts = (getattr(item, "text", None) or "" for item in items)
    return sum(_LETTER_TIMES * len(text.encode("utf-8", "surrogatepass")) for text in texts)


def etag(item: "Voice | Generation") -> dict[str, str]:
    """Return the header that says which version an answer shows; `If-Match` takes it back."""
    return {"ETag": f'"{item.version}"'}


def warnings_body(fields: "Fields") -> "list[WarningBody]":
    """Present what was dropped while a request was read, each field and reason once."""
    said = dict.fromkeys((str(one.details["field"]), one.message) for one in fields.warnings)
    return [{"field": name, "message": message} for name, message in said]


def voice_warnings(fields: "Fields", *, ends: bool) -> "list[WarningBody]":
    """Present what was dropped, and that a deleted voice `ends` with the one that was saved."""
    return [*warnings_body(fields), *([_ENDS_DELETED] if ends else [])]


def voice_body(voice: "Voice", urls: "ObjectUrls") -> "VoiceBody":
    """Present a voice."""
    sample = _audio_body(voice.sample, urls)
    profile = None if voice.profile is None else _profile_body(voice.profile, urls)
    return {
        "voice_id": voice.voice_id,
        "name": voice.name,
        "version": voice.version,
        "language": voice.language,
        "description": voice.description,
        "tags": list(voice.tags),
        "favorite": voice.favorite,
        "template_message": voice.template_message,
        "sample": sample,
        "profile": profile,
        "quality": _quality_body(voice.quality),
        "consent": None if voice.consent is None else _consent_body(voice.consent, urls),
        "parameters": dict(voice.parameters),
        "runpod_job_id": voice.runpod_job_id,
        "source": voice.source,
        "generation_count": voice.generation_count,
        "created_at": time_text(voice.created_at),
        "updated_at": time_text(voice.updated_at),
        "created_date": voice.created_at.timestamp(),
        "sample_file": voice.sample.path,
        "profile_file": None if profile is None else profile["path"],
        "has_profile": profile is not None,
        "firebase_url": sample["url"],
    }


def generation_body(generation: "Generation", urls: "ObjectUrls") -> "GenerationBody":
    """Present a generation."""
    audio = _audio_body(generation.audio, urls)
    return {
        "generation_id": generation.generation_id,
        "file_id": generation.generation_id,
        "version": generation.version,
        "voice_id": generation.voice_id,
        "voice_name": generation.voice_name,
        "text": generation.text,
        "text_input": generation.text,
        "language": generation.language,
        "audio": audio,
        "generation_time_s": generation.generation_time_s,
        "parameters": dict(generation.parameters),
        "tags": list(generation.tags),
        "favorite": generation.favorite,
        "runpod_job_id": generation.runpod_job_id,
        "created_at": time_text(generation.created_at),
        "updated_at": time_text(generation.updated_at),
        "created_date": generation.created_at.timestamp(),
        "timestamp": generation.timestamp,
        "file_path": audio["path"],
        "file_size": audio["size_bytes"],
        "firebase_url": audio["url"],
    }


def _audio_body(audio: "Audio", urls: "ObjectUrls") -> "AudioBody":
    return {
        "path": audio.path,
        "url": urls.url(audio.path, audio.token),
        "content_type": audio.content_type,
        "format": audio.format,
        "size_bytes": audio.size_bytes,
        "sha256": audio.sha256,
        "duration_s": audio.duration_s,
        "sample_rate_hz": audio.sample_rate_hz,
        "channels": audio.channels,
        "peaks": [_PEAKS[peak] for peak in audio.peaks],
    }


def _profile_body(profile: "Profile", urls: "ObjectUrls") -> "ProfileBody":
    return {
        "path": profile.path,
        "url": urls.url(profile.path, profile.token),
        "size_bytes": profile.size_bytes,
        "sha256": profile.sha256,
        "dtype": profile.dtype,
        "shape": list(profile.shape),
        "pickled": profile.pickled,
        "trusted": profile.trusted,
    }


def _consent_body(consent: "Consent", urls: "ObjectUrls") -> "ConsentBody":
    return {
        "statement": consent.statement,
        "granted_by": consent.granted_by,
        "granted_at": time_text(consent.granted_at),
        "sha256": consent.sha256,
        "audio_sha256": consent.audio_sha256,
        "audio": None if consent.audio is None else _audio_body(consent.audio, urls),
    }


def _quality_body(quality: "Quality") -> "QualityBody":
    return {
        "grade": quality.grade,
        "reasons": list(quality.reasons),
        "peak_dbfs": quality.peak_dbfs,
        "rms_dbfs": quality.rms_dbfs,
        "clipped_ratio": quality.clipped_ratio,
        "silence_ratio": quality.silence_ratio,
        "snr_db": quality.snr_db,
    }
