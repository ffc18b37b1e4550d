"""Saves with 20 ms added to each round trip to Storage and Firestore, and those round trips."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.client import Request
from benchmarks.latency_proxy import LatencyProxy, delaying
from benchmarks.report import Listing, Reading, Result
from benchmarks.round_trips import Recorder, lines, steps
from benchmarks.saves import compared
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf

ROUNDS = 40
ROUND_TRIP_S = 0.020
MAX_ROUND_TRIPS = 6
MAX_STEPS = 4
_WARM_UP = 3


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Result]:
    """Measure both saves and their floors through the proxy, and list their round trips."""
    results: list[Result] = []
    with _further_away(backends) as far:
        results += compared(far, shelf, rounds, say, f", +{ROUND_TRIP_S * 1000:g} ms")
    say("Round trips:")
    results += _counted(backends, "voices_save", shelf.user.id_token, shelf.new_voice)
    results += _counted(backends, "tts_save", shelf.user.id_token, shelf.new_speech)
    return results


@contextmanager
def _further_away(backends: Backends) -> Iterator[Backends]:
    with delaying([backends.storage, backends.firestore], ROUND_TRIP_S) as (storage, firestore):
        yield backends.at(storage, firestore)


def _counted(
    backends: Backends, target: str, id_token: str, request: Callable[[str], Request]
) -> list[Result]:
    """List the round trips of one save on warm connections."""
    recorder = Recorder()
    with (
        LatencyProxy(backends.storage, ROUND_TRIP_S, recorder.http) as storage,
        LatencyProxy(backends.firestore, ROUND_TRIP_S, recorder.grpc) as firestore,
        serving(
            target, backends.at(storage.address, firestore.address).function_environ()
        ) as server,
    ):
        client = server.client(id_token)
        for number in range(_WARM_UP):
            client.send(request(f"connecting {number}"), 201)
        recorder.taken()
        client.send(request("counted"), 201)
        trips = recorder.taken()
    return [
        Reading(f"{target}: round trips", len(trips), "", at_most=MAX_ROUND_TRIPS),
        Reading(f"{target}: of them one after another", max(steps(trips)), "", at_most=MAX_STEPS),
        Listing(f"Round trips of one warm {target}", lines(trips)),
    ]
