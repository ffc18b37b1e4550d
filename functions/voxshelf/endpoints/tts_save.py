"""`POST /api/tts/save`."""

from voxshelf.http.body import read_fields
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.commands import read_save_speech
from voxshelf.http.present import generation_body, warnings_body
from voxshelf.http.wire import SpeechMetadata, SpeechSaved
from voxshelf.use_cases.save_speech import SavedSpeech, save_speech
from voxshelf.wiring import services

_BYTES_PER_MB = 1024 * 1024


def _save(call: Call) -> Answer:
    fields = read_fields(call.request, call.resources)
    command = read_save_speech(call.uid, fields, call.idempotency_key)
    fields.forget_texts()
    saved = save_speech(
        command,
        library=call.services.library,
        objects=call.services.objects,
        uploads=call.services.upload_slots,
        inspect_audio=call.services.inspect_audio,
        policy=call.services.policy,
    )
    generation = generation_body(saved.generation, call.services.urls)
    size_bytes = saved.generation.audio.size_bytes
    body: SpeechSaved = {
        "status": "success",
        "message": "The speech is saved.",
        "voice_id": saved.generation.voice_id,
        "generation_id": saved.generation.generation_id,
        "firebase_url": generation["firebase_url"],
        "file_size_bytes": size_bytes,
        "file_size_mb": round(size_bytes / _BYTES_PER_MB, 2),
        "metadata": _metadata(saved),
        "generation": generation,
        "replayed": saved.replayed and call.idempotency_key is None,
        "warnings": warnings_body(fields),
    }
    return Answer({**body}, 201, {"Idempotent-Replayed": "true"} if saved.replayed else {})


def _metadata(saved: SavedSpeech) -> SpeechMetadata:
    generation = saved.generation
    audio = generation.audio
    return {
        "voice_id": generation.voice_id,
        "voice_name": generation.voice_name,
        "text_input": generation.text,
        "generation_time": generation.generation_time_s,
        "sample_rate": audio.sample_rate_hz,
        "audio_shape": [audio.channels, round(audio.duration_s * audio.sample_rate_hz)],
        "timestamp": generation.timestamp,
        "duration_s": audio.duration_s,
        "mismatches": list(saved.mismatches),
    }


ROUTES = (Route("POST", "/api/tts/save", _save, has_own_keys=True),)
handle = Endpoint(ROUTES, services, prepare=lambda made: made.prepare_audio())
