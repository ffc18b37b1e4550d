"""RIFF/WAVE (Multimedia Programming Interface 1.0, 1991), with WAVEFORMATEXTENSIBLE (2001).

Streaming encoders that cannot seek back (ffmpeg into a pipe) write 0 or 0xFFFFFFFF as both
lengths. Such a file is kept: its samples then run to its end, in whole frames.
"""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from voxshelf.core.containers.track import Track, bytes_at
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType

_UNKNOWN = frozenset({0, 0xFFFFFFFF})
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
# A sub-format is its old tag in two bytes and this; as a GUID 0000xxxx-0000-0010-8000-...
_SUB_FORMAT_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_ENCODINGS = {
    (_PCM, 8): "PCM_U8",
    (_PCM, 16): "PCM_16",
    (_PCM, 24): "PCM_24",
    (_PCM, 32): "PCM_32",
    (_FLOAT, 32): "FLOAT",
    (_FLOAT, 64): "DOUBLE",
}
# Recorders write a dozen chunks at the most. A file of empty ones would only cost time.
_MAX_CHUNKS = 1_000


def read_track(stream: BinaryIO, size_bytes: int) -> Track:
    """Read a file that begins with RIFF and WAVE: one `fmt `, then one `data`, and an exact end.

    Raises:
        UnsupportedMediaType: when its samples are compressed.
        InvalidAudio: when it is cut off, goes on after its end, or contradicts itself.
    """
    (riff_bytes,) = struct.unpack("<I", bytes_at(stream, 4, 4))
    shape: tuple[str, int, int, int] | None = None
    data: tuple[int, int] | None = None
    for name, start, end in _chunks(stream, size_bytes, riff_bytes):
        if name == b"fmt ":
            if shape is not None:
                raise InvalidAudio("The WAV file has two format chunks.")
            shape = _shape(bytes_at(stream, start, min(end - start, 40)))
        elif name == b"data":
            if shape is None or data is not None:
                raise InvalidAudio("The WAV file has no format before its data, or data twice.")
            data = start, end
    if shape is None or data is None:
        raise InvalidAudio("The WAV file holds no audio.")
    encoding, channels, rate, frame_bytes = shape
    frames, rest = divmod(data[1] - data[0], frame_bytes)
    if rest:
        raise InvalidAudio("The WAV file ends within a frame.")
    return Track(rate, channels, frames, frames, *data, raw_encoding=encoding)


def _chunks(stream: BinaryIO, size_bytes: int, riff_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk; they must fill the file."""
    offset, end, count = 12, 12, 0
    while offset < size_bytes:
        name, length = struct.unpack("<4sI", bytes_at(stream, offset, 8))
        start, count = offset + 8, count + 1
        if name == b"data" and length == riff_bytes and length in _UNKNOWN:
            length = size_bytes - start
        end = start + length
        if end > size_bytes or not _is_name(name) or count > _MAX_CHUNKS:
            raise InvalidAudio("The WAV file is cut off, or has bytes that belong to no chunk.")
        yield name, start, end
        # Chunks of odd length are followed by a byte that their length does not count. At the
        # end of the file many writers leave it out.
        offset = end + length % 2
    if riff_bytes not in _UNKNOWN and riff_bytes + 8 not in (end, offset):
        raise InvalidAudio("The WAV file is longer or shorter than its header says.")


def _is_name(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in name)


def _shape(chunk: bytes) -> tuple[str, int, int, int]:
    """Return encoding, channels, rate and bytes per frame of a format chunk."""
    if len(chunk) < 16:
        raise InvalidAudio("The WAV file's format chunk is too short.")
    tag, channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == _EXTENSIBLE and len(chunk) == 40 and chunk[26:] == _SUB_FORMAT_TAIL:
        (tag,) = struct.unpack("<H", chunk[24:26])
    encoding = _ENCODINGS.get((tag, bits))
    if encoding is None:
        raise UnsupportedMediaType(
            "This encoding of WAV is not kept; save it as 16-bit PCM.",
            details={"format_tag": tag, "bits": bits},
        )
    if channels == 0 or frame_bytes != channels * bits // 8:
        raise InvalidAudio("The WAV file's format chunk contradicts itself.")
    return encoding, channels, rate, frame_bytes
