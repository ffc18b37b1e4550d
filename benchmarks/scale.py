"""A page of libraries of 100, 10,000 and 100,000 generations, and every way to ask for it.

First with the emulator's answers given again (`replaying_proxy`): the times are those of the
functions, whatever the database takes. Then with the emulator itself, which looks at a whole
library for each page.
"""

import os
import time
from collections.abc import Callable, Mapping
from unittest.mock import patch
from urllib.parse import urlencode

from google.cloud import firestore

from benchmarks.client import Client, Request
from benchmarks.figures import Figure, Measure, interleaved
from benchmarks.listing import WrongPage
from benchmarks.replaying_proxy import replaying
from benchmarks.seeding import BEGIN, STEP, library
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf
from local.auth_emulator import User
from voxshelf.adapters import firestore_queries
from voxshelf.core.query import GENERATION_FILTERS, Cursor, ListQuery
from voxshelf.http.list_query import read_list_query

ROUNDS = 100
_WARM_UP = 20
# Of the emulator itself, which takes a second for a page of the largest library.
_SLOW_ROUNDS = 20
_PAGE_SIZE = 25
_SIZES = (100, 10_000, 100_000)
# The emulator takes seconds to look for one word here, and minutes in the largest library.
_ASKED_SIZE = 10_000
_PATIENCE_S = 300.0
_MIDDLE = BEGIN + _ASKED_SIZE // 2 * STEP
Parameters = Mapping[str, str]
_WAYS: Mapping[str, Parameters] = {
    "a word": {"search": "harb"},
    "two words": {"search": "harbour morning"},
    "a word and a tag": {"search": "harb", "tag": "draft"},
    "tag": {"tag": "draft"},
    "voice": {"voice_id": "voice_1"},
    "language": {"language": "de"},
    "favorite": {"favorite": "true"},
    "dates": {"created_after": f"{BEGIN:%Y-%m-%d}", "created_before": f"{_MIDDLE:%Y-%m-%d}"},
    "dates by name": {"created_after": f"{_MIDDLE:%Y-%m-%d}", "sort": "name"},
    "by name": {"sort": "name", "order": "asc"},
}


def measure(
    backends: Backends, _shelf: Shelf, rounds: int, say: Callable[[str], None]
) -> list[Figure]:
    """Measure pages of each size, and each way to ask for one."""
    database = firestore.Client(project=backends.project)
    *small, largest = _SIZES
    users = {size: library(backends, database, size, say) for size in small}
    say("Pages, from the emulator:")
    # Before it holds so much that it has hardly room to work.
    figures = _from_emulator(backends, database, users, rounds, say)
    users[largest] = library(backends, database, largest, say)
    with replaying(backends.firestore) as proxy:
        replayed = backends.at(backends.storage, proxy)
        with patch.dict(os.environ, FIRESTORE_EMULATOR_HOST=proxy):
            again = firestore.Client(project=backends.project)
        with serving("library", replayed.function_environ()) as server:
            clients = {size: server.client(user.id_token) for size, user in users.items()}
            say("Pages, with answers given again:")
            again_figures = _of_sizes(clients, _queries(again, users), rounds, say, "")
            say("Ways to ask, with answers given again:")
            asked = again.collection("users", users[_ASKED_SIZE].uid, "generations")
            again_figures += _of_ways(clients[_ASKED_SIZE], asked, rounds, say)
    say("Pages of the largest library, from the emulator:")
    figures += _from_emulator(backends, database, {largest: users[largest]}, rounds, say)
    return again_figures + figures


def _from_emulator(
    backends: Backends,
    database: firestore.Client,
    users: Mapping[int, User],
    rounds: int,
    say: Callable[[str], None],
) -> list[Figure]:
    with serving("library", backends.function_environ()) as server:
        clients = {size: server.client(user.id_token) for size, user in users.items()}
        slow, note = min(rounds, _SLOW_ROUNDS), ", from the emulator"
        return _of_sizes(clients, _queries(database, users), slow, say, note)


