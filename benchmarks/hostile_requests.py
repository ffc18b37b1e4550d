"""The requests that `benchmarks.hostile` sends: each is one that somebody could send today."""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import hostile_archives as archives
from benchmarks import hostile_audio as audio
from benchmarks import hostile_bodies as bodies
from benchmarks import recordings
from benchmarks.client import Request

_Requests = Callable[[int], Request]
_MB = 1_000_000
_MIB = 1024**2


@dataclass(frozen=True)
class Target:
    """Whose library is attacked: his id, a voice of his, and where his large uploads lie."""

    uid: str
    voice_id: str

    def upload(self, number: int) -> str:
        """Return the path of an upload of 190 MiB."""
        return f"uploads/{self.uid}/large-{number}.wav"


@dataclass(frozen=True)
class Hostile:
    """One kind of request; `request(number)` is one of those that are sent at once.

    `is_chunked` ones do not say how long they are, `is_anonymous` ones not whose.
    """

    name: str
    request: _Requests
    is_chunked: bool = False
    is_anonymous: bool = False


def all_requests(target: Target) -> Sequence[Hostile]:
    """Return all of them, in an order that has small functions first."""
    return (*_imports(), *_json(), *_forms(target), *_audio(target), *_others(target))


def _post(path: str, headers: dict[str, str], make: Callable[[], bytes]) -> _Requests:
    """Return requests that share a body, which is made when the first one is sent."""
    made = functools.cache(make)
    return lambda _: Request("POST", path, made(), headers)


def _imports() -> Sequence[Hostile]:
    sound = recordings.recording(60)
    made: dict[str, Callable[[], bytes]] = {
        "a ZIP of a million empty lines": lambda: archives.million_lines(b"\n"),
        "a ZIP of a million lines of {}": lambda: archives.million_lines(b"{}\n"),
        "a ZIP of 20,000 lines of 3 kB": lambda: archives.long_lines(20_000),
        "a ZIP of 32 lines of 2 MB": lambda: archives.long_lines(32),
        "a ZIP of 30 lines of 50,000 objects": archives.crowded_line,
        "a ZIP of one line of 60 MiB": archives.one_line,
        "a ZIP directory of 600,000 entries": lambda: archives.directory(600_000),
        "a ZIP directory of 89,000 entries": lambda: archives.directory(89_000),
        "a ZIP directory of 49,000 entries": lambda: archives.directory(49_000, 30),
        "a ZIP directory of names of 60 kB": lambda: archives.directory(69, 60_000),
        "a ZIP whose 40,000 entries overlap": lambda: archives.overlapping(40_000),
        "a ZIP within ZIPs": lambda: archives.nested(5),
        "a ZIP of 4 GiB of zeros": archives.four_gigabytes,
        "a ZIP of 200 MiB of zeros": lambda: archives.zeros(200 * _MIB),
        "a ZIP of a sample and a consent of 200 MiB": archives.two_large_files,
        "a ZIP of one file in 10,000 lines": lambda: archives.one_file_many_lines(sound, 10_000),
        "a body of 31 MiB that is no ZIP": lambda: bytes(bodies.BODY_BYTES),
    }
    path = "/api/library/import"
    return [Hostile(name, _post(path, bodies.ZIP, make)) for name, make in made.items()]


def _json() -> Sequence[Hostile]:
    size, filled = 24 * _MB, bodies.filled
    # As much as may stand beside long strings, and as many brackets and strings.
    short, brackets = 1_500_000, 29_000
    made: dict[str, Callable[[], bytes]] = {
        "24 MB of [[[": lambda: filled(b"[", size),
        "24 MB of names": lambda: bodies.many_keys(size),
        "24 MB of numbers": lambda: filled(b"0.1e5,", size, b'{"tags": [', b"0]}"),
        "1.5 MB of numbers": lambda: filled(b"1.5,", short, b'{"tags": [', b"0]}"),
        "600 kB of little strings": lambda: filled(b'"ab",', 600_000, b'{"tags": [', b"0]}"),
        "29,000 little objects": lambda: bodies.small_objects(brackets),
        "1.5 MB of text beyond the basic plane": lambda: filled(
            "\N{GRINNING FACE}".encode(), 600_000, b'{"voice_id": "x", "text": "', b'"}'
        ),
        "24 MB of base64 that is no audio": lambda: bodies.base64_fields(audio_base64=17 * _MB),
        "31 MB of escaped base64": lambda: bodies.escaped_base64(bodies.BODY_BYTES),
    }
    save, voice = "/api/tts/save", "/api/voices/save"

    def number() -> bytes:
        return filled(b"9", size, b'{"voice_id": ', b"}")

    def one_file() -> bytes:
        return bodies.base64_fields(audio_base64=22 * _MB)

    def two_files() -> bytes:
        return bodies.base64_fields(audio_base64=15 * _MB, profile_base64=7 * _MB)

    def nothing() -> bytes:
        return bytes(30 * _MB)

    sent = bodies.JSON
    return [
        *(Hostile(name, _post(save, sent, make)) for name, make in made.items()),
        Hostile("two files of base64 for a voice", _post(voice, sent, two_files)),
        Hostile("a number of 24 MB, chunked", _post(save, sent, number), is_chunked=True),
        Hostile("30 MB of base64, chunked", _post(save, sent, one_file), is_chunked=True),
        Hostile("30 MB without a token", _post(save, sent, nothing), is_anonymous=True),
    ]


