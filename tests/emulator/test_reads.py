"""What a page costs: the documents that Firestore hands out for it."""

import os
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from google.cloud import firestore

from tests.contracts.library_contract import NOON, generation, voice
from tests.emulator.counting_proxy import CountingProxy
from tests.emulator.filling import filled
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.core.query import MAX_READINGS, ListQuery
from voxshelf.core.search import Search

pytestmark = pytest.mark.emulator

SIZE, MANY = 25, 80
DAY = timedelta(days=1)
# Each finds most of the items.
ASKED = {
    "nothing": {},
    "word": {"search": Search.parse("spok")},
    "tag": {"filters": {"tag": "x"}},
    "language": {"filters": {"language": "de"}},
    "favorite": {"filters": {"favorite": True}},
    "voice": {"filters": {"voice_id": "voice_a"}},
    "dates": {"created_after": NOON, "created_before": NOON + 365 * DAY},
    "dates by name": {"created_after": NOON, "sort": "name"},
    "all of them": {
        "search": Search.parse("spok"),
        "filters": {"language": "de", "favorite": True, "voice_id": "voice_a"},
        "created_after": NOON,
    },
}


@pytest.fixture(scope="module")
def proxy():
    made = CountingProxy(os.environ["FIRESTORE_EMULATOR_HOST"])
    yield made
    made.close()


@pytest.fixture(scope="module")
def catalogue(proxy):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FIRESTORE_EMULATOR_HOST", proxy.address)
        client = firestore.Client(project=os.environ["GCLOUD_PROJECT"])
    yield FirestoreCatalogue(client)
    client.close()


@pytest.fixture(scope="module")
def uid(firestore_client):
    uid = f"user-{secrets.token_hex(6)}"
    common = {"tags": ("x",), "language": "de", "favorite": True}
    items = []
    for number in range(MANY):
        created_at = NOON + number * timedelta(hours=1)
        text = "spoken seldom" if number == MANY - 1 else "spoken"
        made = {**common, "created_at": created_at}
        items += [voice(f"v{number:02}", name=f"Spoken {number}", **made)]
        items += [generation(f"g{number:02}", text=text, **made)]
    filled(firestore_client, uid, items)
    return uid


@pytest.mark.parametrize("asked", ASKED)
def test_a_page_of_generations_reads_itself_one_more_and_the_users_document(
    proxy, catalogue, uid, asked
):
    proxy.reset()
    page = catalogue.generations(uid, ListQuery(page_size=SIZE, **ASKED[asked]))
    assert (len(page.items), page.next is not None) == (SIZE, True)
    assert (proxy.reads, proxy.counts) == ({"generations": SIZE + 1, "users": 1}, 0)


@pytest.mark.parametrize("asked", [name for name in ASKED if name in ("nothing", "word", "tag")])
def test_a_page_of_voices_reads_the_users_document_only_for_its_total(proxy, catalogue, uid, asked):
    proxy.reset()
    page = catalogue.voices(uid, ListQuery(page_size=SIZE, **ASKED[asked]))
    assert len(page.items) == SIZE
    users = {} if ASKED[asked] else {"users": 1}
    assert (proxy.reads, proxy.counts) == ({"voices": SIZE + 1, **users}, 0)


def test_later_pages_read_no_more_and_the_last_one_what_it_shows(proxy, catalogue, uid):
    query, shown = ListQuery(page_size=SIZE, search=Search.parse("spok")), 0
    for number in range(4):
        proxy.reset()
        page = catalogue.generations(uid, query)
        shown += len(page.items)
        left = MANY - number * SIZE
        assert proxy.reads == {"generations": min(SIZE + 1, left), "users": 1}
        query = ListQuery(page_size=SIZE, search=Search.parse("spok"), after=page.next)
    assert (shown, page.next) == (MANY, None)


def test_a_total_is_counted_without_reading(proxy, catalogue, uid):
    proxy.reset()
    query = ListQuery(page_size=SIZE, filters={"language": "de"}, include_total=True)
    assert catalogue.generations(uid, query).total == MANY
    assert (proxy.reads, proxy.counts) == ({"generations": SIZE + 1, "users": 1}, 1)


def test_what_one_term_does_not_say_takes_a_bounded_number_of_readings(proxy, catalogue, uid):
    """The one match is the newest item: found at once, and what follows is looked through."""
    size = 5
    proxy.reset()
    query = ListQuery(page_size=size, search=Search.parse("spoken seld"))
    page = catalogue.generations(uid, query)
    assert (len(page.items), page.next is not None) == (1, True)
    assert proxy.reads == {"generations": MAX_READINGS * (size + 1), "users": 1}


@pytest.mark.parametrize(
    "order", [{"descending": False}, {"sort": "updated_at"}, {"sort": "name"}], ids=str
)
def test_a_search_in_another_order_reads_what_the_search_finds_once_for_each_page(
    proxy, catalogue, uid, order
):
    query = ListQuery(page_size=SIZE, search=Search.parse("spok"), include_total=True, **order)
    for shown in (SIZE, SIZE):
        proxy.reset()
        page = catalogue.generations(uid, query)
        assert (len(page.items), page.total) == (shown, MANY)
        assert (proxy.reads, proxy.counts) == ({"generations": MANY, "users": 1}, 0)
        query = replace(query, after=page.next)


def test_a_search_for_nothing_reads_nothing_of_the_library(proxy, catalogue, uid):
    proxy.reset()
    assert catalogue.generations(uid, ListQuery(search=Search.parse("("))).items == ()
    assert (proxy.reads, proxy.counts) == ({"users": 1}, 0)


def test_one_item_is_one_read_and_the_users_document_for_its_voices_name(proxy, catalogue, uid):
    proxy.reset()
    catalogue.voice(uid, "v00")
    assert proxy.reads == {"voices": 1}
    proxy.reset()
    catalogue.generation(uid, "g00")
    assert proxy.reads == {"generations": 1, "users": 1}
