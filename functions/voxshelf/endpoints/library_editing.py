"""Editing voices and generations."""

from typing import TYPE_CHECKING, cast

from voxshelf.core.errors import VersionConflict
from voxshelf.endpoints.conflicts import showing_existing
from voxshelf.http.boundary import Answer, Call, Route
from voxshelf.http.paths import known_id
from voxshelf.http.present import etag, generation_body, voice_body

if TYPE_CHECKING:
    from voxshelf.core.edits import Edit
    from voxshelf.core.items import Generation, Voice
    from voxshelf.core.reservation import Item
    from voxshelf.http.body import Fields
    from voxshelf.http.wire import GenerationAnswer, GenerationBody, VoiceAnswer, VoiceBody


def _edit_voice(call: Call, voice_id: str) -> Answer:
    from voxshelf.http.edits import read_voice_edit

    fields = _fields(call)
    try:
        with showing_existing(call):
            voice = _edited(call, voice_id, read_voice_edit(fields), fields)
    except VersionConflict as error:
        error.details["voice"] = _voice_body(call, error.item)
        raise
    body: VoiceAnswer = {"status": "success", "voice": _voice_body(call, voice)}
    return Answer({**body}, headers=etag(voice))


def _edit_generation(call: Call, generation_id: str) -> Answer:
    from voxshelf.http.edits import read_generation_edit

    fields = _fields(call)
    try:
        generation = _edited(call, generation_id, read_generation_edit(fields), fields)
    except VersionConflict as error:
        error.details["generation"] = _generation_body(call, error.item)
        raise
    body: GenerationAnswer = {
        "status": "success",
        "generation": _generation_body(call, generation),
    }
    return Answer({**body}, headers=etag(generation))


def _fields(call: Call) -> "Fields":
    from voxshelf.http.body import read_json
    from voxshelf.http.edits import MAX_EDIT_BYTES

    return read_json(call.request, call.resources, max_bytes=MAX_EDIT_BYTES)


def _edited(call: Call, item_id: str, edit: "Edit", fields: "Fields") -> "Item":
    from voxshelf.http.edits import read_versions
    from voxshelf.use_cases.edit_item import EditItem, edit_item

    versions = read_versions(call.request, fields)
    command = EditItem(call.uid, known_id(item_id), edit, versions)
    return edit_item(command, library=call.services.library)


def _voice_body(call: Call, item: "Item") -> "VoiceBody":
    return voice_body(cast("Voice", item), call.services.urls)


def _generation_body(call: Call, item: "Item") -> "GenerationBody":
    return generation_body(cast("Generation", item), call.services.urls)


ROUTES = (
    Route("PATCH", "/api/voices/<voice_id>", _edit_voice),
    Route("PATCH", "/api/tts/generations/<generation_id>", _edit_generation),
)
