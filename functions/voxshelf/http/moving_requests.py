"""The requests of an export."""

from collections.abc import Mapping
from dataclasses import dataclass

import flask

from voxshelf.core.archive import (
    DEFAULT_PART_BYTES,
    MAX_ARCHIVE_BYTES,
    MAX_HOSTED_BYTES,
    MIN_PART_BYTES,
)
from voxshelf.core.errors import InvalidRequest, NotFound, PayloadTooLarge
from voxshelf.core.names import is_valid_id
from voxshelf.core.query import Cursor
from voxshelf.http.page_tokens import PageTokens
from voxshelf.use_cases.export_library import Part
from voxshelf.use_cases.library_walk import START, Place, Selection

# As many as a bulk request names; a URL of 500 ids is about as long as servers take.
MAX_SELECTED = 500
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
