"""Profiles read again and again: from the cache in /tmp, for the first time, and without it."""

import hashlib
import random
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import api, recordings
from benchmarks.client import Client
from benchmarks.figures import Figure, interleaved
from benchmarks.latency_proxy import LatencyProxy, delaying
from benchmarks.report import Reading, Result
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf

ROUNDS = 60
ROUND_TRIP_S = 0.020
_PROFILES = 200
_WARM_UP = 5
# Each profile takes 1 MiB and a page: this many MiB hold 50 of them.
_SKEWED_MB, _HELD = 51, 50
_READS = 1000
_MIB = 1024**2


@dataclass
class _Traffic:
    """Plays `Watch` on every connection to Storage: what came back from there."""

    answered_bytes: int = 0

    def sent(self, chunk: bytes, at_s: float) -> None:
        """Requests are not counted."""

    def answered(self, chunk: bytes, _at_s: float) -> None:
        self.answered_bytes += len(chunk)

    def taken(self) -> int:
        """Return what has come, and begin anew."""
        taken, self.answered_bytes = self.answered_bytes, 0
        return taken


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure times of one read, and what a skewed series of reads takes from Storage."""
    say(f"Saving {_PROFILES} profiles ...")
    voices = _saved(backends, shelf)
    # Each cold read is of a profile of its own.
    rounds = min(rounds, _PROFILES - 2 * _WARM_UP)
    results: list[Result] = [_digested(shelf.profile, rounds)]
    say("Profiles:")
    results += _times(backends, shelf, voices, rounds, say, "")
    with delaying([backends.storage, backends.firestore], ROUND_TRIP_S) as (storage, firestore):
        far = backends.at(storage, firestore)
        name = f", +{ROUND_TRIP_S * 1000:g} ms"
        results += _times(far, shelf, voices, rounds, say, name)
    say("Profiles, some much oftener than others:")
    return results + _traffic(backends, shelf, voices)


def _saved(backends: Backends, shelf: Shelf) -> list[str]:
    """Save voices, each with another profile; return their ids."""
    sample, size_bytes = recordings.recording(1), len(shelf.profile)
    with serving("voices_save", backends.function_environ()) as server:
        client = server.client(shelf.user.id_token)
        voices = []
        for number in range(_PROFILES):
            profile = shelf.profile[: size_bytes - 4] + number.to_bytes(4, "little")
            request = api.save_voice(f"Cached {number}", sample, profile)
            voices.append(str(client.object(request, 201)["voice_id"]))
    return voices


def _digested(profile: bytes, rounds: int) -> Figure:
    """Measure what it costs to check each read."""

    def digest(_number: int) -> float:
        started = time.perf_counter()
        hashlib.sha256(profile).hexdigest()
        return time.perf_counter() - started

    (times,) = interleaved([digest], rounds, warm_up=_WARM_UP, say=lambda _: None)
    return Figure("SHA-256 of a profile of 1 MiB", times)


def _times(
    backends: Backends,
    shelf: Shelf,
    voices: Sequence[str],
    rounds: int,
    say: Callable[[str], None],
    where: str,
) -> list[Result]:
    token = shelf.user.id_token
    with _library(backends, _PROFILES * 2) as kept, _library(backends, 0) as off:
        near, far = kept(token), off(token)
        first, *others = voices
        near.send(api.read_profile(first), 200)
        cold, warm, without = interleaved(
            [
                lambda number: near.timed(api.read_profile(others[number]), 200),
                lambda _: near.timed(api.read_profile(first), 200),
                lambda number: far.timed(api.read_profile(others[number]), 200),
            ],
            rounds,
            warm_up=_WARM_UP,
            say=say,
        )
    name, floor = f"profile of 1 MiB as JSON{where}", "the same with CACHE_MB=0"
    return [
        Figure(f"{name}, read before", warm, floor, without, wanted=1.0),
        Figure(f"{name}, read for the first time", cold, floor, without),
    ]


def _traffic(backends: Backends, shelf: Shelf, voices: Sequence[str]) -> list[Result]:
    """Read through a proxy that counts what Storage sends."""
    traffic, profile_mb = _Traffic(), len(shelf.profile) / _MIB
    reads = _skewed(voices)
    with LatencyProxy(backends.storage, 0.0, lambda: traffic) as proxy:
        counted = backends.at(proxy.address, backends.firestore)
        with _library(counted, _SKEWED_MB) as start:
            client = start(shelf.user.id_token)
            client.send(api.read_profile(voices[0]), 200)
            first = traffic.taken()
            client.send(api.read_profile(voices[0]), 200)
            second = traffic.taken()
            for voice_id in reads:
                client.send(api.read_profile(voice_id), 200)
            fetched_mb = traffic.taken() / _MIB
    # Headers are a thousandth of what comes.
    hits = 100 - 100 * round(fetched_mb / profile_mb) / _READS
    ideal = 100 * _hits_of_an_ideal(_HELD, [voices[0], *reads]) / _READS
    name = f"{_READS} skewed reads of {_PROFILES} profiles, room for {_HELD}"
    return [
        Reading("first read of a profile, from Storage", first / 1000, "kB"),
        Reading("second read of the same, from Storage", second / 1000, "kB", at_most=0),
        Reading(f"{name}: hits", hits, "%", None, "least recently used, on paper", ideal),
        Reading(f"{name}: from Storage", fetched_mb, "MiB", None, "all", _READS * profile_mb),
    ]


def _skewed(voices: Sequence[str]) -> list[str]:
    """Choose voices as people do: the second half as often as the first, and so on (Zipf)."""
    weights = [1 / rank for rank in range(1, len(voices) + 1)]
    return random.Random(7).choices(voices, weights, k=_READS)


def _hits_of_an_ideal(held: int, reads: Sequence[str]) -> int:
    """Count the hits of a cache of so many items from which the least recently used goes."""
    kept: OrderedDict[str, None] = OrderedDict()
    hits = 0
    for read in reads:
        hits += read in kept
        kept[read] = None
        kept.move_to_end(read)
        if len(kept) > held:
            kept.popitem(last=False)
    return hits


@contextmanager
def _library(backends: Backends, cache_mb: int) -> Iterator[Callable[[str], Client]]:
    """Run the library with an empty cache of this size; yields what makes a client of it."""
    folder = Path(tempfile.mkdtemp(prefix="cache-"))
    environ = {**backends.function_environ(), "TMPDIR": str(folder), "CACHE_MB": str(cache_mb)}
    try:
        with serving("library", environ) as server:
            yield server.client
    finally:
        shutil.rmtree(folder, ignore_errors=True)
