"""Every row of the table of hostile audio, as a save: answer, time and memory."""

import struct

import numpy as np
import pytest

from tests.hardening import files
from tests.hardening.bodies import form, part
from tests.hardening.conftest import SLOWEST_S, peak_bytes, workers
from tests.hardening.files import chunk, extensible, format_chunk, pcm, riff
from tests.sounds import content, encoded, tone, wav
from voxshelf.core.audio import SPEECH_LIMITS
from voxshelf.core.errors import InvalidAudio

DATA = chunk(b"data", pcm())


def of_rate(rate_hz: int) -> bytes:
    return riff(format_chunk(rate_hz=rate_hz), DATA)


def floats(value: float, subtype: str = "FLOAT") -> bytes:
    samples = tone(1.0)
    samples[12_345] = value
    return encoded(samples, subtype=subtype)


def replaced(page: int, **fields: int) -> bytes:
    pages = files.ogg_pages(files.ogg())
    pages[page] = files.ogg_page(pages[page], **fields)
    return b"".join(pages)


INVALID = {
    "flac of 75 hours": lambda: files.flac_bomb(75),
    "flac of 75 hours, as its 36 bits allow": lambda: files.flac(total=2**36 - 1),
    "flac of unknown length": lambda: files.flac(total=0),
    "flac that understates its length": lambda: files.flac(total=20_000),
    "flac that overstates its length": lambda: files.flac(total=24_001),
    "flac that is dense beyond sound": lambda: files.flac_bomb(3.9, rate_hz=8_000),
    "flac truncated": lambda: files.flac()[:-100],
    "flac truncated by a byte": lambda: files.flac()[:-1],
    "flac with trailing bytes": lambda: files.flac() + b"<script>",
    "flac of nothing but its header": lambda: files.flac()[:42],
    "flac at 1 Hz": lambda: (
        files.flac(total=24_000)[:18]
        + (1 << 44 | 15 << 36 | 24_000).to_bytes(8, "big")
        + files.flac()[26:]
    ),
    "ogg granule 2^62": lambda: files.ogg(last_granule=2**62),
    "ogg granule negative": lambda: files.ogg(last_granule=-2),
    "ogg granule too small": lambda: files.ogg(last_granule=100),
    "ogg granule too large": lambda: files.ogg(last_granule=80_000),
    "opus granule 2^62": lambda: files.ogg("OPUS", last_granule=2**62),
    "ogg truncated": lambda: files.ogg()[:-10],
    "ogg truncated between pages": lambda: b"".join(files.ogg_pages(files.ogg())[:-1]),
    "ogg with a page missing": lambda: b"".join(
        page for number, page in enumerate(files.ogg_pages(files.ogg())) if number != 3
    ),
    "ogg chained": lambda: files.ogg() + files.ogg(),
    "ogg multiplexed": lambda: replaced(3, serial=7),
    "ogg with trailing bytes": lambda: files.ogg() + b"PK\x03\x04",
    "ogg of nothing but headers": lambda: b"".join(files.ogg_pages(files.ogg())[:2]),
    "mp3 xing 2^32-1": lambda: files.mp3(count=2**32 - 1),
    "mp3 xing understated": lambda: files.mp3(count=60),
    "mp3 xing 0": lambda: files.mp3(count=0),
    "mp3 truncated": lambda: files.mp3()[:-50],
    "mp3 with bytes in the middle": lambda: files.mp3_without_count() + b"<html>" * 40,
    "mp3 of one frame": lambda: files.mp3()[:192],
    "mp3 tag longer than the file": lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + files.mp3(),
    "wav truncated": lambda: wav(1.0)[:-1000],
    "wav truncated by a byte": lambda: wav(1.0)[:-1],
    "wav of 0 frames": lambda: riff(format_chunk(), chunk(b"data", b"")),
    "wav header only": lambda: wav(1.0)[:44],
    "wav without data": lambda: riff(format_chunk()),
    "wav without format": lambda: riff(DATA),
    "wav of its first 12 bytes": lambda: wav(1.0)[:12],
    "wav with trailing bytes": lambda: wav(1.0) + b"trailing",
    "wav with one trailing byte": lambda: wav(1.0) + b"\0",
    "wav with a page behind it": lambda: wav(1.0) + b"<html><script>alert(1)</script>",
    "wav with two data chunks": lambda: riff(format_chunk(), DATA, DATA),
    "wav with two formats": lambda: riff(format_chunk(), format_chunk(channels=2), DATA),
    "wav with its data before its format": lambda: riff(DATA, format_chunk()),
    "wav whose data goes past its end": lambda: riff(
        format_chunk(), b"data" + struct.pack("<I", 2**31) + pcm()
    ),
    "wav of unknown length whose data goes past its end": lambda: riff(
        format_chunk(), b"data" + struct.pack("<I", 10**6) + pcm(), declared=0
    ),
    "wav whose header says more": lambda: riff(format_chunk(), DATA, declared=2**31),
    "wav whose header says less": lambda: riff(format_chunk(), DATA, declared=100),
    "wav of 1,024 channels": lambda: riff(
        format_chunk(channels=1024), chunk(b"data", b"\0" * 2048 * 24_000)[:200_000]
    ),
    "wav of 1,024 channels, whole": lambda: riff(
        format_chunk(channels=1024), chunk(b"data", b"\0" * 2048 * 1000)
    ),
    "wav of 0 channels": lambda: riff(format_chunk(channels=0), DATA),
    "wav at 0 Hz": lambda: of_rate(0),
    "wav at 1 Hz": lambda: of_rate(1),
    "wav at 2^31-1 Hz": lambda: of_rate(2**31 - 1),
    "wav at 2^32-1 Hz": lambda: of_rate(2**32 - 1),
    "wav of a million chunks": lambda: riff(format_chunk(), chunk(b"junk", b"") * 10**6, DATA),
    "wav that ends within a frame": lambda: riff(
        format_chunk(channels=2), chunk(b"data", pcm()[:-2])
    ),
    "wav with a frame size that is not its own": lambda: riff(
        chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 1, 16)), DATA
    ),
    "NaN": lambda: floats(np.nan),
    "infinity": lambda: floats(np.inf),
    "a double beyond a float": lambda: riff(
        format_chunk(tag=3, bits=64), chunk(b"data", struct.pack("<24000d", *[1e300] * 24_000))
    ),
    "silence but for faint noise": lambda: encoded(tone(1.0) * 0.001),
    "digital silence": lambda: encoded(np.zeros((24_000, 1), "f4")),
    "too short": lambda: wav(0.2),
    "too long": lambda: riff(format_chunk(bits=8), chunk(b"data", b"\x80" * 24_000 * 601)),
}

