"""The requests of an import, and the tokens by which one goes on with what another began."""

from dataclasses import dataclass

import flask

from voxshelf.core.archive import MAX_LINES_BYTES
from voxshelf.core.content import Source
from voxshelf.core.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from voxshelf.core.query import Cursor
from voxshelf.http.body import MAX_BODY_BYTES, read_fields, read_file, read_json
from voxshelf.http.fields import FieldReader
from voxshelf.http.files import ARCHIVE
from voxshelf.http.page_tokens import PageTokens
from voxshelf.http.resources import Resources
from voxshelf.use_cases.archived_items import Imported

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
MAX_TOKEN_CHARACTERS = 500
_CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """The archive itself or where it was uploaded, the first line, and the answer's before it.

    `start` is None where the token alone tells it.
    """

    source: Source
    start: int | None
    token: str | None

    def progress(self, tokens: PageTokens) -> tuple[int, bool]:
        """Return where to begin, and whether all before that is known to be in the library.

        `tokens` are bound to the archive.

        Raises:
            InvalidRequest: when the token is another archive's, or tells of another line.
        """
        if self.token is None:
            return self.start or 0, not self.start
        try:
            cursor = tokens.read(self.token)
        except InvalidRequest:
            raise _other_token("token does not belong to this archive.") from None
        start = int(cursor.value)
        if self.start not in {None, start}:
            raise _other_token(f"token goes on at line {start}: send that as start, or nothing.")
        return start, cursor.item_id == _CLEAN


def import_token(tokens: PageTokens, imported: Imported, *, is_clean: bool) -> str | None:
    """Return what the next request shows: where it goes on, and whether all went well so far."""
    if imported.next_start is None:
        return None
    return tokens.make(Cursor(str(imported.next_start), _CLEAN if is_clean else ""))


def _other_token(reason: str) -> InvalidRequest:
    return InvalidRequest(reason, details={"field": "token"})


def read_import(request: flask.Request, resources: Resources) -> ImportRequest:
    """Read an import's request.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
        Unavailable: when there is no room for it at the moment.
    """
    start, token = request.args.get("start"), request.args.get("token")
    if request.mimetype in {*ZIP_TYPES, ""}:
        archive = read_file(request, resources, _too_large())
        return ImportRequest(archive, _start(start), token or None)
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
    token = reader.text("token", max_characters=MAX_TOKEN_CHARACTERS, multiline=False) or token
    return ImportRequest(source, _start(reader.value("start") or start), token or None)


def _start(value: object) -> int | None:
    if value is None or value == "":
        return None
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
