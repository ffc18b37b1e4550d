"""The parameters and bodies of deleting and restoring."""

from typing import Any

from local.openapi.queries import FLAG, Parameter
from local.openapi.requests import Field, RequestBody
from voxshelf.http.selection import GENERATIONS, MAX_IDS, MAX_SELECTION_BYTES

_GENERATIONS = "What is to become of a voice's generations."
_PERMANENT = "Delete for good, at once, what is in the trash already too."
_IDS = {"type": "array", "maxItems": MAX_IDS, "items": {"type": "string"}}
_SELECTION = f"Each id is answered once, and {MAX_IDS} in all may be named."

PERMANENT: Parameter = {
    "name": "permanent",
    "in": "query",
    "description": _PERMANENT,
    "schema": {**FLAG, "default": False},
}
KEEP_OR_DELETE: Parameter = {
    "name": "generations",
    "in": "query",
    "description": _GENERATIONS,
    "schema": {"type": "string", "enum": [*GENERATIONS], "default": GENERATIONS[0]},
}

_FIELDS = (
    Field("voice_ids", "Ids of voices.", _IDS, nullable=False),
    Field("generation_ids", "Ids of generations.", _IDS, nullable=False),
)
_REQUIRED = (("voice_ids", "generation_ids"),)

DELETE_ITEMS = RequestBody(
    name="DeleteItemsRequest",
    description=_SELECTION,
    required=_REQUIRED,
    fields=(
        *_FIELDS,
        Field(
            "generations",
            _GENERATIONS,
            {"type": "string", "pattern": f"^({'|'.join(GENERATIONS)})?$"},
        ),
        Field("permanent", _PERMANENT, {"type": "boolean", "default": False}),
    ),
    has_form=False,
    max_bytes=MAX_SELECTION_BYTES,
)

RESTORE_ITEMS = RequestBody(
    name="RestoreItemsRequest",
    description=_SELECTION,
    required=_REQUIRED,
    fields=_FIELDS,
    has_form=False,
    max_bytes=MAX_SELECTION_BYTES,
)

_SPEECH = "TTS_voice_ada_20250131_120000"
REQUESTS: dict[str, dict[str, Any]] = {
    DELETE_ITEMS.name: {
        "tidy": {
            "summary": "Two generations",
            "value": {"generation_ids": [_SPEECH, f"{_SPEECH}_2"]},
        },
        "voice": {
            "summary": "A voice with all it has spoken",
            "value": {"voice_ids": ["voice_ada"], "generations": "delete"},
        },
    },
    RESTORE_ITEMS.name: {
        "voice": {
            "summary": "A voice, with the generations that were deleted with it",
            "value": {"voice_ids": ["voice_ada"], "generation_ids": []},
        },
    },
}