UNSUPPORTED = {
    "html before mp3": lambda: b"<html>" + files.mp3(),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "html": lambda: b"<!doctype html><script>alert(1)</script>",
    "script": lambda: b"#!/bin/sh\nrm -rf /\n",
    "AIFF": lambda: encoded(tone(1.0), form="AIFF"),
    "AIFF behind an ID3 tag": lambda: files.id3v2() + encoded(tone(1.0), form="AIFF"),
    "WAV behind an ID3 tag": lambda: files.id3v2() + wav(1.0),
    "an ID3 tag and nothing else": files.id3v2,
    "CAF": lambda: encoded(tone(1.0), form="CAF"),
    "IRCAM": lambda: encoded(tone(1.0), form="IRCAM"),
    "W64": lambda: encoded(tone(1.0), form="W64"),
    "RF64": lambda: encoded(tone(1.0), form="RF64"),
    "AU": lambda: encoded(tone(1.0), form="AU"),
    "SVX": lambda: encoded(tone(1.0), form="SVX"),
    "VOC": lambda: encoded(tone(1.0), form="VOC"),
    "NIST": lambda: encoded(tone(1.0), form="NIST"),
    "big-endian RIFX": lambda: b"RIFX" + wav(1.0)[4:],
    "ADPCM in WAV": lambda: encoded(tone(1.0), subtype="IMA_ADPCM"),
    "MS ADPCM in WAV": lambda: encoded(tone(1.0), subtype="MS_ADPCM"),
    "GSM in WAV": lambda: encoded(tone(1.0, rate_hz=8000), rate_hz=8000, subtype="GSM610"),
    "A-law in WAV": lambda: encoded(tone(1.0), subtype="ALAW"),
    "MP3 in WAV": lambda: riff(format_chunk(tag=0x55), chunk(b"data", files.mp3())),
    "extensible with a strange sub-format": lambda: riff(extensible(2, 16), DATA),
    "12-bit PCM": lambda: riff(format_chunk(bits=12), DATA),
    "FLAC in Ogg": lambda: _ogg_with_packet(b"\x7fFLAC\x01\x00"),
    "Speex in Ogg": lambda: _ogg_with_packet(b"Speex   "),
    "an MPEG layer II frame": lambda: b"\xff\xfd\x84\xc4" + bytes(4000),
    "WebM": lambda: b"\x1aE\xdf\xa3" + bytes(100),
    "MP4": lambda: b"\0\0\0\x20ftypM4A " + bytes(100),
    "a zip": lambda: b"PK\x03\x04" + bytes(100),
    "nothing but zeros": lambda: bytes(10_000),
}

