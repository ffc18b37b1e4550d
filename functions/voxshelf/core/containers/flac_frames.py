"""Frames of FLAC (RFC 9639, section 9): where the last one stands, and what it says."""

from voxshelf.core.errors import InvalidAudio

_FIXED, _VARIABLE = b"\xff\xf8", b"\xff\xf9"
# Bytes within a frame may look like a header. That one in 256 of those has a good checksum
# makes more than a few of them a forgery.
_MAX_CANDIDATES = 16


def last_frame_end(tail: bytes, block_frames: int) -> int:
    """Return the position, counted in frames of audio, at which a stream ends.

    `tail` is the end of the file, long enough for one coded frame; `block_frames` is the fixed
    block size. The coded frame that ends exactly where the file does is found by its checksums
    (sections 9.1.8 and 9.3).

    Raises:
        InvalidAudio: when there is none: the file is cut off, or goes on after its end.
    """
    offset = len(tail)
    for _ in range(_MAX_CANDIDATES):
        offset, end = _header_before(tail, offset, block_frames)
        if _crc16(tail[offset:]) == 0:
            return end
    raise _no_end()


def _no_end() -> InvalidAudio:
    return InvalidAudio("The FLAC file is cut off, or goes on after its end.")


def _header_before(tail: bytes, offset: int, block_frames: int) -> tuple[int, int]:
    """Return the place of the last good header before `offset`, and where its block ends."""
    while True:
        offset = max(tail.rfind(_FIXED, 0, offset + 1), tail.rfind(_VARIABLE, 0, offset + 1))
        if offset < 0:
            raise _no_end()
        end = _block_end(tail[offset : offset + 16], block_frames)
        if end is not None:
            return offset, end


def _block_end(head: bytes, block_frames: int) -> int | None:
    """Return where the block of a coded frame ends, or None when the bytes are no header."""
    if len(head) < 6 or head[3] & 1:
        return None
    number_bytes = _number_bytes(head[4])
    size_code, rate_code = head[2] >> 4, head[2] & 15
    size_at = 4 + number_bytes
    rate_at = size_at + {6: 1, 7: 2}.get(size_code, 0)
    crc_at = rate_at + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if number_bytes == 0 or crc_at >= len(head) or _crc8(head[: crc_at + 1]) != 0:
        return None
    block = _block_size(size_code, int.from_bytes(head[size_at:rate_at], "big"))
    number = _number(head[4:size_at])
    return (number if head[:2] == _VARIABLE else number * block_frames) + block


def _block_size(code: int, stored: int) -> int:
    """Return a block size by its code (section 9.1.1)."""
    if code in (6, 7):
        return stored + 1
    if code == 1:
        return 192
    return 144 << code if code < 6 else 1 << code


def _number_bytes(first: int) -> int:
    """Return the length of a number coded as UTF-8 codes characters, up to 36 bits; or 0."""
    ones = 8 - (first ^ 0xFF).bit_length()
    return {0: 1, 1: 0, 8: 0}.get(ones, ones)


def _number(coded: bytes) -> int:
    if len(coded) == 1:
        return coded[0]
    number = coded[0] & (0x7F >> len(coded))
    for byte in coded[1:]:
        number = number << 6 | byte & 0x3F
    return number


def _table(polynomial: int, bits: int) -> tuple[int, ...]:
    top, mask = 1 << bits - 1, (1 << bits) - 1
    entries = []
    for index in range(256):
        value = index << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        entries.append(value)
    return tuple(entries)


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def _crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & 0xFF00) ^ _CRC16[value >> 8 ^ byte]
    return value
