"""Saves of one second of speech while others keep sending the files that take longest to decode.

The files are legal: four hours of silence in stereo, as a FLAC of 3 MB. First six come from one
user, then from six. Who is refused, because others wait or he has had too much decoded, comes
again at once: he means no good.
"""

import io
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median

import httpx
import numpy as np
import psutil
import soundfile

from benchmarks import api, recordings
from benchmarks.client import UnexpectedAnswer
from benchmarks.report import Reading, Result
from benchmarks.servers import Backends, Server, serving
from benchmarks.shelf import Shelf
from local.auth_emulator import sign_up
from local.ports import HOST

ROUNDS = 20
_AT_ONCE = 6
_WANTED_S = 3.0
_HOURS, _RATE_HZ, _CHANNELS = 4, 48_000, 2
_BLOCK_S = 60
_SPEECH_S = 1
_AGAIN_AFTER_S = 0.5
# Until all six have been taken in, and those who decode are at it.
_SETTLED_S = 3.0
_TIMEOUT_S = 300.0
_WORKER = "voxshelf.adapters.audio_worker"


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure what the file costs, then saves beside six of one user, and of six users."""
    say(f"Encoding {_HOURS} hours of silence ...")
    worst = _worst_file()
    cpu_s = _cpu_of(backends, shelf, worst)
    say(f"  {len(worst) / 1e6:.1f} MB cost {cpu_s:.1f} s of the CPU")
    results: list[Result] = [Reading("the worst FLAC: CPU", cpu_s, "s")]
    for users in (1, _AT_ONCE):
        others = _strangers(backends, users)
        whose = "one user" if users == 1 else f"{users} users"
        times_s = _beside(backends, shelf, worst, others, rounds)
        say(f"  beside {_AT_ONCE} of {whose}: {median(times_s):.2f} s, at most {max(times_s):.2f}")
        name = f"a save of {_SPEECH_S} s beside {_AT_ONCE} worst files of {whose}"
        results += [
            Reading(f"{name}: longest", max(times_s), "s", _WANTED_S),
            Reading(f"{name}: median", median(times_s), "s"),
        ]
    return results


def _worst_file() -> bytes:
    buffer, block = io.BytesIO(), np.zeros((_BLOCK_S * _RATE_HZ, _CHANNELS), "i2")
    with soundfile.SoundFile(buffer, "wb", _RATE_HZ, _CHANNELS, "PCM_16", format="FLAC") as file:
        for _ in range(_HOURS * 3600 // _BLOCK_S):
            file.write(block)
    return buffer.getvalue()


def _strangers(backends: Backends, count: int) -> list[tuple[str, str]]:
    """Return the ID tokens of so many new users, each with the id of his voice."""
    speech, profile = recordings.recording(_SPEECH_S), recordings.profile()
    strangers = []
    with serving("voices_save", backends.function_environ()) as server:
        for _ in range(count):
            email = f"bench-{secrets.token_hex(4)}@voxshelf.example"
            token = sign_up(backends.auth, email, secrets.token_urlsafe()).id_token
            request = api.save_voice("Silent", speech, profile)
            strangers.append((token, server.client(token).object(request, 201)["voice_id"]))
    return strangers


def _cpu_of(backends: Backends, shelf: Shelf, audio: bytes) -> float:
    with serving("tts_save", backends.function_environ()) as server:
        client = server.client(shelf.user.id_token)
        client.send(api.save_speech(shelf.voice_id, "Warm.", recordings.recording(_SPEECH_S)), 201)
        before = _decoding_s(server)
        client.send(api.save_speech(shelf.voice_id, "Silence.", audio), 201)
        return _decoding_s(server) - before


def _decoding_s(server: Server) -> float:
    """Return what all workers of a server have taken of the CPU."""
    times = [
        process.cpu_times()
        for process in psutil.Process(server.process.pid).children(recursive=True)
        if _WORKER in process.cmdline()
    ]
    return sum(time.user + time.system for time in times)


def _beside(
    backends: Backends,
    shelf: Shelf,
    worst: bytes,
    others: Sequence[tuple[str, str]],
    rounds: int,
) -> list[float]:
    speech, times_s = recordings.recording(_SPEECH_S), list[float]()
    with serving("tts_save", backends.function_environ()) as server:
        server.client(shelf.user.id_token).send(
            api.save_speech(shelf.voice_id, "Warm.", speech), 201
        )
        with _pestered(server, worst, others):
            time.sleep(_SETTLED_S)
            for number in range(rounds):
                request = api.save_speech(
                    shelf.voice_id, f"One second {number}, {time.time_ns()}.", speech
                )
                times_s.append(server.client(shelf.user.id_token).timed(request, 201))
    return times_s


@contextmanager
def _pestered(server: Server, worst: bytes, others: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Let the others send the file over and over, six at once, while the block runs."""
    ended = threading.Event()
    url = f"http://{HOST}:{server.port}/api/tts/save"

    def pester(number: int) -> None:
        token, voice_id = others[number % len(others)]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
            while not ended.is_set():
                request = api.save_speech(voice_id, f"Silence {time.time_ns()}.", worst)
                try:
                    answer = http.post(url, content=request.body, headers=request.headers)
                except httpx.TransportError:
                    return
                if answer.status_code not in {201, 429, 503}:
                    raise UnexpectedAnswer(f"{answer.status_code} {answer.text[:300]}")
                ended.wait(_AGAIN_AFTER_S)

    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    pestering = [pool.submit(pester, number) for number in range(_AT_ONCE)]
    try:
        yield
    finally:
        ended.set()
        # They wait for answers that take minutes: the server's end will be theirs.
        pool.shutdown(wait=False)
    for task in pestering:
        if task.done():
            task.result()
