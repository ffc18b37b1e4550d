"""multipart/form-data, read part by part into spools.

Werkzeug's decoder (its sans-I/O layer) finds the parts; its form parser would hold a text
field, which may be 30 MB of base64, three times in memory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidRequest
from voxshelf.http.received import LongText, Spool, spool_in
from voxshelf.http.resources import Resources

MAX_PARTS = 64
# The longest text of the contract is 50,000 characters, four bytes each at the most.
_LONG_TEXT_BYTES = 256 * 1024
# Werkzeug reads the parameters of a part's header in quadratic time: 12 MB of them would take a
# minute. So the decoder may hold back little more than it gets at once, which takes 50 ms at the
# worst; browsers' headers have some hundred bytes. Smaller pieces cost more time for every file.
_CHUNK_BYTES = 64 * 1024
_MAX_UNREAD_BYTES = 72 * 1024


class Readable(Protocol):
    """Where a body comes from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a form: texts, and the files under the names that take files."""

    texts: Mapping[str, str | LongText]
    files: Mapping[str, Content]


def read_form(
    stream: Readable, boundary: str, file_names: frozenset[str], resources: Resources
) -> Form:
    """Read a form; of parts with the same name the first counts.

    A part is a file when it has a file name and its own name is one of `file_names`: browsers
    give file names to blobs that hold plain text, too.

    Raises:
        InvalidRequest: when it is damaged, not UTF-8, or has too many parts.
    """
    texts: dict[str, str | LongText] = {}
    files: dict[str, Content] = {}
    for part, spool in _parts(stream, boundary, resources):
        if part.name in texts or part.name in files:
            continue
        if isinstance(part, File) and part.name in file_names:
            files[part.name] = spool.content()
        else:
            texts[part.name] = _text(spool)
    return Form(texts, files)


def _parts(
    stream: Readable, boundary: str, resources: Resources
) -> Iterator[tuple[Field | File, Spool]]:
    part: Field | File | None = None
    spool: Spool | None = None
    for event in _events(stream, boundary):
        if isinstance(event, Field | File):
            part, spool = event, spool_in(resources)
        elif isinstance(event, Data) and part is not None and spool is not None:
            spool.write(event.data)
            if not event.more_data:
                yield part, spool


def _events(stream: Readable, boundary_text: str) -> Iterator[Event]:
    boundary = boundary_text.encode("latin-1", "replace")
    decoder = MultipartDecoder(
        boundary, max_form_memory_size=_MAX_UNREAD_BYTES, max_parts=MAX_PARTS
    )
    pieces = _pieces(stream, b"--" + boundary)
    try:
        event: Event = decoder.next_event()
        while not isinstance(event, Epilogue):
            if isinstance(event, NeedData):
                decoder.receive_data(next(pieces, None))
            else:
                yield event
            event = decoder.next_event()
    except (ValueError, LookupError):
        raise InvalidRequest("The multipart body cannot be read.") from None
    except HTTPException:
        raise InvalidRequest(
            f"The form has more than {MAX_PARTS} parts, or headers without end."
        ) from None


def _pieces(stream: Readable, delimiter: bytes) -> Iterator[bytes]:
    """Yield a body in pieces of which none ends in or just behind a delimiter.

    Werkzeug (3.1) takes the line break before a delimiter for data when it is given the delimiter
    and only one byte of what follows it: files would get a byte too many.
    """
    # A delimiter, and the two dashes or the line break that make it one.
    whole = len(delimiter) + 4
    unread = b""
    while chunk := stream.read(_CHUNK_BYTES):
        unread += chunk
        end = len(unread) - whole
        found = unread.rfind(delimiter, max(0, end - whole), max(0, end + len(delimiter) - 1))
        end = found if found >= 0 else end
        if end > 0:
            yield unread[:end]
            unread = unread[end:]
    if unread:
        yield unread


def _text(spool: Spool) -> str | LongText:
    if spool.size_bytes > _LONG_TEXT_BYTES:
        return spool.text()
    spool.seek(0)
    try:
        return spool.read().decode()
    except UnicodeDecodeError:
        raise InvalidRequest("A text field of the form is not valid UTF-8.") from None
