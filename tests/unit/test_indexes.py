"""Every query of a list has its index, and every index its query.

The emulator answers queries without any index, so only this comparison shows a missing one
before real Firestore does.
"""

import itertools
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore

from voxshelf.adapters import firestore_queries
from voxshelf.adapters.firestore_names import holding, named
from voxshelf.core.query import GENERATION_FILTERS, SORTS, VOICE_FILTERS, Cursor, ListQuery
from voxshelf.core.search import Search

FILE = json.loads((Path(__file__).parents[2] / "firestore.indexes.json").read_text())
FILTERS = {"voices": VOICE_FILTERS, "generations": GENERATION_FILTERS}
DIRECTIONS = {1: "ASCENDING", 2: "DESCENDING"}
# https://firebase.google.com/docs/firestore/quotas#indexes
MOST_COMPOSITE_INDEXES = 200
TIME = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = {
    "search": {"search": Search.parse("some words")},
    "created_after": {"created_after": TIME},
    "created_before": {"created_before": TIME},
}


def declared():
    for index in FILE["indexes"]:
        if index["collectionGroup"] in FILTERS:
            fields = tuple(
                (f["fieldPath"], f.get("order", f.get("arrayConfig"))) for f in index["fields"]
            )
            yield index["collectionGroup"], fields


def exempt():
    """Return the fields that no single-field index holds."""
    return {
        (each["collectionGroup"], each["fieldPath"])
        for each in FILE["fieldOverrides"]
        if not each["indexes"]
    }


@pytest.fixture(scope="module")
def client():
    client = firestore.Client(project="demo-indexes", credentials=AnonymousCredentials())
    yield client
    client.close()


def needed(kind, asked):
    """Return the indexes that serve a query: one for each of its equalities, merged.

    Firestore answers several equalities (to an element of an array, too) by merging indexes that
    each hold one of them and end with the same order. A range must be of a field of that order.
    """
    structured = asked._to_protobuf()
    parts = [f.field_filter for f in structured.where.composite_filter.filters]
    parts = parts or [structured.where.field_filter]
    equal, ranges = [], set()
    for part in parts:
        match part.op.name:
            case "EQUAL":
                equal.append((part.field.field_path, "ASCENDING"))
            case "ARRAY_CONTAINS":
                equal.append((part.field.field_path, "CONTAINS"))
            case "GREATER_THAN_OR_EQUAL" | "LESS_THAN":
                ranges.add(part.field.field_path)
            case other:
                pytest.fail(f"{other} has no rule here")
    *orders, by_id = [
        (o.field.field_path, DIRECTIONS[int(o.direction)]) for o in structured.order_by
    ]
    # The id ends every index by itself, in the direction of the last field.
    assert by_id == ("__name__", orders[-1][1])
    assert ranges <= {field for field, _ in orders}
    status, *others = equal
    assert status == ("status", "ASCENDING")
    # Firestore merges no two indexes of arrays.
    assert [direction for _, direction in equal].count("CONTAINS") <= 1
    if not others:
        return {(kind, (status, *orders))}
    return {(kind, (status, other, *orders)) for other in others}


def questions():
    for kind, names in FILTERS.items():
        for sort, descending in itertools.product(SORTS, (True, False)):
            for count in range(len(names) + 1):
                for chosen in itertools.combinations(names, count):
                    options = {}
                    for name in chosen:
                        options |= ASKED.get(name, {})
                    filters = {
                        name: True if name == "favorite" else "x"
                        for name in chosen
                        if name not in ASKED
                    }
                    yield kind, ListQuery(sort, descending, filters=filters, **options)


def test_code_and_index_file_agree(client):
    used = set()
    for kind, query in questions():
        library = client.collection("users", "u", kind)
        value = "x" if query.sort == "name" else TIME.isoformat()
        after = Cursor(value, "id", TIME.isoformat() if query.dates_beside else None)
        places = (None, after) if query.is_ordered_by_index else (None,)
        pages = [firestore_queries.page(library, kind, query, at, 26) for at in places]
        for asked in [*pages, firestore_queries.matching(library, query)]:
            used |= needed(kind, asked)
    assert used == set(declared())


def test_terms_stand_in_one_index_of_each_collection():
    holding = [kind for kind, fields in declared() if ("terms", "CONTAINS") in fields]
    assert sorted(holding) == sorted(FILTERS)


def test_no_index_is_declared_twice():
    assert len(list(declared())) == len(set(declared()))


def test_there_are_no_more_indexes_than_a_database_may_have():
    assert len(FILE["indexes"]) <= MOST_COMPOSITE_INDEXES


def test_old_idempotency_records_ended_jobs_and_notes_of_uploads_go_by_themselves():
    ttl = [(o["collectionGroup"], o["fieldPath"]) for o in FILE["fieldOverrides"] if o.get("ttl")]
    groups = ("jobs", "job_secrets", "uploads", "requests")
    assert sorted(ttl) == sorted((group, "expires_at") for group in groups)


def test_long_values_are_in_no_index_of_their_own():
    """An indexed map or text costs an entry per value on every write, and nothing asks for it."""
    long = {("generations", "text"), ("generations", "audio"), ("voices", "sample")}
    long |= {("requests", "item"), ("requests", "answer")}
    # In lists they stand in composite indexes, which an exemption leaves alone.
    many = {(kind, field) for kind in FILTERS for field in ("terms", "tags")}
    assert long | many <= exempt()


def test_what_holds_a_place_or_a_name_is_found_by_the_indexes_that_every_field_has(client):
    query = holding(client.collection("users", "u", "voices"), "voice_ada", "Ada")
    filters = query._to_protobuf().where.composite_filter.filters
    fields = {one.field_filter.field.field_path for one in filters}
    assert fields == {"voice_id", "name", "name_sha256"}
    assert not {("voices", field) for field in fields} & exempt()


def test_a_name_is_found_by_the_indexes_of_its_two_places_alone(client):
    """An exemption of `pending` would take the name in it along, had it no index of its own."""
    query = named(client.collection("users", "u", "voices"), "Ada")._to_protobuf()
    assert query.where.composite_filter.op.name == "OR"
    fields = [part.field_filter.field.field_path for part in query.where.composite_filter.filters]
    assert fields == ["name", "pending.item.name"]
    assert not query.order_by
    assert ("voices", "name") not in exempt()
    [own] = [o for o in FILE["fieldOverrides"] if o["fieldPath"] == "pending.item.name"]
    assert own["indexes"] == [{"order": "ASCENDING", "queryScope": "COLLECTION"}]
