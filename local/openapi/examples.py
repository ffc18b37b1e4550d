"""Examples of the saves: requests that really work, and their answers as the code writes them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from voxshelf.adapters.token_urls import TokenUrls
from voxshelf.core.audio import Audio
from voxshelf.core.items import Consent, Generation, Voice
from voxshelf.core.quality import Quality
from voxshelf.http.present import generation_body, voice_body
from voxshelf.http.wire import SpeechSaved, VoiceSaved

# One second of FLAC at 8 kHz, small because its value never changes: a click at each end.
AUDIO_BASE64 = (
    "ZkxhQwAAACIQABAAAAALAAANAfQA8AAAH0CN0vqVyMfB/qkGUB/pDj0uhAAAKCAAAAByZWZlcmVuY2UgbGliRkxB"
    "QyAxLjQuMyAyMDIzMDYyMwAAAAD/+MQIAAQBBH3hTv/4dAgBDz+AAQR9Uek="
)
_SHA256 = "a784db497094bda481acfd012080804235527a3f801f9253a4c7ec91db8b6491"
_SIZE_BYTES = 110
_TEXT = "The quick brown fox jumps over the lazy dog."
_SAVED_AT = datetime(2025, 1, 31, 12, 0, 0, tzinfo=UTC)
_URLS = TokenUrls("https://firebasestorage.googleapis.com", "example.firebasestorage.app")

Example = dict[str, Any]

SAVE_VOICE_REQUESTS: dict[str, Example] = {
    "fields": {
        "summary": "Plain fields",
        "value": {
            "voice_name": "Ada",
            "audio_base64": AUDIO_BASE64,
            "template_message": _TEXT,
            "language": "en-GB",
            "description": "Warm and clear.",
            "tags": ["warm", "narrator"],
            "consent": {"statement": "Clone my voice.", "granted_by": "Ada"},
        },
    },
    "runpod_output": {
        "summary": "The output of a RunPod clone job",
        "value": {
            "status": "success",
            "audio_base64": AUDIO_BASE64,
            "profile_base64": None,
            "metadata": {
                "voice_id": "voice_ada",
                "voice_name": "Ada",
                "template_message": _TEXT,
                "sample_rate": 8000,
                "audio_shape": [1, 8000],
            },
        },
    },
}

SAVE_SPEECH_REQUESTS: dict[str, Example] = {
    "fields": {
        "summary": "Plain fields",
        "value": {
            "voice_id": "voice_ada",
            "text_input": _TEXT,
            "audio_base64": AUDIO_BASE64,
            "generation_time": 2.4,
            "parameters": {"temperature": 0.8},
            "tags": ["draft"],
        },
    },
    "runpod_output": {
        "summary": "The output of a RunPod speech job",
        "value": {
            "status": "success",
            "audio_base64": AUDIO_BASE64,
            "metadata": {
                "voice_id": "voice_ada",
                "voice_name": "Ada",
                "text_input": _TEXT,
                "generation_time": 2.4,
                "sample_rate": 8000,
                "audio_shape": [1, 8000],
                "timestamp": "20250131_120000",
            },
        },
    },
}


def _audio(path: str) -> Audio:
    return Audio(
        path=path,
        token="DOWNLOAD-TOKEN",  # noqa: S106 - stands for one
        content_type="audio/flac",
        format="flac",
        size_bytes=_SIZE_BYTES,
        sha256=_SHA256,
        duration_s=1.0,
        sample_rate_hz=8000,
        channels=1,
        # Really 50 of them, which would fill a page of the example.
        peaks=bytes([62] * 5),
    )


_VOICE = voice_body(
    Voice(
        voice_id="voice_ada",
        name="Ada",
        version=1,
        language="en-GB",
        description="Warm and clear.",
        tags=("warm", "narrator"),
        favorite=False,
        template_message=_TEXT,
        sample=_audio("voice_samples/UID/voice_ada_sample_20250131_120000.flac"),
        profile=None,
        quality=Quality(
            grade="poor",
            reasons=(
                "Noise lies only 0 dB below the speech: record in a quieter place.",
                "The sample rate is 8000 Hz: 24,000 Hz or more keeps the voice's colour.",
                "The sample lasts 1.0 s: 10 s or more give a better clone.",
            ),
            peak_dbfs=-12.25,
            rms_dbfs=-12.25,
            clipped_ratio=0.0,
            silence_ratio=0.0,
            snr_db=0.0,
        ),
        consent=Consent(
            statement="Clone my voice.",
            granted_by="Ada",
            granted_at=_SAVED_AT,
            sha256=hashlib.sha256(b"Clone my voice.\0Ada\0").hexdigest(),
            audio_sha256=None,
            audio=None,
        ),
        parameters={},
        runpod_job_id=None,
        source="upload",
        generation_count=0,
        created_at=_SAVED_AT,
        updated_at=_SAVED_AT,
        saved_at=_SAVED_AT,
    ),
    _URLS,
)

_GENERATION = generation_body(
    Generation(
        generation_id="TTS_voice_ada_20250131_120000",
        version=1,
        voice_id="voice_ada",
        voice_name="Ada",
        text=_TEXT,
        language="en-GB",
        audio=_audio("tts_generations/UID/TTS_voice_ada_20250131_120000.flac"),
        generation_time_s=2.4,
        parameters={"temperature": 0.8},
        tags=("draft",),
        favorite=False,
        runpod_job_id=None,
        timestamp="20250131_120000",
        created_at=_SAVED_AT,
        updated_at=_SAVED_AT,
        saved_at=_SAVED_AT,
    ),
    _URLS,
)

VOICE_SAVED: VoiceSaved = {
    "status": "success",
    "message": "The voice 'Ada' is saved.",
    "voice_id": _VOICE["voice_id"],
    "firebase_url": _VOICE["firebase_url"],
    "saved_files": [_VOICE["sample_file"]],
    "replayed": False,
    "warnings": [],
    "voice": _VOICE,
}

SPEECH_SAVED: SpeechSaved = {
    "status": "success",
    "message": "The speech is saved.",
    "voice_id": _GENERATION["voice_id"],
    "generation_id": _GENERATION["generation_id"],
    "firebase_url": _GENERATION["firebase_url"],
    "file_size_bytes": _GENERATION["file_size"],
    "file_size_mb": 0.0,
    "replayed": False,
    "warnings": [],
    "metadata": {
        "voice_id": _GENERATION["voice_id"],
        "voice_name": _GENERATION["voice_name"],
        "text_input": _GENERATION["text_input"],
        "generation_time": _GENERATION["generation_time_s"],
        "sample_rate": 8000,
        "audio_shape": [1, 8000],
        "timestamp": _GENERATION["timestamp"],
        "duration_s": 1.0,
        "mismatches": [],
    },
    "generation": _GENERATION,
}
