"""What others notice of 160 slow bodies: the health of the service, and a real save.

Each is sent at one byte a second to one process, as it is deployed. Whoever is let go comes back a
second later.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from statistics import median

from benchmarks import api, recordings
from benchmarks.client import Request
from benchmarks.report import Listing, Reading, Result
from benchmarks.servers import Backends, Server, serving
from benchmarks.shelf import Shelf
from benchmarks.slow_clients import SlowClients
from local.auth_emulator import sign_up

ROUNDS = 40
_COUNT = 160
_USERS = 20
_WANTED_MS = 1000.0
_PAUSE_S = 0.1
_MS = 1000


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure during slow bodies of strangers, of one user and of many."""
    tokens = [_token(backends) for _ in range(_USERS)]
    audio = recordings.recording(1)
    results: list[Result] = []
    answers: list[str] = []
    for whose, theirs in {
        "nobody": [],
        "strangers": [""],
        "one user": tokens[:1],
        f"{_USERS} users": tokens,
    }.items():
        for target, path, name, request in (
            ("library", "/api/library/import", "health", lambda _number: api.HEALTH),
            ("tts_save", "/api/tts/save", "save", _saves(shelf, audio)),
        ):
            say(f"{name} during slow bodies of {whose}:")
            with serving(target, backends.function_environ()) as server:
                times, told = _times(server, path, theirs, shelf, rounds, request)
            for kind, value in (("p50", median(times)), ("worst", max(times))):
                wanted = _WANTED_MS if theirs else None
                reading = Reading(f"{name}, {kind}, slow bodies of {whose}", value, "ms", wanted)
                results.append(reading)
                say(f"  {kind} {value:.0f} ms")
            answers.append(f"{whose} at {target}: {told}")
    return [*results, Listing(f"Answers to {_COUNT} slow clients", answers)]


def _saves(shelf: Shelf, audio: bytes) -> Callable[[int], Request]:
    run = secrets.token_hex(4)
    return lambda number: api.save_speech(shelf.voice_id, f"Meanwhile {run} {number}.", audio)


def _times(
    server: Server,
    path: str,
    tokens: Sequence[str],
    shelf: Shelf,
    rounds: int,
    request: Callable[[int], Request],
) -> tuple[list[float], str]:
    """Milliseconds of so many requests on connections of their own, and what the others heard."""
    warm = request(-1)
    status = 200 if warm.method == "GET" else 201
    server.client(shelf.user.id_token).send(warm, status)
    with SlowClients(server.port, path, _COUNT if tokens else 0, tokens) as slow:
        times = []
        for number in range(rounds):
            times.append(_MS * server.client(shelf.user.id_token).timed(request(number), status))
            time.sleep(_PAUSE_S)
    told = ", ".join(f"{count} x {status}" for status, count in sorted(slow.answers.items()))
    return times, told or "none"


def _token(backends: Backends) -> str:
    email = f"slow-{secrets.token_hex(4)}@voxshelf.example"
    return sign_up(backends.auth, email, secrets.token_urlsafe()).id_token
