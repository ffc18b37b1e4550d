"""multipart/form-data, read part by part into spools.

What a part is, its field says: nothing is understood here. Werkzeug's decoder (its sans-I/O layer)
finds the parts; its form parser would hold a text field, which may be 30 MB of base64, three
times in memory.
"""

from collections.abc import Iterator
from typing import Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from voxshelf.core.errors import InvalidRequest
from voxshelf.http.received import Part, spool_in
from voxshelf.http.resources import Resources

# All fields, with 50 parameters and 20 tags as parts of their own.
MAX_PARTS = 128
# Werkzeug reads the parameters of a part's header in quadratic time: 12 MB of them would take a
# minute. So the decoder may hold back little more than it gets at once, which takes 50 ms at the
# worst; browsers' headers have some hundred bytes. Smaller pieces cost more time for every file.
_CHUNK_BYTES = 64 * 1024
_MAX_UNREAD_BYTES = 72 * 1024


class Readable(Protocol):
    """Where a body comes from."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""


def read_form(stream: Readable, boundary: str, resources: Resources) -> Iterator[tuple[str, Part]]:
    """Yield the parts of a form by name, in order; several may have the same name.

    Raises:
        InvalidRequest: when it is damaged, or has too many parts.
    """
    head: Field | File | None = None
    part: Part | None = None
    for event in _events(stream, boundary):
        if isinstance(event, Field | File):
            head, part = event, _part(event, resources)
        elif isinstance(event, Data) and head is not None and part is not None:
            part.spool.write(event.data)
            if not event.more_data:
                # Werkzeug's types do not say that a part may have no name at all.
                yield head.name or "", part


def _part(head: Field | File, resources: Resources) -> Part:
    _, options = parse_options_header(head.headers.get("Content-Type"))
    return Part(
        spool_in(resources),
        file_name=head.filename if isinstance(head, File) else None,
        charset=options.get("charset", "utf-8"),
        encoding=head.headers.get("Content-Transfer-Encoding", "").strip().lower(),
    )


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
