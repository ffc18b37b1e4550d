"""The bodies and conditions of `PATCH` (the contract, section 8), read into edits.

A field that is there is changed, and null or empty text takes its value away. What a save
would refuse, an edit refuses too.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from voxshelf.core.edits import GenerationEdit, VoiceEdit
from voxshelf.core.errors import InvalidRequest
from voxshelf.http.body import Fields
from voxshelf.http.commands import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_TEMPLATE_CHARACTERS,
    read_name,
)
from voxshelf.http.fields import FieldReader

if TYPE_CHECKING:
    import flask

# Much more than all fields at their limits, however they are escaped.
MAX_EDIT_BYTES = 256 * 1024

# A number as `etag` writes it; a longer one would only take time to read.
_VERSION = re.compile(r"[1-9][0-9]{0,14}")
_Read = Callable[[FieldReader], Any]

_COMMON: dict[str, _Read] = {
    "tags": lambda reader: reader.tags("tags"),
    "favorite": lambda reader: reader.flag("favorite"),
}
_OF_A_VOICE: dict[str, _Read] = {
    "name": lambda reader: read_name(reader, "name"),
    "description": lambda reader: reader.text(
        "description", max_characters=MAX_DESCRIPTION_CHARACTERS
    ),
    "language": lambda reader: reader.language("language"),
    "template_message": lambda reader: reader.text(
        "template_message", max_characters=MAX_TEMPLATE_CHARACTERS
    ),
    **_COMMON,
}


def read_voice_edit(fields: Fields) -> VoiceEdit:
    """Read the edit of a voice.

    Raises:
        InvalidRequest: naming the field; also when there is nothing to change.
    """
    return VoiceEdit(**_changes(fields, _OF_A_VOICE))


def read_generation_edit(fields: Fields) -> GenerationEdit:
    """Read the edit of a generation.

    Raises:
        InvalidRequest: naming the field; also when there is nothing to change.
    """
    return GenerationEdit(**_changes(fields, _COMMON))


def read_versions(request: "flask.Request", fields: Fields) -> frozenset[int] | None:
    """Return the versions that may be edited, or None where it may be any.

    If-Match names them as entity tags (RFC 9110, section 13.1.1): any of a list, `*` for any.
    A weak one (`W/"3"`) counts as the same version: proxies weaken the tag of an answer that they
    compress. A `version` in the body must hold as well.

    Raises:
        InvalidRequest.
    """
    named = [_tagged(request), _numbered(fields)]
    versions = [one for one in named if one is not None]
    return frozenset.intersection(*versions) if versions else None


def _changes(fields: Fields, readers: dict[str, _Read]) -> dict[str, Any]:
    known = {name: value for name, value in fields.values.items() if name in readers}
    if not known:
        raise InvalidRequest(f"Nothing to change: send one of {', '.join(readers)}.")
    reader = FieldReader(Fields(known, {}, fields.resources))
    return {name: readers[name](reader) for name in known}


def _tagged(request: "flask.Request") -> frozenset[int] | None:
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    tags = request.if_match.as_set(include_weak=True)
    return frozenset(int(tag) for tag in tags if tag and _VERSION.fullmatch(tag))


def _numbered(fields: Fields) -> frozenset[int] | None:
    version = fields.values.get("version")
    if version is None:
        return None
    # JSON knows one kind of number: 3.0 is the integer 3.
    if isinstance(version, float) and version.is_integer():
        version = int(version)
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise InvalidRequest(
            "version must be the number of a version.", details={"field": "version"}
        )
    return frozenset({version})
