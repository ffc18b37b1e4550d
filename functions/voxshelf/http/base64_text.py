"""Base64 of files, decoded in pieces."""

import binascii
import re

from voxshelf.http.received import LongText, Spool

_DATA_URI = re.compile(rb"data:[\w.+\-/;= ]{0,200}?;base64,")
_PIECE_BYTES = 64 * 1024
_LINE_BREAKS = b" \t\r\n"


class NotBase64(Exception):
    """The text has other characters than base64, or ends in the middle of a group."""


def decoded_bytes(text: LongText) -> int:
    """Return how many bytes a text stands for at the most."""
    return text.size_bytes // 4 * 3 + 3


def decode_base64(text: LongText, into: Spool) -> None:
    """Write the bytes that a text stands for; a `data:` URI prefix and line breaks are taken.

    Raises:
        NotBase64.
    """
    prefix = _DATA_URI.match(text.piece(0, 300))
    start = prefix.end() if prefix else 0
    rest, ended = b"", False
    for offset in range(start, text.size_bytes, _PIECE_BYTES):
        piece = text.piece(offset, offset + _PIECE_BYTES).translate(None, _LINE_BREAKS)
        if ended and piece:
            raise NotBase64
        rest += piece
        # Four letters are three bytes; what is left of a group waits for the next piece.
        whole = len(rest) - len(rest) % 4
        into.write(_decode(rest[:whole]))
        ended = b"=" in rest[:whole]
        rest = rest[whole:]
    if rest:
        raise NotBase64


def _decode(groups: bytes) -> bytes:
    try:
        return binascii.a2b_base64(groups, strict_mode=True)
    except ValueError:
        raise NotBase64 from None