KEPT = {
    "LIST before the data": lambda: riff(format_chunk(), _info(), DATA),
    "LIST after the data": lambda: riff(format_chunk(), DATA, _info()),
    "bext, fact and PEAK": lambda: riff(
        chunk(b"bext", bytes(602)),
        format_chunk(tag=3, bits=32, extra=b"\0\0"),
        chunk(b"fact", struct.pack("<I", 24_000)),
        chunk(b"PEAK", bytes(16)),
        chunk(b"data", tone(1.0).tobytes()),
    ),
    "a chunk of odd length": lambda: riff(format_chunk(), chunk(b"note", b"odd"), DATA),
    "8 bits of odd length": lambda: riff(
        format_chunk(bits=8), chunk(b"data", _bytes_of_8_bits(24_001))
    ),
    "8 bits of odd length, without the pad": lambda: riff(
        format_chunk(bits=8), chunk(b"data", _bytes_of_8_bits(24_001), padded=False)
    ),
    "extensible PCM": lambda: riff(extensible(1, 16), DATA),
    "extensible float": lambda: riff(extensible(3, 32), chunk(b"data", tone(1.0).tobytes())),
    "24 bits": lambda: encoded(tone(1.0), subtype="PCM_24"),
    "32 bits": lambda: encoded(tone(1.0), subtype="PCM_32"),
    "doubles": lambda: encoded(tone(1.0), subtype="DOUBLE"),
    "streamed by ffmpeg": lambda: riff(
        format_chunk(), _info(), b"data\xff\xff\xff\xff" + pcm(), declared=2**32 - 1
    ),
    "streamed with zeros": lambda: riff(format_chunk(), b"data\0\0\0\0" + pcm(), declared=0),
    "a RIFF length of zero": lambda: riff(format_chunk(), DATA, declared=0),
    "FLAC with a picture": lambda: _flac_with_block(6, bytes(50_000)),
    "FLAC with padding": lambda: _flac_with_block(1, bytes(8192)),
    "MP3 behind ID3v2": lambda: files.id3v2() + files.mp3(),
    "MP3 behind ID3v2 and zeros": lambda: files.id3v2() + bytes(100) + files.mp3(),
    "MP3 before ID3v1": lambda: files.mp3() + b"TAG" + bytes(125),
    "MP3 before APEv2": lambda: files.mp3() + files.apev2(),
    "MP3 before APEv2 and ID3v1": lambda: files.mp3() + files.apev2() + b"TAG" + bytes(125),
    "MP3 of variable rate without a count": files.mp3_without_count,
    "Vorbis": files.ogg,
    "Opus": lambda: files.ogg("OPUS"),
}


def _info() -> bytes:
    return chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"Lavf61.7.100\0"))


def _bytes_of_8_bits(count: int) -> bytes:
    return (128 + 100 * np.sin(np.arange(count) / 9)).astype("u1").tobytes()


def _flac_with_block(kind: int, data: bytes) -> bytes:
    flac = files.flac()
    block = bytes([kind]) + len(data).to_bytes(3, "big") + data
    return flac[:4] + b"\0" + flac[5:42] + block + flac[42:]


def _ogg_with_packet(packet: bytes) -> bytes:
    first, *others = files.ogg_pages(files.ogg())
    return b"".join([files.ogg_page(first[:28] + packet.ljust(30, b"\0")), *others])