def _queries(
    database: firestore.Client, users: Mapping[int, User]
) -> Mapping[int, firestore.Query]:
    """The very query of the first page of each library."""
    return {
        size: _query(database.collection("users", user.uid, "generations"), ListQuery())
        for size, user in users.items()
    }


def _query(generations: firestore.CollectionReference, query: ListQuery) -> firestore.Query:
    return firestore_queries.page(
        generations, "generations", query, query.after, query.page_size + 1
    )


def _of_sizes(
    clients: Mapping[int, Client],
    queries: Mapping[int, firestore.Query],
    rounds: int,
    say: Callable[[str], None],
    note: str,
) -> list[Figure]:
    measures: list[Measure] = []
    for size, client in clients.items():
        measures += [_page(client, {}), _asking(queries[size])]
    warm_up = min(rounds, _WARM_UP)
    times = interleaved(measures, rounds, warm_up=warm_up, say=say)
    pages = dict(zip(clients, times[::2], strict=True))
    bare = dict(zip(clients, times[1::2], strict=True))
    page, query = f"page of {_PAGE_SIZE} of {{:,}}{note}", f"bare query of {{:,}}{note}"
    figures = [
        Figure(page.format(size), pages[size], "the bare query", bare[size], wanted=1.3)
        for size in clients
    ]
    for size in clients:
        if size > min(clients):
            of = f"of {min(clients)}"
            figures += [
                Figure(page.format(size), pages[size], of, pages[min(clients)], wanted=1.2),
                Figure(query.format(size), bare[size], of, bare[min(clients)]),
            ]
    return figures


def _of_ways(
    client: Client,
    generations: firestore.CollectionReference,
    rounds: int,
    say: Callable[[str], None],
) -> list[Figure]:
    ways = {**_WAYS, "the last page": {"page_token": _last_token(client)}}
    for parameters in _WAYS.values():
        # The function would not wait as long for the emulator's first answer.
        query = read_list_query(parameters, GENERATION_FILTERS, _no_cursor)
        list(_query(generations, query).stream(timeout=_PATIENCE_S))
    measures = [_page(client, parameters) for parameters in ({}, *ways.values())]
    first, *others = interleaved(measures, rounds, warm_up=min(rounds, _WARM_UP), say=say)
    return [
        Figure(f"page of {_ASKED_SIZE:,}: {way}", times, "the first page", first, wanted=1.5)
        for way, times in zip(ways, others, strict=True)
    ]


def _no_cursor(_query: str, token: str) -> Cursor:
    raise WrongPage(f"No page is asked for by a token: {token}")


def _last_token(client: Client) -> str:
    """The token of the last page, reached through all others."""
    token, left = "", _ASKED_SIZE
    while left > _PAGE_SIZE:
        size = min(100, left - _PAGE_SIZE)
        answer = client.object(_request({"page_size": str(size), "page_token": token}), 200)
        token, left = answer["next_page_token"], left - size
    return token


def _request(parameters: Parameters) -> Request:
    return Request("GET", f"/api/tts/generations?{urlencode(parameters)}")


def _page(client: Client, parameters: Parameters) -> Measure:
    request = _request({"page_size": str(_PAGE_SIZE), **parameters})
    found = len(client.object(request, 200)["generations"])
    if found != _PAGE_SIZE:
        raise WrongPage(f"The page of {parameters} shows {found} generations.")
    return lambda _: client.timed(request, 200)


def _asking(query: firestore.Query) -> Measure:
    def ask(_number: int) -> float:
        started = time.perf_counter()
        found = list(query.stream(timeout=_PATIENCE_S))
        time_s = time.perf_counter() - started
        if len(found) != _PAGE_SIZE + 1:
            raise WrongPage(f"The query found {len(found)} documents.")
        return time_s

    return ask
