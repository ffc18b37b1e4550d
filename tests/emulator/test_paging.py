"""Paging through a library that changes meanwhile.

The full size, 10,000 while 1,000 change, is `make bench ARGS="--only paging"`: the emulator takes
a minute for it.
"""

import secrets

import pytest

from benchmarks.paging import page_through
from benchmarks.seeding import write
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.core.query import ListQuery

pytestmark = [pytest.mark.emulator, pytest.mark.slow]

SIZE, CHANGES, PAGE_SIZE = 2_000, 200, 50


@pytest.mark.parametrize(("sort", "descending"), [("created_at", True), ("name", False)])
def test_nothing_is_skipped_or_shown_twice_while_others_come_and_go(
    firestore_client, sort, descending
):
    uid = f"user-{secrets.token_hex(6)}"
    for start in range(0, SIZE, 500):
        write(firestore_client, uid, range(start, start + 500))
    catalogue = FirestoreCatalogue(firestore_client)

    def read_page(after):
        query = ListQuery(sort, descending, page_size=PAGE_SIZE, after=after)
        page = catalogue.generations(uid, query)
        return [item.item_id for item in page.items], page.next

    paged = page_through(
        read_page, firestore_client, uid, size=SIZE, changes=CHANGES, page_size=PAGE_SIZE
    )
    assert (paged.skipped, paged.repeated, paged.unknown) == (frozenset(),) * 3
    assert abs(paged.pages - SIZE // PAGE_SIZE) <= CHANGES // PAGE_SIZE