def _one_packet_a_page() -> bytes:
    """Opus as MediaRecorder writes it: a page for each 20 ms."""
    head, tags, *others = files.ogg_pages(files.ogg("OPUS"))
    pages, position = [head, tags], 0
    packets = [packet for page in others for packet in _packets(page)]
    for number, packet in enumerate(packets):
        position += _opus_frames(packet)
        lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
        page = head[:26] + bytes([len(lacing)]) + lacing + packet
        last = number == len(packets) - 1
        fields = {"flags": 4 if last else 0, "granule": position, "sequence": number + 2}
        pages.append(files.ogg_page(page, **fields))
    return b"".join(pages)


def _opus_frames(packet: bytes) -> int:
    """Length of a packet of one frame at 48 kHz (RFC 6716, section 3.1)."""
    config = packet[0] >> 3
    if config < 12:
        return (480, 960, 1920, 2880)[config % 4]
    return (480, 960)[config % 2] if config < 16 else (120, 240, 480, 960)[config % 4]


def _packets(page: bytes) -> list[bytes]:
    packets, packet, offset = [], b"", 27 + page[26]
    for length in page[27:offset]:
        packet += page[offset : offset + length]
        offset += length
        if length < 255:
            packets.append(packet)
            packet = b""
    return packets


KEPT["Opus with one packet a page, as browsers record"] = _one_packet_a_page


def save(post, data: bytes, name: str = "sample.wav", voice_name: str = "Row"):
    named = part("voice_name", voice_name.encode())
    return post("voices_save", **form(named, part("audio_file", data, name)))


@pytest.mark.parametrize("row", INVALID)
def test_a_file_that_lies_or_is_unfit_is_422(post, services, row):
    answer = save(post, INVALID[row]())
    assert (answer.status, answer.code) == (422, "invalid_audio"), answer.body
    assert answer.took_s < SLOWEST_S
    assert services.library.records == {}
    assert services.objects.stored == {}


@pytest.mark.parametrize("row", UNSUPPORTED)
def test_a_format_that_is_not_kept_is_415(post, services, row):
    answer = save(post, UNSUPPORTED[row]())
    assert (answer.status, answer.code) == (415, "unsupported_media_type"), answer.body
    assert answer.took_s < SLOWEST_S
    assert services.objects.stored == {}


@pytest.mark.parametrize("row", KEPT)
def test_a_file_as_programs_really_write_it_is_kept(post, services, row):
    answer = save(post, KEPT[row]())
    assert answer.status == 201, answer.body
    assert answer.body["voice"]["sample"]["duration_s"] == pytest.approx(
        3.0 if row.startswith(("MP3", "Vorbis", "Opus")) else 1.0, abs=0.1
    )


@pytest.mark.parametrize(
    "name", ["x.raw", "x.vox", "x.aiff", "x.mp3", "../../x.wav", "x\0.wav", ""]
)
def test_the_name_of_a_file_decides_nothing(post, services, name):
    answer = save(post, wav(1.0), name or "blob")
    assert answer.status == 201, answer.body
    assert answer.body["voice"]["sample"]["format"] == "wav"
    answer = save(post, b"\x80" * 50_000, name or "blob", voice_name="Another")
    assert answer.status == 415


def test_the_flac_bomb_costs_no_second_and_no_memory(decoder):
    bomb = content(files.flac_bomb(75))
    assert bomb.size_bytes < 1_600_000
    decoder(content(wav(1.0)), SPEECH_LIMITS, "ada")
    before = {worker: peak_bytes(worker) for worker in workers()}
    with pytest.raises(InvalidAudio, match="lasts"):
        decoder(bomb, SPEECH_LIMITS, "ada")
    for worker, peak in before.items():
        assert peak_bytes(worker) - peak < 0.2 * bomb.size_bytes + 300_000


def test_the_memory_of_a_worker_does_not_grow_with_duration(decoder):
    decoder(content(wav(10.0)), SPEECH_LIMITS, "ada")
    before = {worker: peak_bytes(worker) for worker in workers()}
    long = riff(format_chunk(), chunk(b"data", pcm(1.0) * 450))
    facts = decoder(content(long), SPEECH_LIMITS, "ada")
    assert facts.duration_s == 450
    for worker, peak in before.items():
        assert peak_bytes(worker) - peak < 0.2 * len(long)
