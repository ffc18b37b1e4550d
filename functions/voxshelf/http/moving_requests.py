"""The requests of an export and of an import."""

from collections.abc import Mapping
from dataclasses import dataclass

import flask

from voxshelf.core.archive import (
    DEFAULT_PART_BYTES,
    MAX_ARCHIVE_BYTES,
    MAX_HOSTED_BYTES,
    MAX_LINES_BYTES,
    MIN_PART_BYTES,
)
from voxshelf.core.content import Source
from voxshelf.core.errors import InvalidRequest, NotFound, PayloadTooLarge, UnsupportedMediaType
from voxshelf.core.names import is_valid_id
from voxshelf.core.query import Cursor
from voxshelf.http.body import MAX_BODY_BYTES, read_fields, read_file, read_json
from voxshelf.http.fields import FieldReader
from voxshelf.http.files import ARCHIVE
from voxshelf.http.page_tokens import PageTokens
from voxshelf.http.resources import Resources
from voxshelf.use_cases.export_library import Part
from voxshelf.use_cases.library_walk import START, Place, Selection

# As many as a bulk request names; a URL of 500 ids is about as long as servers take.
MAX_SELECTED = 500
# What programs call a ZIP archive. Browsers on Windows say the second, those that do not know it
# the fourth or nothing at all, and curl the last of any file that it is told nothing about. What it
# is, its bytes decide.
ZIP_TYPES = (
    "application/zip",
    "application/x-zip-compressed",
    "application/x-zip",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
)
_MAX_JSON_BYTES = 64 * 1024
_MORE = "Larger parts come from the function's own address: GET /library/export, without /api."


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported, from where on, and in parts of how many bytes.

    `is_hosted` tells that the answer goes through Firebase Hosting.
    """

    selection: Selection
    number: int
    start: Place
    part_bytes: int
    tokens: PageTokens
    is_hosted: bool


def read_export(request: flask.Request, key: str, uid: str) -> ExportRequest:
    """Read the query of an export; `key` signs the tokens of its parts.

    Hosting passes on a whole path, with `/api`; at the function's own address there is none.

    Raises:
        InvalidRequest: naming the parameter.
        NotFound: for an id that no item can have.
    """
    arguments, is_hosted = request.args, request.path.startswith("/api/")
    selection = Selection(_ids(arguments, "voice_ids"), _ids(arguments, "generation_ids"))
    if len(selection.voice_ids) + len(selection.generation_ids) > MAX_SELECTED:
        raise InvalidRequest(
            f"An export selects at most {MAX_SELECTED} ids.", details={"field": "generation_ids"}
        )
    tokens = PageTokens(key, uid, f"export {selection}")
    number, start = 1, START
    if token := arguments.get("page_token"):
        number, start = _read_token(tokens, token)
    part_bytes = _part_bytes(arguments, DEFAULT_PART_BYTES if is_hosted else MAX_ARCHIVE_BYTES)
    return ExportRequest(selection, number, start, part_bytes, tokens, is_hosted)


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


def _part_bytes(arguments: Mapping[str, str], maximum: int) -> int:
    text = arguments.get("part_bytes") or str(DEFAULT_PART_BYTES)
    is_number = text.isascii() and text.isdigit() and len(text) <= 12
    if not (is_number and MIN_PART_BYTES <= int(text) <= maximum):
        more = "" if maximum == MAX_ARCHIVE_BYTES else f" {_MORE}"
        raise InvalidRequest(
            f"part_bytes must be a number from {MIN_PART_BYTES} to {maximum} here.{more}",
            details={"field": "part_bytes", "max_bytes": maximum},
        )
    return int(text)


def check_hosted(asked: ExportRequest, part: Part) -> None:
    """Refuse a part that Hosting does not pass on: a single item with more than that.

    Raises:
        PayloadTooLarge: with the token of this part, which the function's own address takes, too,
            and that of the next one, with which the export goes on.
    """
    if not asked.is_hosted or part.size_bytes <= MAX_HOSTED_BYTES:
        return
    following = part.following
    raise PayloadTooLarge(
        f"{part.end.item_id} alone takes more than {MAX_HOSTED_BYTES} bytes. {_MORE} Send "
        "details.page_token there for this part, details.next_page_token here for the next one.",
        details={
            "max_bytes": MAX_HOSTED_BYTES,
            "id": part.end.item_id,
            "page_token": next_token(asked.tokens, part.number, part.start),
            "next_page_token": following and next_token(asked.tokens, part.number + 1, following),
        },
    )


def read_import(request: flask.Request, resources: Resources) -> tuple[Source, int]:
    """Read an import's request: the archive itself or where it was uploaded, and the first line.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
        Unavailable: when there is no room for it at the moment.
    """
    start = request.args.get("start") or 0
    if request.mimetype in {*ZIP_TYPES, ""}:
        return read_file(request, resources, _too_large()), _start(start)
    if request.mimetype == "application/json":
        fields = read_json(request, resources, max_bytes=_MAX_JSON_BYTES)
    elif request.mimetype == "multipart/form-data":
        fields = read_fields(request, resources, refusal=_too_large())
    else:
        raise UnsupportedMediaType(
            "Send the archive as application/zip or in a form, or application/json with "
            "archive_path."
        )
    reader = FieldReader(fields)
    source = reader.source("archive_path", ARCHIVE)
    if source is None:
        raise InvalidRequest(
            "Send the archive itself, or archive_path.", details={"field": "archive_path"}
        )
    return source, _start(reader.value("start") or start)


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
