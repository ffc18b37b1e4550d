"""Slots for uploads: `POST /api/uploads` and `DELETE /api/uploads/{upload_id}`."""

from typing import TYPE_CHECKING

from voxshelf.http.boundary import Answer, Call, Route

if TYPE_CHECKING:
    from voxshelf.http.wire_uploads import UploadGiven, UploadGivenBack


def _give(call: Call) -> Answer:
    from voxshelf.http.body import read_json
    from voxshelf.http.present import time_text
    from voxshelf.http.upload_requests import MAX_REQUEST_BYTES, read_wanted_upload
    from voxshelf.use_cases.give_upload import give_upload

    services = call.services
    key = call.idempotency_key
    fields = read_json(call.request, call.resources, max_bytes=MAX_REQUEST_BYTES)
    wanted = read_wanted_upload(fields)
    slot, replayed = give_upload(
        call.uid, wanted, key, slots=services.upload_slots, policy=services.policy
    )
    body: UploadGiven = {
        "status": "success",
        "message": "Upload the file to this path, then save it by the path.",
        "upload": {
            "upload_id": slot.upload_id,
            "path": slot.path,
            "size_bytes": slot.size_bytes,
            "content_type": slot.content_type,
            "expires_at": time_text(slot.open_until),
        },
    }
    return Answer({**body}, 201, {"Idempotent-Replayed": "true"} if replayed else {})


def _give_back(call: Call, upload_id: str) -> Answer:
    from voxshelf.core.upload_slots import SlotKey, is_upload_id
    from voxshelf.use_cases.give_upload import give_back_upload
    from voxshelf.use_cases.upload_ports import no_slot

    if not is_upload_id(upload_id):
        raise no_slot()
    services = call.services
    give_back_upload(
        SlotKey(call.uid, upload_id), slots=services.upload_slots, objects=services.objects
    )
    body: UploadGivenBack = {
        "status": "success",
        "message": "The upload is given back. What was uploaded is removed.",
        "upload_id": upload_id,
    }
    return Answer({**body})


ROUTES = (
    Route("POST", "/api/uploads", _give, has_own_keys=True),
    Route("DELETE", "/api/uploads/<upload_id>", _give_back),
)
