"""Mutations of good files and requests, made from a seed: the same number is the same request.

Each is one of: a byte or some changed, a number of the structure set to an extreme, a piece cut
out, doubled, moved or filled, the end cut off or gone on, two files joined, a text of a request
replaced by a hostile one.
"""

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.hardening import files
from tests.hardening.bodies import BOUNDARY, b64, form, json_body, part
from tests.sounds import encoded, npy, tone, wav

Mutation = Callable[[random.Random, bytes], bytes]

_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)
_MARKS = (
    b"RIFF", b"WAVE", b"fmt ", b"data", b"LIST", b"fLaC", b"OggS", b"OpusHead", b"\x01vorbis",
    b"\x03vorbis", b"ID3\x04", b"TAG", b"APETAGEX", b"Xing", b"LAME", b"\xff\xfb\x90\x00",
    b"\xff\xf8", b"\x93NUMPY", b"<html>", b"\0" * 8, b"\r\n--" + BOUNDARY.encode(), b"=", b'"',
)  # fmt: skip
HOSTILE_TEXTS = (
    "", " ", "\0", "\x1b[2J", "\ud800", "\u202e", "😀" * 101, "x" * 10_000, "../../x", "%2e%2e%2f",
    ".", "..", "__x__", "a/b", "null", "NaN", "[]", "{}", "[" * 5_000, "9" * 5_000, "-1", "1e999",
    '{"a":1,"a":2}', "true", "\n", "ﬁ" * 64, "İ" * 64, "voice_row", "data:audio/wav;base64,",
)  # fmt: skip
_HOSTILE_VALUES = (
    *HOSTILE_TEXTS, None, True, 0, -1, 2**53, 2**63, 1e308, [], {}, [[]], [None], {"a": {"b": 1}},
    {"": 1}, ["x"] * 1000, {"__proto__": 1}, [1, 2, 3],
)  # fmt: skip
_NAMES = (
    "voice_name", "name", "voice_id", "language", "description", "tags", "consent", "parameters",
    "template_message", "replace", "runpod_job_id", "audio_base64", "profile_base64", "metadata",
    "text_input", "generation_time", "sample_rate", "audio_shape", "timestamp", "audio_path",
    "profile_path", "audio_file", "user_id", "status",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One request: the function it goes to, what was done, and what the test client sends."""

    number: int
    function: str
    what: str
    request: dict


@cache
def audio_files() -> dict[str, bytes]:
    """One short good file of each format."""
    return {
        "wav": wav(0.6),
        "wav float": encoded(tone(0.6), subtype="FLOAT"),
        "wav extensible": encoded(tone(0.6, channels=2), form="WAVEX"),
        "wav with chunks": files.riff(
            files.format_chunk(),
            files.chunk(b"LIST", b"INFOISFT\4\0\0\0abc\0"),
            files.chunk(b"data", files.pcm(0.6)),
            files.chunk(b"note", b"odd"),
        ),
        "flac": files.flac(),
        "vorbis": files.ogg(),
        "opus": files.ogg("OPUS"),
        "mp3": files.id3v2() + files.mp3() + b"TAG" + bytes(125),
        "mp3 without a count": files.mp3_without_count(),
    }


@cache
def profiles() -> dict[str, bytes]:
    """Good profiles: plain ones, and a pickled one."""
    return {
        "npy": npy(),
        "npy of half floats": npy(np.zeros((4, 8), "f2")),
        "npy of a pickle": npy(np.array([{"a": 1}], dtype=object)),
    }


def case(seed: int, number: int) -> Case:
    """Return the request of this number: a voice or a speech, in one of the three forms."""
    chance = random.Random(f"{seed}/{number}")
    function = chance.choice(("voices_save", "tts_save"))
    audio_name, audio = chance.choice(list(audio_files().items()))
    profile_name, profile = chance.choice(list(profiles().items()))
    what = chance.choice(("audio", "audio", "audio", "profile", "request", "request", "fields"))
    if what == "audio":
        audio = mutated(chance, audio)
    elif what == "profile":
        profile = mutated(chance, profile)
    fields = {"voice_name": "Row", "replace": "true", "voice_id": "voice_row", "text_input": "Hi."}
    if what == "fields":
        fields |= {chance.choice(_NAMES): chance.choice(_HOSTILE_VALUES) for _ in range(2)}
    shape = chance.choice(("form", "json", "base64 form"))
    request = _SHAPES[shape](fields, audio, profile)
    if what == "request":
        request["data"] = mutated(chance, request["data"])
        if chance.random() < 0.1:
            request["content_type"] = mutated(
                chance, request["content_type"].encode(), printable=True
            ).decode("latin-1")
    return Case(number, function, f"{what} of {audio_name}, {profile_name}, {shape}", request)


def mutated(chance: random.Random, data: bytes, *, printable: bool = False) -> bytes:
    """Return other bytes, by one to four mutations."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(_MUTATIONS)(chance, data)
    return bytes(0x20 + byte % 95 for byte in data[:500]) if printable else data


def _place(chance: random.Random, data: bytes) -> int:
    """A place in the data; more often near the beginning or the end, where structure is."""
    size = len(data)
    return chance.choice(
        (
            chance.randint(0, size),
            chance.randint(0, min(size, 64)),
            chance.randint(max(0, size - 64), size),
        )
    )


def _change_bits(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 8, 64)) if data else 0):
        changed[min(_place(chance, data), len(data) - 1)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _set_extreme(chance: random.Random, data: bytes) -> bytes:
    value, at = chance.choice(_EXTREMES), _place(chance, data)
    number = struct.pack(chance.choice("<>") + "I", value)[: chance.choice((1, 2, 4))]
    return data[:at] + number + data[at + len(number) :]


def _cut_out(chance: random.Random, data: bytes) -> bytes:
    start = _place(chance, data)
    return data[:start] + data[start + chance.choice((1, 2, 4, 27, 500, 10_000)) :]


def _cut_off(chance: random.Random, data: bytes) -> bytes:
    return data[: _place(chance, data)]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    start = _place(chance, data)
    piece = data[start : start + chance.choice((1, 4, 8, 300, 5_000))]
    return data[:start] + piece * chance.choice((2, 3, 100)) + data[start:]


def _insert(chance: random.Random, data: bytes) -> bytes:
    at, piece = _place(chance, data), chance.choice((*_MARKS, chance.randbytes(16)))
    return data[:at] + piece * chance.choice((1, 1, 1, 50)) + data[at:]


def _overwrite(chance: random.Random, data: bytes) -> bytes:
    at, piece = _place(chance, data), chance.choice(_MARKS)
    return data[:at] + piece + data[at + len(piece) :]


def _swap(chance: random.Random, data: bytes) -> bytes:
    first, middle, last = sorted(_place(chance, data) for _ in range(3))
    return data[:first] + data[middle:last] + data[first:middle] + data[last:]


def _join(chance: random.Random, data: bytes) -> bytes:
    other = chance.choice([*audio_files().values(), *profiles().values()])
    at, end = _place(chance, data), _place(chance, other)
    return data[:at] + other[end:]


def _fill(chance: random.Random, data: bytes) -> bytes:
    start = _place(chance, data)
    size = min(len(data) - start, chance.choice((4, 64, 4_000)))
    return data[:start] + bytes([chance.choice((0, 0x7F, 0xFF))]) * size + data[start + size :]


_MUTATIONS: tuple[Mutation, ...] = (
    _change_bits, _change_bits, _set_extreme, _set_extreme, _cut_out, _cut_off, _repeat, _insert,
    _overwrite, _swap, _join, _fill,
)  # fmt: skip


def _text(value: object) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")


def _form(fields: dict, audio: bytes, profile: bytes) -> dict:
    texts = [part(name, _text(value)) for name, value in fields.items()]
    return form(*texts, part("audio_file", audio, "a"), part("profile_file", profile, "p"))


def _base64_form(fields: dict, audio: bytes, profile: bytes) -> dict:
    whole = {"audio_base64": b64(audio), "profile_base64": b64(profile), **fields}
    return form(*(part(name, _text(value)) for name, value in whole.items()))


def _json(fields: dict, audio: bytes, profile: bytes) -> dict:
    return json_body({"audio_base64": b64(audio), "profile_base64": b64(profile), **fields})


_SHAPES = {"form": _form, "json": _json, "base64 form": _base64_form}
