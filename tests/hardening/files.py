"""Files that lie: built byte by byte, independent of the code that has to see through them."""

import struct

from tests.sounds import encoded, tone, wav

PCM_16_MONO = struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 2, 16)


def chunk(name: bytes, data: bytes, *, padded: bool = True) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2 if padded else 0)


def riff(*chunks: bytes, declared: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if declared is None else declared) + body


def pcm(duration_s: float = 1.0) -> bytes:
    """Samples of 16-bit mono at 24 kHz."""
    return wav(duration_s)[44:]


def format_chunk(
    *, tag: int = 1, channels: int = 1, rate_hz: int = 24_000, bits: int = 16, extra: bytes = b""
) -> bytes:
    frame_bytes = channels * bits // 8
    per_second = min(rate_hz * frame_bytes, 2**32 - 1)
    fixed = struct.pack("<HHIIHH", tag, channels, rate_hz, per_second, frame_bytes, bits)
    return chunk(b"fmt ", fixed + extra)


def extensible(sub_format: int, bits: int, *, channels: int = 1) -> bytes:
    tail = bytes.fromhex("000000001000800000aa00389b71")
    extra = struct.pack("<HHIH", 22, bits, 4, sub_format) + tail
    return format_chunk(tag=0xFFFE, bits=bits, channels=channels, extra=extra)


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value, top, mask = 0, 1 << bits - 1, (1 << bits) - 1
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value


def flac(*, total: int | None = None, rate_hz: int = 24_000, **options) -> bytes:
    """A second of FLAC that declares `total` frames."""
    data = encoded(tone(1.0, rate_hz=rate_hz), rate_hz=rate_hz, form="FLAC", **options)
    if total is None:
        return data
    packed = int.from_bytes(data[18:26], "big") >> 36 << 36 | total
    return data[:18] + packed.to_bytes(8, "big") + data[26:]


def flac_bomb(hours: float, *, rate_hz: int = 24_000, block: int = 65_535) -> bytes:
    """A FLAC file of valid frames of one value each: about 1.5 MB for 75 hours."""
    count = round(hours * 3600 * rate_hz / block)
    packed = rate_hz << 44 | 15 << 36 | min(count * block, 2**36 - 1)
    info = struct.pack(">HH", block, block) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    frames = b"".join(_constant_frame(number, block) for number in range(count))
    return b"fLaC\x80\0\0\x22" + info + frames


def _constant_frame(number: int, block: int) -> bytes:
    # 16 bits of block size follow (7), rate from STREAMINFO (0), mono (0), 16 bits (4).
    head = b"\xff\xf8\x70\x08" + _coded(number) + struct.pack(">H", block - 1)
    frame = head + bytes([_crc(head, 0x07, 8)]) + b"\x00\x01\x00"
    return frame + struct.pack(">H", _crc(frame, 0x8005, 16))


def _coded(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


def ogg_pages(data: bytes) -> list[bytes]:
    pages = []
    while data:
        segments = data[26]
        size = 27 + segments + sum(data[27 : 27 + segments])
        pages.append(data[:size])
        data = data[size:]
    return pages


def ogg_page(page: bytes, **fields: int) -> bytes:
    """The page with other `flags`, `granule`, `serial` or `sequence`, and a good checksum."""
    places = {"flags": (5, "B"), "granule": (6, "<q"), "serial": (14, "<I"), "sequence": (18, "<I")}
    changed = bytearray(page)
    for name, value in fields.items():
        offset, form = places[name]
        struct.pack_into(form, changed, offset, value)
    changed[22:26] = bytes(4)
    struct.pack_into("<I", changed, 22, _crc(changed, 0x04C11DB7, 32))
    return bytes(changed)


def ogg(subtype: str = "VORBIS", *, last_granule: int | None = None) -> bytes:
    data = encoded(tone(3.0), form="OGG", subtype=subtype)
    if last_granule is None:
        return data
    *pages, last = ogg_pages(data)
    return b"".join([*pages, ogg_page(last, granule=last_granule)])


def mp3(*, count: int | None = None) -> bytes:
    """Three seconds of MP3; `count` is what its Xing frame says."""
    data = encoded(tone(3.0), form="MP3")
    if count is None:
        return data
    mark = data.index(b"Xing")
    return data[: mark + 8] + struct.pack(">I", count) + data[mark + 12 :]


def mp3_without_count() -> bytes:
    """The same with the frame that counts left out: a variable bit rate, as cut by a tool."""
    data = mp3()
    # MPEG-2, 24 kHz: 72 * bit rate / rate.
    kbits = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[data[2] >> 4]
    return data[72 * kbits * 1000 // 24_000 + (data[2] >> 1 & 1) :]


def id3v2(size: int = 300) -> bytes:
    return b"ID3\x04\0\0" + bytes([0, 0, size >> 7, size & 0x7F]) + b"\0" * size


def apev2(data: bytes = b"x" * 20) -> bytes:
    def mark(flags: int) -> bytes:
        return b"APETAGEX" + struct.pack("<IIII", 2000, 32 + len(data), 1, flags) + bytes(8)

    return mark(1 << 31 | 1 << 29) + data + mark(1 << 31)
