"""Base64 of files, decoded in pieces."""

import binascii
import re

from voxshelf.http.received import LongText, Spool

# RFC 2397; parameters may be quoted, and what is quoted may hold commas.
_DATA_URI = re.compile(
    rb'(?:\xef\xbb\xbf)?\s{0,20}data:(?:[\w.+\-/=;, ]|"[^"\r\n]{0,100}"){0,200}?; ?base64,',
    re.IGNORECASE,
)
_PREFIX_BYTES = 600
_PIECE_BYTES = 64 * 1024
_LINE_BREAKS = b" \t\r\n\f\v"
# RFC 4648, section 5: the alphabet that is safe in addresses.
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_OF_EACH = (re.compile(rb"[+/]"), re.compile(rb"[-_]"))


class NotBase64(Exception):
    """The text has other characters than base64, or ends in the middle of a group."""


def decoded_bytes(text: LongText) -> int:
    """Return how many bytes a text stands for at the most."""
    return text.size_bytes // 4 * 3 + 3


def decode_base64(text: LongText, into: Spool) -> None:
    """Write the bytes that a text stands for.

    A `data:` URI prefix, line breaks, both alphabets (not in one text) and a missing padding are
    taken.

    Raises:
        NotBase64.
    """
    prefix = _DATA_URI.match(text.piece(0, _PREFIX_BYTES))
    start = prefix.end() if prefix else 0
    rest, ended, alphabets = b"", False, [False, False]
    for offset in range(start, text.size_bytes, _PIECE_BYTES):
        piece = text.piece(offset, offset + _PIECE_BYTES).translate(None, _LINE_BREAKS)
        if ended and piece:
            raise NotBase64
        alphabets = [
            known or bool(one.search(piece)) for known, one in zip(alphabets, _OF_EACH, strict=True)
        ]
        if all(alphabets):
            raise NotBase64
        rest += piece.translate(_URL_SAFE)
        # Four letters are three bytes; what is left of a group waits for the next piece.
        whole = len(rest) - len(rest) % 4
        into.write(_decode(rest[:whole]))
        ended = b"=" in rest[:whole]
        rest = rest[whole:]
    if rest:
        into.write(_decode(_padded(rest)))


def _padded(rest: bytes) -> bytes:
    """Return the last group with the padding that it lacks.

    One letter is not even a byte. Encoders leave the bits that no byte needs at zero: others
    would mean that something is missing.
    """
    padded = rest.rstrip(b"=") + b"=" * (-len(rest.rstrip(b"=")) % 4)
    if len(rest) == 1 or binascii.b2a_base64(_decode(padded), newline=False) != padded:
        raise NotBase64
    return padded


def _decode(groups: bytes) -> bytes:
    try:
        return binascii.a2b_base64(groups, strict_mode=True)
    except ValueError:
        raise NotBase64 from None
