"""Paging through a library of 10,000 while 1,000 generations are added and deleted."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import urlencode

from google.cloud import firestore

from benchmarks.client import Client, Request
from benchmarks.report import Reading
from benchmarks.seeding import generation, library
from benchmarks.servers import Backends, serving
from benchmarks.shelf import Shelf
from voxshelf.adapters import documents
from voxshelf.core.items import Generation

ROUNDS = 1
_GENERATIONS, _CHANGES, _PAGE_SIZE = 10_000, 1_000, 100
_ORDERS = (("created_at", "desc"), ("name", "asc"))
# Where a page goes on; None is the beginning, and the end.
Place = TypeVar("Place")
ReadPage = Callable[[Place | None], tuple[Sequence[str], Place | None]]


@dataclass(frozen=True)
class Paged:
    """What somebody saw who paged through a changing library.

    `skipped` were there all the time and not shown, `repeated` were shown twice, and `unknown`
    were shown and had never been there.
    """

    pages: int
    skipped: frozenset[str]
    repeated: frozenset[str]
    unknown: frozenset[str]


def measure(
    backends: Backends, _shelf: Shelf, _rounds: int, say: Callable[[str], None]
) -> list[Reading]:
    """Page by two orders, each through a library of its own."""
    database = firestore.Client(project=backends.project)
    readings = []
    for sort, order in _ORDERS:
        user = library(backends, database, _GENERATIONS, say)
        with serving("library", backends.function_environ()) as server:
            read_page = _reading(server.client(user.id_token), {"sort": sort, "order": order})
            say(f"Paging by {sort} ...")
            paged = page_through(read_page, database, user.uid, size=_GENERATIONS, changes=_CHANGES)
        of = f"of {_GENERATIONS:,} while {_CHANGES:,} change, by {sort} {order}"
        readings += [
            Reading(f"skipped {of}", len(paged.skipped), "", at_most=0),
            Reading(f"shown twice {of}", len(paged.repeated), "", at_most=0),
            Reading(f"pages {of}", paged.pages, ""),
        ]
    return readings


def _reading(client: Client, parameters: dict[str, str]) -> ReadPage[str]:
    def read_page(token: str | None) -> tuple[Sequence[str], str | None]:
        asked = {**parameters, "page_size": str(_PAGE_SIZE), "page_token": token or ""}
        page = client.object(Request("GET", f"/api/tts/generations?{urlencode(asked)}"), 200)
        return [item["generation_id"] for item in page["generations"]], page["next_page_token"]

    return read_page


def page_through(
    read_page: ReadPage[Place],
    database: firestore.Client,
    uid: str,
    *,
    size: int,
    changes: int,
    page_size: int = _PAGE_SIZE,
) -> Paged:
    """Read all pages of a library of so many; another thread changes some with each page.

    Half of the changes add a generation beside one that is there, half delete one.
    """
    chosen = random.sample(range(size), changes)
    added = [_beside(number) for number in chosen[::2]]
    deleted = [generation(number).item_id for number in chosen[1::2]]
    known = {generation(number).item_id for number in range(size)}
    steps = size // page_size
    shown, pages, place = Counter[str](), 0, None
    with ThreadPoolExecutor(1) as other:
        while True:
            step = slice(pages, None, steps) if pages < steps else slice(0)
            changing = other.submit(_change, database, uid, added[step], deleted[step])
            found, place = read_page(place)
            changing.result()
            shown.update(found)
            pages += 1
            if place is None:
                break
    return Paged(
        pages,
        skipped=frozenset(known - set(deleted) - set(shown)),
        repeated=frozenset(item_id for item_id, times in shown.items() if times > 1),
        unknown=frozenset(set(shown) - known - {item.item_id for item in added}),
    )


def _beside(number: int) -> Generation:
    """Return a new generation that follows the one of this number in every order."""
    neighbour = generation(number)
    return replace(neighbour, generation_id=f"{neighbour.item_id}_new")


def _change(
    database: firestore.Client, uid: str, added: Sequence[Generation], deleted: Sequence[str]
) -> None:
    collection, batch = database.collection("users", uid, "generations"), database.batch()
    for item in added:
        fields = {**documents.from_item(item), "status": documents.READY}
        batch.set(collection.document(item.item_id), fields)
    for item_id in deleted:
        batch.update(collection.document(item_id), {"status": documents.DELETING})
    batch.commit()
