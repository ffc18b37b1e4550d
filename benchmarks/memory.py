"""What large saves and refused bodies cost in memory, `/tmp` counted in, beside their bodies.

Each run has a server of its own: what one request leaves in the allocator would count as the next
one's idle. Small saves on all its threads warm it up first.
"""

import base64
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

from benchmarks import api, recordings
from benchmarks.client import Request
from benchmarks.footprint import footprint
from benchmarks.report import Reading, Result
from benchmarks.servers import Backends, Server, serving_with_own_tmp
from benchmarks.shelf import Shelf

ROUNDS = 3
_MB = 1e6
# 24 MB of the recordings' 48,000 bytes a second.
_LARGE_S = 500
_AT_ONCE = (1, 8)
_WARM_UPS = 32
_SAMPLE_EVERY_S = 0.005
_IDLE_S = 0.3
# What the project asks for: 1.5 times the bodies, and 10 MB for each body that is refused.
_WANTED_RATIO, _WANTED_REFUSED_MB = 1.5, 10.0


@dataclass(frozen=True)
class _Load:
    """One kind of request, the status it must get, and what its memory may be."""

    name: str
    request: Callable[[int], Request]
    status: int
    token: str
    is_refused: bool = False
    wanted: bool = True


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure saves of 24 MB and refused bodies, one and eight at once."""
    say("Memory of large bodies:")
    results: list[Result] = []
    for load in _loads(shelf):
        for count in _AT_ONCE:
            runs = (_rise(backends, shelf, load, count, run) for run in range(rounds))
            reading = _reading(load, count, median(runs) / _MB)
            results.append(reading)
            say(f"  {reading.name}: {reading.value:.1f} MB")
    return results


def _loads(shelf: Shelf) -> Sequence[_Load]:
    audio, token = recordings.recording(_LARGE_S), shelf.user.id_token
    text = base64.b64encode(audio).decode()

    def form(number: int) -> Request:
        return api.save_speech(shelf.voice_id, f"Large {number}.", audio)

    def json_text(number: int) -> Request:
        fields = {"voice_id": shelf.voice_id, "text_input": f"{number}", "audio_base64": text}
        headers = {"Content-Type": "application/json"}
        return Request("POST", "/api/tts/save", json.dumps(fields).encode(), headers)

    def of_size(size_bytes: int) -> Callable[[int], Request]:
        longer = audio + bytes(size_bytes - len(audio))
        return lambda number: api.save_speech(shelf.voice_id, f"{number}", longer)

    return (
        _Load("24 MB as multipart", form, 201, token),
        _Load("24 MB as base64 in JSON", json_text, 201, token, wanted=False),
        _Load("30 MB without a good token", of_size(30_000_000), 401, "none", is_refused=True),
        _Load("36 MB, over the limit", of_size(36_000_000), 413, token, is_refused=True),
    )


def _reading(load: _Load, count: int, rise_mb: float) -> Reading:
    name = f"rise of RSS + /tmp: {load.name}, {count} at once"
    if load.is_refused:
        return Reading(name, rise_mb, "MB", _WANTED_REFUSED_MB * count)
    bodies_mb = count * len(load.request(0).body or b"") / _MB
    limit = _WANTED_RATIO * bodies_mb if load.wanted else None
    return Reading(name, rise_mb, "MB", limit, "the bodies", bodies_mb)


def _rise(backends: Backends, shelf: Shelf, load: _Load, count: int, run: int) -> int:
    """Bytes by which the highest moment of so many requests lies above idle."""
    small = recordings.recording(1)
    warm_ups = [api.save_speech(shelf.voice_id, f"Warm {n}.", small) for n in range(_WARM_UPS)]
    requests = [load.request(count * run + number) for number in range(count)]
    environ = backends.function_environ()
    with serving_with_own_tmp("tts_save", environ) as (server, folder):
        _send(server, warm_ups, 201, shelf.user.id_token)
        with footprint(server.process.pid, folder, _SAMPLE_EVERY_S) as idle:
            time.sleep(_IDLE_S)
        with footprint(server.process.pid, folder, _SAMPLE_EVERY_S) as busy:
            _send(server, requests, load.status, load.token)
    return max(0, busy.together - idle.together)


def _send(server: Server, requests: Sequence[Request], status: int, token: str) -> None:
    with ThreadPoolExecutor(max_workers=max(_AT_ONCE)) as clients:
        list(clients.map(lambda request: server.client(token).send(request, status), requests))
