"""Every query of the catalogue has its index, and every index its query.

The emulator answers queries without any index, so only this comparison shows a missing one
before real Firestore does.
"""

import itertools
import json
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.core.query import GENERATION_FILTERS, SORTS, VOICE_FILTERS, Cursor, ListQuery

FILE = json.loads((Path(__file__).parents[2] / "firestore.indexes.json").read_text())
FILTERS = {"voices": VOICE_FILTERS, "generations": GENERATION_FILTERS}
DIRECTIONS = {1: "ASCENDING", 2: "DESCENDING"}


def declared():
    for index in FILE["indexes"]:
        fields = tuple(
            (f["fieldPath"], f.get("order", f.get("arrayConfig"))) for f in index["fields"]
        )
        yield index["collectionGroup"], fields


@pytest.fixture(scope="module")
def catalogue():
    client = firestore.Client(project="demo-indexes", credentials=AnonymousCredentials())
    yield FirestoreCatalogue(client)
    client.close()


def needed(catalogue, kind, query):
    """Return the sets of indexes that serve a query: one for each of its filters, merged.

    Firestore answers several equality filters with one order by merging indexes that each
    hold one of the filters and end with the same order.
    """
    structured = catalogue._query("u", kind, query)._to_protobuf()
    parts = [f.field_filter for f in structured.where.composite_filter.filters]
    parts = parts or [structured.where.field_filter]
    filters = []
    for part in parts:
        contains = part.op.name == "ARRAY_CONTAINS"
        assert contains or part.op.name == "EQUAL"
        filters.append((part.field.field_path, "CONTAINS" if contains else "ASCENDING"))
    orders = [(o.field.field_path, DIRECTIONS[int(o.direction)]) for o in structured.order_by]
    # The id ends every index by itself, in the direction of the last field.
    assert orders[-1] == ("__name__", orders[0][1])
    status, *others = filters
    assert status == ("status", "ASCENDING")
    if not others:
        return {(kind, (status, orders[0]))}
    return {(kind, (status, other, orders[0])) for other in others}


def queries():
    for kind, names in FILTERS.items():
        for sort, descending in itertools.product(SORTS, (True, False)):
            for count in range(3):
                for chosen in itertools.combinations(names, count):
                    filters = {name: True if name == "favorite" else "x" for name in chosen}
                    value = "x" if sort == "name" else "2026-01-01T00:00:00+00:00"
                    for after in (None, Cursor(value, "id")):
                        yield kind, ListQuery(sort, descending, after=after, filters=filters)


def test_code_and_index_file_agree(catalogue):
    used = set()
    for kind, query in queries():
        used |= needed(catalogue, kind, query)
    assert used == set(declared())


def test_no_index_is_declared_twice():
    assert len(list(declared())) == len(set(declared()))


def test_old_idempotency_records_go_by_themselves():
    ttl = [(o["collectionGroup"], o["fieldPath"]) for o in FILE["fieldOverrides"] if o.get("ttl")]
    assert ttl == [("requests", "expires_at")]


def test_long_values_are_in_no_index():
    """An indexed map or text costs an entry per value on every write, and nothing asks for it."""
    exempt = {(o["collectionGroup"], o["fieldPath"]) for o in FILE["fieldOverrides"]}
    assert {("generations", "text"), ("generations", "audio"), ("voices", "sample")} <= exempt
