"""MPEG-1, MPEG-2 (ISO 11172-3, 13818-3) and MPEG-2.5 layer III, and the tags around it.

The length of an MP3 file is known by counting its frames only; a Xing or Info frame in front
(LAME's tag specification, revision 1) repeats the count, and must be right.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from voxshelf.core.containers.track import Track, bytes_at
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType

# By version bits: 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5.
_RATES_HZ = {
    3: (44_100, 48_000, 32_000),
    2: (22_050, 24_000, 16_000),
    0: (11_025, 12_000, 8_000),
}
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
# Four hours of the shortest frames, 24 ms (MPEG-1 at 48 kHz and MPEG-2 at 24 kHz).
_MAX_FRAMES = 600_000
# Decoders leave out what layer III adds to the beginning; LAME's tag says more of it, in 12 bits
# for the beginning and 12 for the end.
_DECODER_DELAY, _MAX_TRIMMED = 529, 2 * 4095
# Files with more than two have not been seen.
_MAX_TAGS = 4
_MAX_ZEROS = 65_536


@dataclass(frozen=True, slots=True)
class _Header:
    """One frame's header. `kind` must be the same for all frames of a file."""

    kind: tuple[int, int, bool]
    rate_hz: int
    samples: int
    size_bytes: int

    @property
    def channels(self) -> int:
        return 1 if self.kind[2] else 2

    @property
    def info_offset(self) -> int:
        """Where a Xing or Info mark stands: after the header and the side information."""
        first, other = (17, 32) if self.kind[0] == 3 else (9, 17)
        return 4 + (first if self.channels == 1 else other)


def read_header(four: bytes) -> _Header | None:
    """Return what four bytes say as a header of a layer III frame, or None.

    None, too, for a free bit rate, whose frames have no declared length.
    """
    if len(four) < 4 or four[0] != 0xFF or four[1] & 0xE6 != 0xE2:
        return None
    version, bits, rate_index = four[1] >> 3 & 3, four[2] >> 4, four[2] >> 2 & 3
    if version == 1 or bits in (0, 15) or rate_index == 3:
        return None
    rate = _RATES_HZ[version][rate_index]
    kbits, samples = (_KBITS_1[bits], 1152) if version == 3 else (_KBITS_2[bits], 576)
    size = samples // 8 * kbits * 1000 // rate + (four[2] >> 1 & 1)
    return _Header((version, rate_index, four[3] >> 6 == 3), rate, samples, size)


def read_track(stream: BinaryIO, size_bytes: int) -> Track:
    """Read a file that begins with a frame or an ID3v2 tag: frames without a gap to its end.

    The decoder is shown the frames alone. Where no count stands in front of them, a frame that
    says it is put there: without one the decoder estimates the length from the first bit rate,
    and stops there.

    Raises:
        UnsupportedMediaType: when no frame follows the tag.
        InvalidAudio: when frames are damaged or cut off, or the count in front is wrong.
    """
    start, end = _after_tags(stream, size_bytes), _before_tags(stream, size_bytes)
    first = read_header(bytes_at(stream, start, 4)) if start + 4 <= end else None
    if first is None:
        raise UnsupportedMediaType("After its ID3 tag the file holds no MP3.")
    count = _count_frames(stream, start, end, first)
    info = _info_frame(stream, start, first)
    if info is None:
        head = _counting_frame(bytes_at(stream, start, 4), first, count)
        return _track(first, count, _DECODER_DELAY, start, end, head)
    (declared,), audio = info, count - 1
    if declared not in (None, audio, count):
        raise InvalidAudio(f"The MP3 file has {audio} frames, and says {declared}.")
    if declared == audio:
        return _track(first, audio, _MAX_TRIMMED, start, end)
    head = _counting_frame(bytes_at(stream, start, 4), first, audio)
    return _track(first, audio, _DECODER_DELAY, start + first.size_bytes, end, head)


def _track(
    first: _Header, count: int, trimmed: int, start: int, end: int, head: bytes = b""
) -> Track:
    frames = count * first.samples
    least = max(0, frames - trimmed)
    return Track(first.rate_hz, first.channels, frames, least, start, end, head)


def _count_frames(stream: BinaryIO, start: int, end: int, first: _Header) -> int:
    offset, count = start, 0
    while offset < end:
        header = read_header(bytes_at(stream, offset, 4))
        if header is None or header.kind != first.kind:
            raise InvalidAudio("The MP3 file is damaged, or changes its format on the way.")
        offset += header.size_bytes
        count += 1
        if offset > end or count > _MAX_FRAMES:
            raise InvalidAudio("The MP3 file is cut off within a frame, or is too long.")
    return count


def _info_frame(stream: BinaryIO, start: int, first: _Header) -> tuple[int | None] | None:
    """Return the count of the first frame if it is a Xing or Info frame, which holds no audio."""
    frame = bytes_at(stream, start, first.size_bytes)[first.info_offset :]
    if frame[:4] not in (b"Xing", b"Info") or len(frame) < 12:
        return None
    flags, declared = struct.unpack(">II", frame[4:12])
    return (declared if flags & 1 else None,)


def _counting_frame(header: bytes, first: _Header, count: int) -> bytes:
    """Return an Xing frame of the same kind that declares so many frames."""
    # The ninth bit rate makes it longer than its mark in every format; no checksum, no padding.
    marked = bytes([header[0], header[1] | 1, 0x90 | header[2] & 0x0C, header[3]])
    shape = read_header(marked)
    assert shape is not None  # noqa: S101 - made of a good header
    frame = marked.ljust(first.info_offset, b"\0") + b"Xing" + struct.pack(">II", 1, count)
    return frame.ljust(shape.size_bytes, b"\0")


def _after_tags(stream: BinaryIO, size_bytes: int) -> int:
    """Return where ID3v2 tags (ID3v2.4.0, section 3.1) and zeros after them end."""
    offset = 0
    for _ in range(_MAX_TAGS):
        stream.seek(offset)
        head = stream.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:]) > 0x7F:
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
    if offset > size_bytes:
        raise InvalidAudio("The MP3 file is cut off within its ID3 tag.")
    if offset:
        stream.seek(offset)
        zeros = stream.read(_MAX_ZEROS)
        offset += len(zeros) - len(zeros.lstrip(b"\0"))
    return offset


def _before_tags(stream: BinaryIO, size_bytes: int) -> int:
    """Return where tags at the end begin: APEv2, then Lyrics3 v2, then ID3v1."""
    end = size_bytes
    if end >= 128 and bytes_at(stream, end - 128, 3) == b"TAG":
        end -= 128
    if end >= 15 and bytes_at(stream, end - 9, 9) == b"LYRICS200":
        digits = bytes_at(stream, end - 15, 6)
        end -= 15 + (int(digits) if digits.isdigit() else 0)
    if end >= 32 and bytes_at(stream, end - 32, 8) == b"APETAGEX":
        size, _, flags = struct.unpack("<III", bytes_at(stream, end - 20, 12))
        end -= size + (32 if flags & 1 << 31 else 0)
    return max(0, end)
