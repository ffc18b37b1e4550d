"""Request bodies as named fields, whichever of the contract's forms they come in.

Three forms are spoken: multipart with files, JSON with base64, and multipart with base64
in text fields. All become the same `Fields`; what a field means is decided elsewhere.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import flask

from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from voxshelf.http.form import grouped
from voxshelf.http.json_text import parse_object
from voxshelf.http.multipart import read_form
from voxshelf.http.received import spool_in

# Cloud Functions (2nd gen) refuse HTTP requests over 32 MiB.
MAX_BODY_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fields:
    """Named values and received files.

    Values are a `Part` or a `Group` of them from forms, any JSON value or `LongText` from JSON.
    `resources` hold what is received for as long as the request lasts. `warnings` name the side
    notes that were dropped while the fields were read.
    """

    values: Mapping[str, Any]
    files: Mapping[str, Content]
    resources: ExitStack
    warnings: list[InvalidRequest] = field(default_factory=list)


def read_fields(request: flask.Request, resources: ExitStack) -> Fields:
    """Read the body of a request; received files stay open until `resources` are closed.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
    """
    declared = request.content_length
    if declared is not None and declared > MAX_BODY_BYTES:
        raise too_large(MAX_BODY_BYTES)
    stream = _Limited(request, too_large(MAX_BODY_BYTES), MAX_BODY_BYTES)
    if request.mimetype == "multipart/form-data":
        boundary = request.mimetype_params.get("boundary")
        if not boundary:
            raise InvalidRequest("The multipart body names no boundary.")
        return Fields(grouped(read_form(stream, boundary, resources)), {}, resources)
    if request.mimetype == "application/json":
        return Fields(parse_object(_read_all(stream, declared or 0)), {}, resources)
    raise UnsupportedMediaType("Send multipart/form-data or application/json.")


def read_json(request: flask.Request, resources: ExitStack, *, max_bytes: int) -> Fields:
    """Read the body of a request that brings no files: a JSON object, and not a large one.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send application/json.")
    refusal = PayloadTooLarge(
        f"This request takes at most {max_bytes} bytes.", details={"max_bytes": max_bytes}
    )
    declared = request.content_length or 0
    if declared > max_bytes:
        raise refusal
    stream = _Limited(request, refusal, max_bytes)
    return Fields(parse_object(_read_all(stream, declared)), {}, resources)


def read_file(request: flask.Request, resources: ExitStack, refusal: PayloadTooLarge) -> Content:
    """Read the body of a request that is a file itself; it stays open until `resources` end.

    Raises:
        PayloadTooLarge: `refusal`, for more than a function takes.
        InvalidRequest.
    """
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise refusal
    stream, spool = _Limited(request, refusal, MAX_BODY_BYTES), spool_in(resources)
    while chunk := stream.read(_CHUNK_BYTES):
        spool.write(chunk)
    return spool.content()


def too_large(max_bytes: int) -> PayloadTooLarge:
    """Return the refusal of a body over a limit, with the way that is open."""
    return PayloadTooLarge(
        f"More than {max_bytes} bytes do not fit into a request. Upload the audio to "
        "uploads/{your uid}/ with the Firebase SDK and send its path as audio_path.",
        details={"max_bytes": max_bytes},
    )


class _Limited:
    """A stream that refuses to go past the limit: Content-Length may lie or be missing."""

    def __init__(self, request: flask.Request, refusal: PayloadTooLarge, max_bytes: int) -> None:
        self._request, self._refusal, self._left = request, refusal, max_bytes

    def read(self, size: int) -> bytes:
        try:
            chunk = self._request.stream.read(size)
        except Exception:
            # Chunks that are none, or fewer bytes than declared: gunicorn and werkzeug have no
            # exception in common for it. Whoever reads on must not fail again.
            self._request.stream = BytesIO()
            raise InvalidRequest("The body is cut off, or its chunks are damaged.") from None
        self._left -= len(chunk)
        if self._left < 0:
            raise self._refusal
        return chunk


def _read_all(stream: _Limited, declared: int) -> bytearray:
    # Room for what is declared, so that nothing is moved while it comes: growing a buffer of
    # 30 MB may hold it twice. What was not declared still finds its place.
    body, filled = bytearray(declared), 0
    while chunk := stream.read(_CHUNK_BYTES):
        body[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    del body[filled:]
    return body
