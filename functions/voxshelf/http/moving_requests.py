"""The requests of an export and of an import."""

from collections.abc import Mapping
from dataclasses import dataclass

import flask

from voxshelf.core.archive import MAX_ARCHIVE_BYTES, MAX_LINES_BYTES, MIN_PART_BYTES
from voxshelf.core.content import Source
from voxshelf.core.errors import InvalidRequest, NotFound, PayloadTooLarge, UnsupportedMediaType
from voxshelf.core.names import is_valid_id
from voxshelf.core.query import Cursor
from voxshelf.http.body import MAX_BODY_BYTES, read_file, read_json
from voxshelf.http.fields import FieldReader
from voxshelf.http.page_tokens import PageTokens
from voxshelf.http.resources import Resources
from voxshelf.use_cases.library_walk import START, Place, Selection

# As many as a bulk request names; a URL of 500 ids is about as long as servers take.
MAX_SELECTED = 500
# The second is what browsers on Windows call the first.
ZIP_TYPES = frozenset({"application/zip", "application/x-zip-compressed"})
_MAX_JSON_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported, from where on, and in parts of how many bytes."""

    selection: Selection
    number: int
    start: Place
    part_bytes: int
    tokens: PageTokens


def read_export(arguments: Mapping[str, str], key: str, uid: str) -> ExportRequest:
    """Read the query of an export; `key` signs the tokens of its parts.

    Raises:
        InvalidRequest: naming the parameter.
        NotFound: for an id that no item can have.
    """
    selection = Selection(_ids(arguments, "voice_ids"), _ids(arguments, "generation_ids"))
    if len(selection.voice_ids) + len(selection.generation_ids) > MAX_SELECTED:
        raise InvalidRequest(
            f"An export selects at most {MAX_SELECTED} ids.", details={"field": "generation_ids"}
        )
    tokens = PageTokens(key, uid, f"export {selection}")
    number, start = 1, START
    if token := arguments.get("page_token"):
        number, start = _read_token(tokens, token)
    return ExportRequest(selection, number, start, _part_bytes(arguments), tokens)


def next_token(tokens: PageTokens, number: int, place: Place) -> str:
    """Return the token of the part `number`, which starts at a place."""
    return tokens.make(Cursor(f"{number} {place.kind} {place.value}", place.item_id))


def _read_token(tokens: PageTokens, token: str) -> tuple[int, Place]:
    cursor = tokens.read(token)
    number, kind, value = cursor.value.split(" ")
    return int(number), Place(int(kind), value, cursor.item_id)


def _ids(arguments: Mapping[str, str], name: str) -> tuple[str, ...]:
    ids = dict.fromkeys(item_id for item_id in arguments.get(name, "").split(",") if item_id)
    if not all(map(is_valid_id, ids)):
        raise NotFound("There are no such items in your library.")
    return tuple(ids)


def _part_bytes(arguments: Mapping[str, str]) -> int:
    text = arguments.get("part_bytes") or str(MAX_ARCHIVE_BYTES)
    is_number = text.isascii() and text.isdigit() and len(text) <= 12
    if not (is_number and MIN_PART_BYTES <= int(text) <= MAX_ARCHIVE_BYTES):
        raise InvalidRequest(
            f"part_bytes must be a number from {MIN_PART_BYTES} to {MAX_ARCHIVE_BYTES}.",
            details={"field": "part_bytes"},
        )
    return int(text)


def read_import(request: flask.Request, resources: Resources) -> tuple[Source, int]:
    """Read an import's request: the archive itself or where it was uploaded, and the first line.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
    """
    if request.mimetype in ZIP_TYPES:
        archive = read_file(request, resources, _too_large())
        return archive, _start(request.args.get("start") or 0)
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send application/zip, or application/json with archive_path.")
    fields = read_json(request, resources, max_bytes=_MAX_JSON_BYTES)
    source = FieldReader(fields).source("archive_path", "")
    if source is None:
        raise InvalidRequest("archive_path is required.", details={"field": "archive_path"})
    return source, _start(fields.values.get("start") or 0)


def _start(value: object) -> int:
    # No line is shorter than a byte.
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    is_number = text.isascii() and text.isdigit() and len(text) <= 12
    if not (is_number and int(text) <= MAX_LINES_BYTES):
        raise InvalidRequest("start must be the number of a line.", details={"field": "start"})
    return int(text)


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(
        f"More than {MAX_BODY_BYTES} bytes do not fit into a request. Upload the archive to "
        "uploads/{your uid}/ with the Firebase SDK and send its path as archive_path.",
        details={"max_bytes": MAX_BODY_BYTES},
    )
