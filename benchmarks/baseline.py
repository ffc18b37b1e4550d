"""Our functions beside the workflow that they replace: the same saves, one process each.

Ours verify the user, validate and decode the audio, keep quotas and survive crashes; the other
one does none of that (`local_disk_server`).
"""

import itertools
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import api
from benchmarks.client import Client, Request
from benchmarks.figures import Figure, interleaved
from benchmarks.footprint import Footprint, footprint, proportional
from benchmarks.report import Reading, Result
from benchmarks.servers import Backends, Server, serving, serving_local_disk
from benchmarks.shelf import Shelf
from local.auth_emulator import User, sign_up

ROUNDS = 40
_WARM_UP = 5
_CLIENTS = 16
# Two runs of each, ours first and last: 160 saves of each in all.
_SAVES_A_RUN = 80
_SAVES_WATCHED = 48
_OTHER = "FastAPI: disk, uploads in turn, one document"
_MB = 1e6


@dataclass(frozen=True)
class Reader:
    """One of the clients: a user and his voice."""

    user: User
    voice_id: str


@dataclass(frozen=True)
class Contestant:
    """A running server, the answer that it gives to a save, and the folder that it may write."""

    server: Server
    status: int
    folder: Path


Prepare = Callable[[Reader, str], Request]


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure both saves: one client, then 16; then what the servers held."""
    readers = _readers(backends, shelf)

    def voice(_reader: Reader, name: str) -> Request:
        return shelf.new_voice(name)

    def speech(reader: Reader, text: str) -> Request:
        return api.save_speech(reader.voice_id, text, shelf.audio)

    results: list[Result] = []
    prepared: tuple[tuple[str, Prepare], ...] = (("voices_save", voice), ("tts_save", speech))
    for target, prepare in prepared:
        say(f"{target} beside the workflow that it replaces:")
        results += _compared(backends, target, prepare, readers, rounds, say)
    return results


def _readers(backends: Backends, shelf: Shelf) -> list[Reader]:
    password = secrets.token_urlsafe()
    names = [f"bench-{secrets.token_hex(4)}@voxshelf.example" for _ in range(_CLIENTS)]
    users = [sign_up(backends.auth, name, password) for name in names]
    with serving("voices_save", backends.function_environ()) as server:
        return [
            Reader(
                user, server.client(user.id_token).object(shelf.new_voice("Voice"), 201)["voice_id"]
            )
            for user in users
        ]


def _compared(
    backends: Backends,
    target: str,
    prepare: Prepare,
    readers: Sequence[Reader],
    rounds: int,
    say: Callable[[str], None],
) -> list[Result]:
    with _ours(backends, target) as ours, _other(backends) as other:
        figure = _one_client(target, ours, other, prepare, readers[0], rounds, say)
        # Ours, other, other, ours: a drift of the machine hits both alike.
        seconds = {"ours": 0.0, "other": 0.0}
        for run, name in enumerate(("ours", "other", "other", "ours")):
            contestant = ours if name == "ours" else other
            requests = _requests(prepare, readers, _SAVES_A_RUN, f"{name} {run}")
            seconds[name] += _at_once(contestant, requests)
            say(f"  {_CLIENTS} clients, {name}")
        # Watching costs time, so what they hold is looked at in runs of its own.
        held, held_other = (
            _held(contestant, _requests(prepare, readers, _SAVES_WATCHED, f"watched {number}"))
            for number, contestant in enumerate((ours, other))
        )
    rates = {name: 2 * _SAVES_A_RUN / time_s for name, time_s in seconds.items()}
    at_once = f"{target}, {_CLIENTS} clients"
    return [
        figure,
        Reading(at_once, rates["ours"], "saves/s", None, _OTHER, rates["other"], "more"),
        *_memory(at_once, held, held_other),
    ]


@dataclass(frozen=True)
class _Held:
    """The highest sums of resident and of proportional memory, and of bytes on disk."""

    resident: Footprint
    proportional: Footprint


def _requests(
    prepare: Prepare, readers: Sequence[Reader], count: int, name: str
) -> list[tuple[Reader, Request]]:
    """Encode saves of all users in turn, each under a name of its own."""
    users = itertools.islice(itertools.cycle(readers), count)
    return [(user, prepare(user, f"{name} {number}")) for number, user in enumerate(users)]


def _held(contestant: Contestant, requests: Sequence[tuple[Reader, Request]]) -> _Held:
    pid, folder = contestant.server.process.pid, contestant.folder
    with (
        footprint(pid, folder) as by_process,
        footprint(pid, folder, memory_of=proportional) as by_page,
    ):
        _at_once(contestant, requests)
    return _Held(by_process, by_page)


def _memory(name: str, ours: _Held, other: _Held) -> list[Reading]:
    quantities = (
        ("peak memory + disk", ours.proportional.together, other.proportional.together),
        ("peak memory, shared pages once", ours.proportional.memory, other.proportional.memory),
        ("peak RSS, summed over processes", ours.resident.memory, other.resident.memory),
        ("disk and temporary files", ours.resident.disk, other.resident.disk),
    )
    return [
        Reading(f"{name}: {what}", mine / _MB, "MB", None, _OTHER, theirs / _MB, "less")
        for what, mine, theirs in quantities
    ]


def _one_client(
    target: str,
    ours: Contestant,
    other: Contestant,
    prepare: Prepare,
    reader: Reader,
    rounds: int,
    say: Callable[[str], None],
) -> Figure:
    def saving(contestant: Contestant, name: str) -> Callable[[int], float]:
        client = contestant.server.client(reader.user.id_token)

        def save(number: int) -> float:
            return client.timed(prepare(reader, f"{name} alone {number}"), contestant.status)

        return save

    measures = [saving(ours, "ours"), saving(other, "other")]
    times, other_times = interleaved(measures, rounds, warm_up=_WARM_UP, say=say)
    return Figure(f"{target} beside what it replaces", times, _OTHER, other_times, wanted=1.0)


def _at_once(contestant: Contestant, requests: Sequence[tuple[Reader, Request]]) -> float:
    """Send all requests by 16 clients, each of another user; the seconds that takes."""
    started = threading.Barrier(_CLIENTS + 1)
    shares = [requests[index::_CLIENTS] for index in range(_CLIENTS)]

    def work(share: Sequence[tuple[Reader, Request]]) -> None:
        client: Client = contestant.server.client(share[0][0].user.id_token)
        started.wait()
        for _, request in share:
            client.send(request, contestant.status)

    with ThreadPoolExecutor(max_workers=_CLIENTS) as clients:
        working = [clients.submit(work, share) for share in shares]
        started.wait()
        begun = time.perf_counter()
        for each in working:
            each.result()
        return time.perf_counter() - begun


@contextmanager
def _ours(backends: Backends, target: str) -> Iterator[Contestant]:
    with _folder() as folder:
        environ = {**backends.function_environ(), "TMPDIR": str(folder)}
        with serving(target, environ) as server:
            yield Contestant(server, 201, folder)


@contextmanager
def _other(backends: Backends) -> Iterator[Contestant]:
    with _folder() as folder:
        environ = {**backends.function_environ(), "TMPDIR": str(folder)}
        with serving_local_disk({**environ, "STORAGE_BUCKET": backends.bucket}, folder) as server:
            yield Contestant(server, 200, folder)


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="baseline-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
