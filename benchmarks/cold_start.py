"""From the start of a process to its first answer, beside a function that imports nothing."""

import time
from collections.abc import Callable

from benchmarks import api
from benchmarks.client import Request
from benchmarks.figures import Figure, Measure, interleaved
from benchmarks.servers import HELLO, Backends, serving
from benchmarks.shelf import Shelf

ROUNDS = 9
# The first start after an installation reads every file from disk.
_WARM_UP = 1
_FLOOR = "a bare functions-framework function"


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Figure]:
    """Measure the cold start of each function: to its first save or page of a signed-in user."""
    environ = backends.function_environ()
    token = shelf.user.id_token

    def first_answer(target: str, request: Callable[[int], Request], status: int) -> Measure:
        def start(number: int) -> float:
            prepared = request(number)
            with serving(target, environ, HELLO if target == "hello" else None) as server:
                server.client(token).send(prepared, status)
                return time.perf_counter() - server.started

        return start

    say("Cold starts:")
    hello, library, voices_save, tts_save = interleaved(
        [
            first_answer("hello", lambda _: Request("GET", "/"), 200),
            first_answer("library", lambda _: api.list_generations(25), 200),
            first_answer("voices_save", lambda n: shelf.new_voice(f"cold {n}"), 201),
            first_answer("tts_save", lambda n: shelf.new_speech(f"cold {n}"), 201),
        ],
        rounds,
        warm_up=_WARM_UP,
        say=say,
    )
    return [
        Figure("cold start of library, first page", library, _FLOOR, hello, wanted=2.5),
        Figure("cold start of voices_save, first save", voices_save, _FLOOR, hello, wanted=3.2),
        Figure("cold start of tts_save, first save", tts_save, _FLOOR, hello),
    ]
