"""`POST /api/voices/save`."""

from voxshelf.endpoints.conflicts import showing_existing
from voxshelf.http.body import read_fields
from voxshelf.http.boundary import Answer, Call, Endpoint, Route
from voxshelf.http.commands import read_save_voice
from voxshelf.http.present import voice_body, voice_warnings
from voxshelf.http.wire import VoiceSaved
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.wiring import services


def _save(call: Call) -> Answer:
    fields = read_fields(call.request, call.resources)
    command = read_save_voice(call.uid, fields, call.idempotency_key)
    fields.forget_texts()
    with showing_existing(call):
        saved = save_voice(
            command,
            library=call.services.library,
            objects=call.services.objects,
            uploads=call.services.upload_slots,
            inspect_audio=call.services.inspect_audio,
            policy=call.services.policy,
        )
    voice = voice_body(saved.voice, call.services.urls)
    body: VoiceSaved = {
        "status": "success",
        "message": f"The voice {saved.voice.name!r} is saved.",
        "voice_id": saved.voice.voice_id,
        "firebase_url": voice["firebase_url"],
        "saved_files": list(saved.voice.object_paths),
        "voice": voice,
        "replayed": saved.replayed and call.idempotency_key is None,
        "warnings": voice_warnings(fields, ends=saved.ends),
    }
    return Answer({**body}, 201, {"Idempotent-Replayed": "true"} if saved.replayed else {})


ROUTES = (Route("POST", "/api/voices/save", _save, has_own_keys=True),)
handle = Endpoint(ROUTES, services, prepare=lambda made: made.prepare_audio())
