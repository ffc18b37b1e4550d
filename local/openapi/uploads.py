"""The request for an upload."""

from local.openapi.requests import Field, RequestBody
from voxshelf.core.archive import MAX_ARCHIVE_BYTES
from voxshelf.core.upload_slots import MAX_AUDIO_UPLOAD_BYTES
from voxshelf.http.upload_requests import MAX_REQUEST_BYTES, MAX_TYPE_CHARACTERS

WANTED_UPLOAD = RequestBody(
    name="UploadRequest",
    description="What will be uploaded.",
    fields=(
        Field(
            "size_bytes",
            f"The most bytes that it has: of audio and profiles up to {MAX_AUDIO_UPLOAD_BYTES}, of "
            f"an archive up to {MAX_ARCHIVE_BYTES}.",
            {"type": "integer", "minimum": 1, "maximum": MAX_ARCHIVE_BYTES},
            nullable=False,
        ),
        Field(
            "content_type",
            "Its type, just as the upload will say: a type of audio, `application/octet-stream` "
            "for a profile, `application/zip` for an archive.",
            {"type": "string", "minLength": 1, "maxLength": MAX_TYPE_CHARACTERS},
            nullable=False,
        ),
    ),
    required=(("size_bytes",), ("content_type",)),
    has_form=False,
    max_bytes=MAX_REQUEST_BYTES,
)

REQUESTS = {
    WANTED_UPLOAD.name: {
        "recording": {
            "summary": "An hour of speech",
            "value": {"size_bytes": 172_800_044, "content_type": "audio/wav"},
        },
        "archive": {
            "summary": "A whole library",
            "value": {"size_bytes": 3_000_000_000, "content_type": "application/zip"},
        },
    }
}
