"""Ogg (RFC 3533) with one stream of Vorbis (Vorbis I, section 4.2.2) or Opus (RFC 7845)."""

import struct
from typing import BinaryIO

from voxshelf.core.containers.track import Track, bytes_at
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType

_FIRST, _LAST = 2, 4
_NO_POSITION = -1
_OPUS_RATE_HZ = 48_000
# Browsers put 20 ms and more on a page: this is four hours of that.
_MAX_PAGES = 720_000
_PAGE = struct.Struct("<4sBBqIIIB")


def read_track(stream: BinaryIO, size_bytes: int) -> Track:
    """Read a file that begins with OggS: pages in order, a first and a last one, no gap.

    Its length is the position that its last page declares. It is an upper bound: a stream may
    begin later than at 0.

    Raises:
        UnsupportedMediaType: when it holds neither Vorbis nor Opus.
        InvalidAudio: when pages are damaged, missing or too many, or streams are chained.
    """
    rate, channels, skipped = _first_packet(bytes_at(stream, 0, min(size_bytes, 64)))
    frames = _last_position(stream, size_bytes) - skipped
    return Track(rate, channels, max(0, frames), 0, 0, size_bytes)


def _first_packet(page: bytes) -> tuple[int, int, int]:
    """Return rate, channels, and how many frames at the beginning are not played."""
    # A first page holds one packet shorter than 255 bytes: its table is one byte long.
    packet = page[28:]
    if packet[:7] == b"\x01vorbis" and len(packet) >= 16:
        channels, rate = struct.unpack("<BI", packet[11:16])
        return rate, channels, 0
    if packet[:8] == b"OpusHead" and len(packet) >= 19:
        channels, skipped = struct.unpack("<BH", packet[9:12])
        return _OPUS_RATE_HZ, channels, skipped
    raise UnsupportedMediaType("Of Ogg files, those with Vorbis or Opus are kept.")


def _last_position(stream: BinaryIO, size_bytes: int) -> int:
    """Walk over all pages and return the position after the last frame."""
    offset = position = number = 0
    first_serial = flags = None
    while offset < size_bytes:
        head = bytes_at(stream, offset, _PAGE.size)
        magic, version, flags, granule, serial, sequence, _, segments = _PAGE.unpack(head)
        first_serial = serial if first_serial is None else first_serial
        if (
            (magic, version) != (b"OggS", 0)
            or (serial, sequence) != (first_serial, number)
            or bool(flags & _FIRST) != (number == 0)
            or number > _MAX_PAGES
        ):
            raise InvalidAudio("The Ogg file has damaged or missing pages, or several streams.")
        if granule != _NO_POSITION:
            if granule < position:
                raise InvalidAudio("The Ogg file's pages run backwards in time.")
            position = granule
        offset += _PAGE.size + segments + sum(stream.read(segments))
        number += 1
        if flags & _LAST:
            break
    if offset != size_bytes or not (flags or 0) & _LAST:
        raise InvalidAudio("The Ogg file is cut off, or goes on after its end.")
    return position
