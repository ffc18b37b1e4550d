"""Audio that is small and takes long, or holds much; all of it is legal, or nearly."""

import io
import struct

import numpy as np
import soundfile

from benchmarks import recordings

_RATE_HZ = 24_000
# CRC-8 and CRC-16 of FLAC (RFC 9639, section 9.1.8 and 9.3).
_POLYNOMIAL_8, _POLYNOMIAL_16 = 0x07, 0x8005


def constant_flac(hours: float, block: int = 4096) -> bytes:
    """A FLAC file of frames of one value each: legal, and a thousandth of its length."""
    count = round(hours * 3600 * _RATE_HZ / block)
    packed = _RATE_HZ << 44 | 15 << 36 | count * block
    info = struct.pack(">HH", block, block) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80\0\0\x22" + info + b"".join(_frame(number, block) for number in range(count))


def _frame(number: int, block: int) -> bytes:
    coded = chr(number).encode("utf-8", "surrogatepass")
    head = b"\xff\xf8\x70\x08" + coded + struct.pack(">H", block - 1)
    frame = head + bytes([_crc(head, _POLYNOMIAL_8, 8)]) + b"\x00\x10\x00"
    return frame + struct.pack(">H", _crc(frame, _POLYNOMIAL_16, 16))


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value, top, mask = 0, 1 << bits - 1, (1 << bits) - 1
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value


def repeated_mp3(size_bytes: int) -> bytes:
    """Frames of one second of MP3, over and over."""
    data = _encoded("MP3", np.zeros(_RATE_HZ, np.float32))
    return data + data[len(data) // 2 :] * (size_bytes // len(data) * 2)


def quiet_ogg(minutes: float) -> bytes:
    """Ogg Vorbis of next to nothing, which takes few bytes a minute."""
    file, block = io.BytesIO(), np.zeros(_RATE_HZ, np.float32)
    # In blocks: libsndfile writes no 3 M frames at once.
    with soundfile.SoundFile(file, "w", _RATE_HZ, 1, format="OGG", subtype="VORBIS") as ogg:
        for _ in range(round(minutes * 60)):
            ogg.write(block)
    return file.getvalue()


def _encoded(form: str, samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, _RATE_HZ, format=form)
    return file.getvalue()


def many_chunks(size_bytes: int) -> bytes:
    """A WAV file of empty chunks, with a second of sound at its end."""
    sound = recordings.recording(1)
    chunks = b"junk\0\0\0\0" * (size_bytes // 8)
    body = b"WAVE" + sound[12:36] + chunks + sound[36:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def sparse_wav(size_bytes: int) -> bytes:
    """The head of a WAV file of so many bytes of silence, which lie behind it."""
    fixed = struct.pack("<HHIIHH", 1, 1, _RATE_HZ, 2 * _RATE_HZ, 2, 16)
    left = size_bytes - 44
    return (
        b"RIFF" + struct.pack("<I", left + 36) + b"WAVEfmt \x10\0\0\0" + fixed
        + b"data" + struct.pack("<I", left)
    )  # fmt: skip
