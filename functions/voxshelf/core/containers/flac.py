"""FLAC: RFC 9639."""

from typing import BinaryIO

from voxshelf.core.containers.flac_frames import last_frame_end
from voxshelf.core.containers.track import Track, bytes_at
from voxshelf.core.errors import InvalidAudio

_LAST = 0x80
# The head of STREAMINFO (kind 0, 34 bytes), which always comes first.
_STREAM_INFO = bytes([0, 0, 0, 34])
# There are seven kinds; the pictures and comments of a file are some dozens at the most.
_MAX_BLOCKS = 1_000


def read_track(stream: BinaryIO, size_bytes: int) -> Track:
    """Read a file that begins with fLaC and ends with the frame that its length says.

    The decoder is shown nothing of the metadata but STREAMINFO. It stops at the declared length
    whatever follows, so a length that is too small is found here.

    Raises:
        InvalidAudio: when it is damaged, cut off, goes on after its end, or does not say how
            long it is, or not the truth.
    """
    head = bytes_at(stream, 4, 4)
    if bytes([head[0] & ~_LAST]) + head[1:] != _STREAM_INFO:
        raise InvalidAudio("The FLAC file does not begin with its stream information.")
    info = bytes_at(stream, 8, 34)
    # Bytes 10 to 17: 20 bits of rate, 3 of channels less one, 5 of bits less one, 36 of length.
    packed = int.from_bytes(info[10:18], "big")
    frames, channels = packed & (1 << 36) - 1, (packed >> 41 & 7) + 1
    if frames == 0:
        raise InvalidAudio("The FLAC file does not say how long it is: encode it again.")
    start = _frames_start(stream, size_bytes)
    bits = (packed >> 36 & 31) + 1
    end = _real_end(stream, start, size_bytes, info, channels * bits)
    if end != frames:
        raise InvalidAudio(f"The FLAC file holds {end} frames, and says {frames}.")
    shown = b"fLaC" + bytes([_LAST]) + _STREAM_INFO[1:] + info
    return Track(packed >> 44, channels, frames, frames, start, size_bytes, shown)


def _frames_start(stream: BinaryIO, size_bytes: int) -> int:
    """Return where the metadata ends."""
    offset = 4
    for _ in range(_MAX_BLOCKS):
        head = bytes_at(stream, offset, 4)
        offset += 4 + int.from_bytes(head[1:], "big")
        if offset >= size_bytes:
            break
        if head[0] & _LAST:
            return offset
    raise InvalidAudio("The FLAC file ends within its metadata.")


def _real_end(stream: BinaryIO, start: int, size_bytes: int, info: bytes, frame_bits: int) -> int:
    """Return the number of frames that the last coded frame leads to."""
    shortest, longest = int.from_bytes(info[:2], "big"), int.from_bytes(info[2:4], "big")
    # Coded frames are at most as long as their samples, one more bit each in a side channel,
    # with some bytes around.
    tail_bytes = longest * (frame_bits + 1) // 8 + 64
    tail_start = max(start, size_bytes - tail_bytes)
    return last_frame_end(bytes_at(stream, tail_start, size_bytes - tail_start), shortest)
