"""Request bodies as named fields, whichever of the contract's forms they come in.

Three forms are spoken: multipart with files, JSON with base64, and multipart with base64
in text fields. All become the same `Fields`; what a field means is decided elsewhere.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from voxshelf.http.json_text import parse_object

# Cloud Functions (2nd gen) refuse HTTP requests over 32 MiB.
MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_PARTS = 64
_CHUNK_BYTES = 64 * 1024
# A part over this goes from memory to /tmp, as Werkzeug does by itself.
_SPOOL_BYTES = 500_000


@dataclass(frozen=True, slots=True)
class Fields:
    """Named values (text from forms, any JSON value from JSON) and received files."""

    values: Mapping[str, Any]
    files: Mapping[str, Content] = field(default_factory=dict)


def read_fields(request: flask.Request, resources: ExitStack) -> Fields:
    """Read the body of a request; received files stay open until `resources` are closed.

    Raises:
        PayloadTooLarge, UnsupportedMediaType, InvalidRequest.
    """
    declared = request.content_length
    if declared is not None and declared > MAX_BODY_BYTES:
        raise too_large()
    if request.mimetype == "multipart/form-data":
        return _read_multipart(request, resources)
    if request.mimetype == "application/json":
        return Fields(parse_object(_read_limited(request.stream)))
    raise UnsupportedMediaType("Send multipart/form-data or application/json.")


def too_large() -> PayloadTooLarge:
    """Return the refusal of a body over the limit, with the way that is open."""
    return PayloadTooLarge(
        f"The body is larger than {MAX_BODY_BYTES} bytes. Upload the audio to "
        "uploads/{your uid}/ with the Firebase SDK and send its path as audio_path.",
        details={"max_bytes": MAX_BODY_BYTES},
    )


def drain(request: flask.Request) -> None:
    """Read what is left of the body and drop it.

    functions-framework otherwise reads it in one piece after the handler has returned,
    which costs the memory that an early refusal was to save (platform, measured).
    """
    while request.stream.read(_CHUNK_BYTES):
        pass


def _read_limited(stream: IO[bytes]) -> bytes:
    # Content-Length may lie or be missing, so the bytes are counted as they come.
    body = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large()
    return bytes(body)


class _HashedSpool(tempfile.SpooledTemporaryFile[bytes]):
    """A part's bytes, in memory or /tmp, digested while they arrive."""

    def __init__(self) -> None:
        super().__init__(max_size=_SPOOL_BYTES, mode="w+b")
        self.digest = hashlib.sha256()
        self.size_bytes = 0

    def write(self, chunk: Any) -> int:
        self.digest.update(chunk)
        self.size_bytes += len(chunk)
        return super().write(chunk)


def _read_multipart(request: flask.Request, resources: ExitStack) -> Fields:
    parser = FormDataParser(
        stream_factory=lambda *_, **__: resources.enter_context(_HashedSpool()),
        max_form_memory_size=MAX_BODY_BYTES,
        max_content_length=MAX_BODY_BYTES,
        max_form_parts=MAX_PARTS,
        silent=False,
    )
    try:
        _, form, files = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    except RequestEntityTooLarge:
        raise InvalidRequest(
            f"The form is too large, or has more than {MAX_PARTS} parts."
        ) from None
    except ValueError:
        raise InvalidRequest("The multipart body cannot be read.") from None
    return Fields(
        {name: form[name] for name in form},
        {name: _content(cast(_HashedSpool, files[name].stream)) for name in files},
    )


def _content(spool: _HashedSpool) -> Content:
    return Content(cast(BinaryIO, spool), spool.size_bytes, spool.digest.hexdigest())
