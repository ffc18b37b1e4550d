"""multipart/form-data, read part by part into spools.

Werkzeug's decoder (its sans-I/O layer) finds the parts; its form parser would hold a text
field, which may be 30 MB of base64, three times in memory.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from werkzeug.exceptions import HTTPException
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidRequest
from voxshelf.http.received import LongText, Spool, spool_in

MAX_PARTS = 64
# The longest text of the contract is 50,000 characters, four bytes each at the most.
_LONG_TEXT_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024


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
    stream: Readable, boundary: str, file_names: frozenset[str], resources: ExitStack
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
    stream: Readable, boundary: str, resources: ExitStack
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


def _events(stream: Readable, boundary: str) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), max_parts=MAX_PARTS)
    try:
        event: Event = decoder.next_event()
        while not isinstance(event, Epilogue):
            if isinstance(event, NeedData):
                decoder.receive_data(stream.read(_CHUNK_BYTES) or None)
            else:
                yield event
            event = decoder.next_event()
    except (ValueError, LookupError):
        raise InvalidRequest("The multipart body cannot be read.") from None
    except HTTPException:
        raise InvalidRequest(f"The form has more than {MAX_PARTS} parts.") from None


def _text(spool: Spool) -> str | LongText:
    if spool.size_bytes > _LONG_TEXT_BYTES:
        return spool.text()
    spool.seek(0)
    try:
        return spool.read().decode()
    except UnicodeDecodeError:
        raise InvalidRequest("A text field of the form is not valid UTF-8.") from None
