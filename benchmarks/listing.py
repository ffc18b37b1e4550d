"""A page of the library, beside the query that it asks."""

import time
from collections.abc import Callable

from google.cloud import firestore

from benchmarks import api
from benchmarks.figures import Figure, interleaved
from benchmarks.servers import Backends, serving
from benchmarks.shelf import GENERATIONS, Shelf
from voxshelf.adapters import firestore_queries
from voxshelf.core.query import ListQuery

ROUNDS = 200
# The emulator is a Java program, and answers twice as fast after some hundred queries.
_WARM_UP = 200
_PAGE_SIZE = 25


class WrongPage(Exception):
    """The page or the query did not hold what it should: the times would mean nothing."""


def measure(
    backends: Backends, shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Figure]:
    """Measure the first page of generations, and a health check for what HTTP alone costs."""
    page = api.list_generations(_PAGE_SIZE)
    query = _query(backends, shelf.user.uid)

    def ask(_number: int) -> float:
        started = time.perf_counter()
        found = list(query.stream())
        time_s = time.perf_counter() - started
        if len(found) != _PAGE_SIZE + 1:
            raise WrongPage(f"The query found {len(found)} documents.")
        return time_s

    say("Warm library:")
    with serving("library", backends.function_environ()) as server:
        client = server.client(shelf.user.id_token)
        items = client.object(page, 200)["generations"]
        if len(items) != _PAGE_SIZE:
            raise WrongPage(f"The page shows {len(items)} generations.")
        pages, queries, health = interleaved(
            [
                lambda _: client.timed(page, 200),
                ask,
                lambda _: client.timed(api.HEALTH, 200),
            ],
            rounds,
            warm_up=_WARM_UP,
            say=say,
        )
    name = f"page of {_PAGE_SIZE} of {GENERATIONS}+ generations"
    return [
        Figure(name, pages, "the bare query", queries, wanted=1.3),
        Figure("GET /api/health (HTTP alone)", health),
    ]


def _query(backends: Backends, uid: str) -> firestore.Query:
    """The very query of a first page: one document more than it shows, and no more of each."""
    generations = firestore.Client(project=backends.project).collection("users", uid, "generations")
    return firestore_queries.page(generations, "generations", ListQuery(), None, _PAGE_SIZE + 1)
