"""The requests of an export and an import."""

from typing import Any

from local.openapi.queries import Parameter
from local.openapi.requests import Field, RequestBody
from voxshelf.core.archive import (
    DEFAULT_PART_BYTES,
    MAX_ARCHIVE_BYTES,
    MAX_DIRECTORY_BYTES,
    MAX_ENTRIES,
    MAX_HOSTED_BYTES,
    MAX_LINE_BYTES,
    MAX_LINES,
    MAX_LINES_BYTES,
    MAX_RESULTS,
    MAX_UNPACKED_BYTES,
    MIN_PART_BYTES,
)
from voxshelf.http.files import ARCHIVE
from voxshelf.http.import_requests import MAX_TOKEN_CHARACTERS
from voxshelf.http.moving_requests import MAX_SELECTED

_IDS = (
    f"Only these {{noun}}, by their ids with commas between them; at most {MAX_SELECTED} ids "
    "together. Ids that are not there are left out. Without any ids it is everything."
)
_START = "The line of the archive to begin with: `next_start` of the answer before."
_GOES_ON = (
    "`next_token` of the answer before: goes on where that ended, and is refused with another "
    "archive than that one's. It says `start`, too."
)
_TOKEN_SCHEMA: dict[str, Any] = {"type": "string", "maxLength": MAX_TOKEN_CHARACTERS}
_LINE: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": MAX_LINES_BYTES, "default": 0}

EXPORT: tuple[Parameter, ...] = (
    {
        "name": "voice_ids",
        "in": "query",
        "description": _IDS.format(noun="voices"),
        "schema": {"type": "string"},
    },
    {
        "name": "generation_ids",
        "in": "query",
        "description": _IDS.format(noun="generations"),
        "schema": {"type": "string"},
    },
    {
        "name": "part_bytes",
        "in": "query",
        "description": (
            "End the archive before it grows beyond this; an item that is larger has a part of its "
            f"own. The default, {DEFAULT_PART_BYTES // 1024**2} MiB, fits an import's body. More, "
            f"up to {MAX_ARCHIVE_BYTES // 1024**3} GiB, comes only from the function's own address "
            "(`/library/export` there, without `/api`): Firebase Hosting ends a request after "
            f"60 s. An item of more than {MAX_HOSTED_BYTES // 1024**2} MiB comes only from there, "
            "too: here it is 413, and `details` hold `page_token`, which asks for it there, and "
            "`next_page_token`, with which the export goes on here."
        ),
        "schema": {
            "type": "integer",
            "minimum": MIN_PART_BYTES,
            "maximum": DEFAULT_PART_BYTES,
            "default": DEFAULT_PART_BYTES,
        },
    },
    {
        "name": "page_token",
        "in": "query",
        "description": "`X-Next-Page-Token` of the part before, for the same ids.",
        "schema": {"type": "string"},
    },
)

START: Parameter = {
    "name": "start",
    "in": "query",
    "description": f"Where the body is the archive: {_START[0].lower()}{_START[1:]}",
    "schema": _LINE,
}

TOKEN: Parameter = {
    "name": "token",
    "in": "query",
    "description": f"Where the body is the archive: {_GOES_ON}",
    "schema": _TOKEN_SCHEMA,
}

IMPORT_ARCHIVE = RequestBody(
    name="ImportRequest",
    description=(
        "An archive that an export made, packed anew or not: itself, in any of the types below or "
        f"as a file of a form (named {' or '.join(f'`{name}`' for name in ARCHIVE.files[:2])}), or "
        "where it was uploaded. docs/export-format.md describes it. Of an archive at most "
        f"{MAX_ENTRIES:,} entries are read, {MAX_DIRECTORY_BYTES // 1024**2} MiB of directory, "
        f"{MAX_LINES:,} lines of {MAX_LINE_BYTES // 1024**2} MiB each and "
        f"{MAX_LINES_BYTES // 1024**2} MiB together, and {MAX_UNPACKED_BYTES // 1024**3} GiB of "
        f"files; an answer tells of at most {MAX_RESULTS:,} lines."
    ),
    fields=(
        Field(
            "archive_path",
            "The path of an archive that was uploaded where `POST /api/uploads` said, as "
            f"`application/zip`, of up to {MAX_ARCHIVE_BYTES // 1024**3} GiB. It is removed once "
            "all of its lines are in the library.",
            {"type": "string", "minLength": 1, "maxLength": 1024},
            nullable=False,
        ),
        Field("start", _START, _LINE),
        Field("token", _GOES_ON, _TOKEN_SCHEMA),
    ),
    required=(("archive_path",),),
    has_form=False,
    file_types=("application/octet-stream", "application/x-zip-compressed", "application/zip"),
)

REQUESTS = {
    IMPORT_ARCHIVE.name: {
        "upload": {
            "summary": "An archive that was uploaded",
            "value": {"archive_path": f"uploads/3Xz0aUqGSLcYqSLXgnsN5qRkYwH2/upload_{'3f' * 16}"},
        }
    }
}
