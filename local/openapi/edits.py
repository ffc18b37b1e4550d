"""The bodies of the edits (the contract, section 8), and the header by which none gets lost."""

from local.openapi.queries import Parameter
from local.openapi.requests import Field, RequestBody, Schema
from voxshelf.http.commands import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TEMPLATE_CHARACTERS,
)
from voxshelf.http.edits import MAX_EDIT_BYTES
from voxshelf.http.fields import MAX_TAG_CHARACTERS, MAX_TAGS

IF_MATCH: Parameter = {
    "name": "If-Match",
    "in": "header",
    "description": (
        'The versions that may be edited, as `ETag` names them: `"3"`, a list of such, or `*` '
        'for any. At another version the answer is 409 `version_conflict`. Weak tags (`W/"3"`) '
        "are no versions: where something on the way makes tags weak, send `version` in the body."
    ),
    "schema": {"type": "string"},
}


def _characters(maximum: int) -> Schema:
    return {"type": "string", "maxLength": maximum}


_VERSION = Field(
    "version",
    "The version that may be edited. At another one the answer is 409 `version_conflict`.",
    {"type": "integer", "minimum": 1},
)
_COMMON = (
    Field(
        "tags",
        "All tags from now on. Text with commas is taken too; null is none.",
        {
            "type": "array",
            "maxItems": MAX_TAGS,
            "items": {"type": "string", "maxLength": MAX_TAG_CHARACTERS},
        },
    ),
    Field("favorite", "Whether it is a favorite.", {"type": "boolean"}),
)
_RULES = (
    "What is sent is changed, and null takes a value away; all else stays. "
    "Fields that are not listed are ignored."
)

EDIT_VOICE = RequestBody(
    name="EditVoiceRequest",
    description=_RULES,
    required=(("name", "description", "language", "template_message", "tags", "favorite"),),
    fields=(
        Field(
            "name",
            "The new name. Its speech shows it at once, and the id stays.",
            {"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS},
            nullable=False,
        ),
        Field("description", "For people.", _characters(MAX_DESCRIPTION_CHARACTERS)),
        Field("language", "A BCP 47 tag, such as `en` or `pt-BR`.", {"type": "string"}),
        Field(
            "template_message",
            "The text that the sample speaks.",
            _characters(MAX_TEMPLATE_CHARACTERS),
        ),
        *_COMMON,
        _VERSION,
    ),
    has_form=False,
    max_bytes=MAX_EDIT_BYTES,
)

EDIT_GENERATION = RequestBody(
    name="EditGenerationRequest",
    description=_RULES,
    required=(("tags", "favorite"),),
    fields=(*_COMMON, _VERSION),
    has_form=False,
    max_bytes=MAX_EDIT_BYTES,
)

EDIT_VOICE_REQUESTS = {
    "rename": {"summary": "A new name", "value": {"name": "Ada, older", "version": 1}},
    "tidy": {
        "summary": "Tags, and no description any more",
        "value": {"tags": ["narrator"], "favorite": True, "description": None},
    },
}
EDIT_GENERATION_REQUESTS = {
    "favorite": {"summary": "A favorite", "value": {"favorite": True, "tags": ["final"]}},
}
