"""Request bodies as named fields, whichever of the contract's forms they come in.

Three forms are spoken: multipart with files, JSON with base64, and multipart with base64
in text fields. All become the same `Fields`; what a field means is decided elsewhere.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import flask

from voxshelf.core.content import Content
from voxshelf.core.errors import (
    InvalidRequest,
    PayloadTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
)
from voxshelf.http.form import grouped
from voxshelf.http.json_text import parse_object
from voxshelf.http.multipart import read_form
from voxshelf.http.received import LongText, spool_in
from voxshelf.http.resources import Resources

# Cloud Functions (2nd gen) refuse HTTP requests over 32 MiB.
MAX_BODY_BYTES = 32 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# A body of unknown length takes its room in steps.
_STEP_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Fields:
    """Named values and received files.

    Values are a `Part` or a `Group` of them from forms, any JSON value or `LongText` from JSON.
    `resources` hold what is received for as long as the request lasts. `text_bytes` is what the
    long texts of JSON hold. `warnings` name the side notes that were dropped while the fields
    were read.
    """

    values: Mapping[str, Any]
    files: Mapping[str, Content]
    resources: Resources
    text_bytes: int = 0
    warnings: list[InvalidRequest] = field(default_factory=list)

    def forget_texts(self) -> None:
        """Let go of the long texts: they have been read, and are not there twice from now on."""
        for text in _long_texts(self.values):
            text.drop()
        self.resources.give_back(self.text_bytes)


def read_fields(
    request: flask.Request,
    resources: Resources,
    *,
    refusal: PayloadTooLarge | None = None,
) -> Fields:
    """Read the body of a request; received files stay open until `resources` are closed.

    `refusal` is the one of too large bodies.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest, RequestTimeout.
        Unavailable: when there is no room for it at the moment.
    """
    refusal = refusal or too_large(MAX_BODY_BYTES)
    stream = _Limited(request, refusal, MAX_BODY_BYTES, resources)
    if request.mimetype == "multipart/form-data":
        boundary = request.mimetype_params.get("boundary")
        if not boundary:
            raise InvalidRequest("The multipart body names no boundary.")
        return Fields(grouped(read_form(stream, boundary, resources)), {}, resources)
    if request.mimetype == "application/json":
        body = _read_all(stream)
        held = len(body)
        return Fields(parse_object(body), {}, resources, held)
    raise UnsupportedMediaType("Send multipart/form-data or application/json.")


def read_json(request: flask.Request, resources: Resources, *, max_bytes: int) -> Fields:
    """Read the body of a request that brings no files: a JSON object, and not a large one.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest, RequestTimeout.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send application/json.")
    refusal = PayloadTooLarge(
        f"This request takes at most {max_bytes} bytes.", details={"max_bytes": max_bytes}
    )
    stream = _Limited(request, refusal, max_bytes, resources)
    return Fields(parse_object(_read_all(stream)), {}, resources)


def read_file(request: flask.Request, resources: Resources, refusal: PayloadTooLarge) -> Content:
    """Read the body of a request that is a file itself; it stays open until `resources` end.

    Raises:
        PayloadTooLarge: `refusal`, for more than a function takes.
        InvalidRequest, RequestTimeout.
    """
    stream = _Limited(request, refusal, MAX_BODY_BYTES, resources)
    spool = spool_in(resources)
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
    """A body that refuses to go past the limit, or to come before there is room for it.

    Content-Length may be missing, so what comes is counted, too.
    """

    def __init__(
        self,
        request: flask.Request,
        refusal: PayloadTooLarge,
        max_bytes: int,
        resources: Resources,
    ) -> None:
        self.declared = request.content_length or 0
        if self.declared > max_bytes:
            raise refusal
        resources.take(self.declared)
        self._request, self._refusal, self._left = request, refusal, max_bytes
        self._resources, self._room = resources, self.declared

    def read(self, size: int) -> bytes:
        try:
            chunk = self._request.stream.read(size)
        except RequestTimeout:
            raise
        except Exception:
            # Chunks that are none, or fewer bytes than declared: gunicorn and werkzeug have no
            # exception in common for it. Whoever reads on must not fail again.
            self._request.stream = BytesIO()
            raise InvalidRequest("The body is cut off, or its chunks are damaged.") from None
        self._left -= len(chunk)
        if self._left < 0:
            raise self._refusal
        self._room -= len(chunk)
        if self._room < 0:
            self._resources.take(_STEP_BYTES)
            self._room += _STEP_BYTES
        return chunk


def _read_all(stream: _Limited) -> bytearray:
    # Room for what is declared, so that nothing is moved while it comes: growing a buffer of
    # 30 MB may hold it twice. What was not declared still finds its place.
    body, filled = bytearray(stream.declared), 0
    while chunk := stream.read(_CHUNK_BYTES):
        body[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    del body[filled:]
    return body


def _long_texts(values: Mapping[str, Any]) -> Iterator[LongText]:
    for value in values.values():
        if isinstance(value, LongText):
            yield value
        elif isinstance(value, Mapping):
            yield from _long_texts(value)