def _forms(target: Target) -> Sequence[Hostile]:
    def parts(count: int, size_bytes: int) -> bytes:
        return bodies.form(*(bodies.part(f"p{n}", bytes(size_bytes)) for n in range(count)))

    wide = "X-A: " + "a;" * 30_000 + "\r\n"
    made: dict[str, Callable[[], bytes]] = {
        "a form of 10,000 parts": lambda: parts(10_000, 100),
        "a form of 120 texts of 250 kB": lambda: bodies.form(
            *(bodies.part("tags", b"\xf0\x9f\x98\x80" * 62_500) for _ in range(120))
        ),
        "a form with a text of 30 MB": lambda: bodies.form(
            bodies.part("voice_id", target.voice_id.encode()),
            bodies.part("text_input", b"x" * 30 * _MB),
        ),
        "a form of 120 heads of 60 kB": lambda: bodies.form(
            *(bodies.part(f"p{n}", b"x", wide) for n in range(120))
        ),
        "a form with 23 MB of audio that is none": lambda: bodies.form(
            bodies.part("voice_id", target.voice_id.encode()),
            bodies.part("audio_file", bytes(23 * _MB), file_name="a.wav"),
        ),
    }

    def profile() -> bytes:
        file = bodies.npy(4_000_000, 9_900_000)
        return bodies.voice_form(recordings.recording(60), file, {"voice_name": "Wide"})

    save, voice, sent = "/api/tts/save", "/api/voices/save", bodies.FORM
    return [
        *(Hostile(name, _post(save, sent, make)) for name, make in made.items()),
        Hostile("a profile whose header has 8 MB", _post(voice, sent, profile)),
    ]


def _audio(target: Target) -> Sequence[Hostile]:
    def speech(make: Callable[[], bytes]) -> _Requests:
        voice = bodies.part("voice_id", target.voice_id.encode())

        def form() -> bytes:
            return bodies.form(voice, bodies.part("audio_file", make(), file_name="a"))

        return _post("/api/tts/save", bodies.FORM, form)

    return [
        Hostile("4 h of FLAC of one value", speech(lambda: audio.constant_flac(4.0))),
        Hostile("23 MB of repeated MP3", speech(lambda: audio.repeated_mp3(23 * _MB))),
        Hostile("20 minutes of quiet Ogg Vorbis", speech(lambda: audio.quiet_ogg(20))),
        Hostile("a WAV of 3 million chunks", speech(lambda: audio.many_chunks(23 * _MB))),
    ]


def _others(target: Target) -> Sequence[Hostile]:
    def upload(path: str, **fields: str) -> _Requests:
        return lambda number: _object(path, {"audio_path": target.upload(number), **fields})

    def job(kind: str) -> _Requests:
        said = {"kind": "speech", "voice_id": target.voice_id}
        path = "/api/jobs/import"
        return lambda number: _object(path, {**said, "runpod_job_id": f"{kind}-{number}"})

    def both(number: int) -> Request:
        files = {"audio_path": target.upload(number), "profile_path": target.upload(number + 1)}
        return _object("/api/voices/save", {**files, "voice_name": "Long"})

    save, voice = "/api/tts/save", "/api/voices/save"
    listing = "/api/tts/generations?"
    no_archive = {"archive_path": target.upload(0)}
    many = {"generation_ids": [f"TTS_voice_never_{number:06}" for number in range(500)]}
    return [
        Hostile("190 MiB uploads for no voice", upload(save, voice_id="voice_never")),
        Hostile("190 MiB uploads as speech", upload(save, voice_id=target.voice_id)),
        Hostile("190 MiB uploads as samples", upload(voice, voice_name="Long")),
        Hostile("190 MiB uploads as profiles", both),
        Hostile("190 MiB that are no archive", _always("/api/library/import", no_archive)),
        Hostile("a list of 100 texts of 50,000 letters", _get(f"{listing}page_size=100")),
        Hostile("a search for 900 words", _get(f"{listing}search={'a%20' * 900}")),
        Hostile("deleting 500 that are not there", _always("/api/library/delete", many)),
        Hostile("an export of 100 MiB", _get(f"/library/export?part_bytes={1024**3}")),
        Hostile("results of 20 MB of audio", job("audio")),
        Hostile("results of 20 MB of brackets", job("nested")),
        Hostile("results of 20 MB of numbers", job("numbers")),
    ]


def _get(path: str) -> _Requests:
    return lambda _: Request("GET", path)


def _always(path: str, fields: Mapping[str, object]) -> _Requests:
    return lambda _: _object(path, fields)


def _object(path: str, fields: Mapping[str, object]) -> Request:
    return Request("POST", path, json.dumps(fields).encode(), bodies.JSON)
