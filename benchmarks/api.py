"""The requests that are measured."""

from benchmarks.client import Request, multipart

_WAV = "audio/wav"
_BYTES = "application/octet-stream"
HEALTH = Request("GET", "/api/health")


def save_voice(name: str, sample: bytes, profile: bytes) -> Request:
    """`POST /api/voices/save`; a new name is a new voice."""
    return multipart(
        "/api/voices/save",
        {"voice_name": name, "template_message": "The words of the sample.", "language": "en"},
        {
            "audio_file": ("sample.wav", sample, _WAV),
            "profile_file": ("profile.npy", profile, _BYTES),
        },
    )


def save_speech(voice_id: str, text: str, audio: bytes) -> Request:
    """`POST /api/tts/save`."""
    return multipart(
        "/api/tts/save",
        {"voice_id": voice_id, "text_input": text, "generation_time": "1.5"},
        {"audio_file": ("speech.wav", audio, _WAV)},
    )


def read_profile(voice_id: str) -> Request:
    """`GET /api/voices/{voice_id}/profile` as JSON."""
    return Request("GET", f"/api/voices/{voice_id}/profile?format=json")


def list_generations(page_size: int) -> Request:
    """`GET /api/tts/generations`: the first page, newest first."""
    return Request("GET", f"/api/tts/generations?page_size={page_size}")
