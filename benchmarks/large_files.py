"""Eight saves of 200 MiB at once, by `audio_path`, on an instance of 1 GiB.

The limit is kept as the platform keeps it: what all processes of the instance hold, and what lies
in its `/tmp`, together; whoever exceeds it is killed. Clients do what the API asks of them: after a
503 they come again when `Retry-After` is over.
"""

import tempfile
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from benchmarks import recordings
from benchmarks.client import UnexpectedAnswer
from benchmarks.footprint import Footprint, footprint
from benchmarks.instance_limit import killed_over_limit
from benchmarks.report import Reading, Result
from benchmarks.servers import Backends, Server, printing_addresses, serving_with_own_tmp
from benchmarks.shelf import Shelf
from local.ports import HOST

ROUNDS = 1
_MB = 1e6
_AT_ONCE = 8
_UPLOAD_BYTES = 200 * 1024**2
_LIMIT_BYTES = 1024**3
_SAMPLE_EVERY_S = 0.01
_GIVE_UP_AFTER_S = 900.0
_TIMEOUT_S = 300.0
# Many bytes for each value, as studios record: what is measured is memory, not decoding.
_RATE_HZ, _CHANNELS, _VALUE_BYTES = 48_000, 2, 4
_FRAME_BYTES = _CHANNELS * _VALUE_BYTES
_WAV_HEADER_BYTES = 44
# So large that it lets everything in: what happened without a budget.
_NO_BUDGET = {"BUDGET_MB": "100000"}


@dataclass
class _Run:
    """What became of eight saves."""

    saved: int = 0
    refused: int = 0
    kills: int = 0
    time_s: float = 0.0
    idle: Footprint = field(default_factory=Footprint)
    highest: Footprint = field(default_factory=Footprint)

    def note_kill(self) -> None:
        """Note that the platform has killed the instance."""
        self.kills += 1


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure with the budget, and once without it."""
    say(f"Saving {_AT_ONCE} files of {_UPLOAD_BYTES // 1024**2} MiB at once ...")
    with tempfile.TemporaryDirectory(prefix="large-") as folder:
        file = Path(folder) / "studio.wav"
        _record(file)
        with printing_addresses("benchmarks.file_store", str(file)) as (store,):
            moved = backends.at(store, backends.firestore)
            without = _run(moved, shelf, _NO_BUDGET)
            say(f"  without a budget: {without.saved} saved, {without.kills} kills")
            for _ in range(rounds):
                run = _run(moved, shelf, {})
                peak = run.highest.together / _MB
                say(f"  with it: {run.saved} saved in {run.time_s:.0f} s, peak {peak:.0f} MB")
    name = f"{_AT_ONCE} saves of 200 MiB at once"
    return [
        Reading(f"{name}: not saved in the end", _AT_ONCE - run.saved, "", 0),
        Reading(f"{name}: kills", run.kills, "", 0),
        Reading(f"{name}: kills without a budget", without.kills, ""),
        Reading(f"{name}: peak of RSS + /tmp", peak, "MB", _LIMIT_BYTES / _MB),
        Reading(f"{name}: idle before", run.idle.together / _MB, "MB"),
        Reading(f"{name}: answers 503 that were obeyed", run.refused, ""),
        Reading(f"{name}: time", run.time_s, "s"),
    ]


def _record(file: Path) -> None:
    values = np.frombuffer(recordings.recording(60), "<i2", offset=_WAV_HEADER_BYTES)
    block = (np.repeat(values, _CHANNELS).astype("<i4") << 16).tobytes()
    with wave.open(str(file), "wb") as recording:
        recording.setnchannels(_CHANNELS)
        recording.setsampwidth(_VALUE_BYTES)
        recording.setframerate(_RATE_HZ)
        # Whole frames only.
        left = (_UPLOAD_BYTES - _WAV_HEADER_BYTES) // _FRAME_BYTES * _FRAME_BYTES
        while left > 0:
            recording.writeframes(block[:left])
            left -= len(block)


def _run(backends: Backends, shelf: Shelf, settings: dict[str, str]) -> _Run:
    run, environ = _Run(), {**backends.function_environ(), **settings}
    with serving_with_own_tmp("tts_save", environ) as (server, folder):
        server.client(shelf.user.id_token).send(shelf.new_speech("Warm."), 201)
        with footprint(server.process.pid, folder, _SAMPLE_EVERY_S) as run.idle:
            time.sleep(1)
        started = time.perf_counter()
        with (
            footprint(server.process.pid, folder, _SAMPLE_EVERY_S) as run.highest,
            killed_over_limit(server, lambda: run.highest.together > _LIMIT_BYTES, run.note_kill),
            ThreadPoolExecutor(max_workers=_AT_ONCE) as clients,
        ):
            list(clients.map(lambda number: _save(server, shelf, number, run), range(_AT_ONCE)))
        run.time_s = time.perf_counter() - started
    return run


def _save(server: Server, shelf: Shelf, number: int, run: _Run) -> None:
    """Save one upload, as often as it takes; nothing more once the instance is gone."""
    body = {
        "voice_id": shelf.voice_id,
        "audio_path": f"uploads/{shelf.user.uid}/studio-{number}.wav",
        "text_input": f"Studio recording {number}, {time.time_ns()}.",
    }
    url, until = f"http://{HOST}:{server.port}/api/tts/save", time.monotonic() + _GIVE_UP_AFTER_S
    headers = {"Authorization": f"Bearer {shelf.user.id_token}"}
    with httpx.Client(headers=headers, timeout=_TIMEOUT_S, trust_env=False) as http:
        while time.monotonic() < until and not run.kills:
            try:
                answer = http.post(url, json=body)
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                run.saved += 1
                return
            if answer.status_code != 503:
                raise UnexpectedAnswer(f"{answer.status_code} {answer.text[:300]}")
            run.refused += 1
            time.sleep(int(answer.headers["Retry-After"]))
