import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from tests.contracts.library_contract import generation, voice
from voxshelf.adapters import documents, firestore_queries
from voxshelf.core.query import ListQuery


@pytest.fixture(scope="module")
def client():
    client = firestore.Client(project="demo-queries", credentials=AnonymousCredentials())
    yield client
    client.close()


@pytest.mark.parametrize(("kind", "item"), [("voices", voice()), ("generations", generation("g1"))])
def test_a_page_asks_for_what_it_shows_and_not_for_what_finds_it(client, kind, item):
    library = client.collection("users", "u", kind)
    page = firestore_queries.page(library, kind, ListQuery(), None, 26)
    asked = {field.field_path for field in page._to_protobuf().select.fields}
    assert asked == set(documents.from_item(item)) - {"terms"}
