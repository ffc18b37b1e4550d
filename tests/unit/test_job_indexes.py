"""Every query of jobs has its index, and every index its query; see `test_indexes`."""

from datetime import UTC, datetime

import pytest

from tests.contracts.jobs_contract import trash_of
from tests.contracts.library_contract import voice
from tests.unit.test_indexes import DIRECTIONS, FILE, client, exempt
from voxshelf.adapters.firestore_jobs import FirestoreJobs
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.core.jobs import JobFilter
from voxshelf.use_cases.deletion_ports import Deletion

__all__ = ["client"]

EQUAL, IN, AT_MOST = "EQUAL", "IN", "LESS_THAN_OR_EQUAL"


def declared():
    """Return the indexes of jobs, those of one field included."""
    for index in FILE["indexes"]:
        if index["collectionGroup"] == "jobs":
            fields = tuple((f["fieldPath"], f["order"]) for f in index["fields"])
            yield index["queryScope"], fields
    for override in FILE["fieldOverrides"]:
        if override["collectionGroup"] in ("jobs", "job_secrets"):
            for index in override["indexes"]:
                yield index["queryScope"], ((override["fieldPath"], index["order"]),)


def conditions(query):
    """Return the fields that a query compares, with how, of all its alternatives."""
    where = query._to_protobuf().where
    filters = [where, *where.composite_filter.filters]
    filters += [f for part in filters[1:] for f in part.composite_filter.filters]
    return [
        (f.field_filter.field.field_path, f.field_filter.op.name)
        for f in filters
        if f.field_filter.field.field_path
    ]


def needed(query):
    """Return the indexes that serve a query: one for each of its equalities, merged.

    Each ends with what is compared or sorted by. Several values of one field (`in`) are as many
    queries.
    """
    structured = query._to_protobuf()
    equal = [(field, "ASCENDING") for field, op in conditions(query) if op in (EQUAL, IN)]
    last = [(field, "ASCENDING") for field, op in conditions(query) if op == AT_MOST]
    orders = [(o.field.field_path, DIRECTIONS[int(o.direction)]) for o in structured.order_by]
    last += [order for order in orders if order[0] != "__name__"]
    scope = "COLLECTION_GROUP" if structured.from_[0].all_descendants else "COLLECTION"
    return {(scope, (each, *last)) for each in equal} or {(scope, tuple(last))}


@pytest.fixture
def jobs(client):
    return FirestoreJobs(client)


LISTS = [
    JobFilter(("failed", "done")),
    JobFilter((), "clone"),
    JobFilter(("queued",), "speech"),
]


def test_code_and_index_file_agree(jobs, client):
    gone = Deletion("ada", "voices", "voice_ada", trash_of(None, voice()), (), withdrawn=True)
    asked = [
        FirestoreLibrary(client)._ordering("ada", gone),
        jobs._named("job_1"),
        jobs._named("job_1", "job_secrets"),
        jobs._at_runpod("r-1"),
        jobs._due_at(datetime(2026, 1, 1, tzinfo=UTC)),
        *(jobs._newest("ada", only) for only in LISTS),
    ]
    assert set().union(*map(needed, asked)) == set(declared())


def test_what_is_asked_of_a_users_own_jobs_besides_is_served_by_the_index_that_every_field_has(
    jobs, client
):
    gone = [
        Deletion("ada", "generations", f"g{n}", trash, ())
        for n, trash in enumerate([trash_of(None), trash_of("r-1")])
    ]
    asked = [
        jobs._newest("ada"),
        jobs._in_states("ada", ["failed"]),
        jobs._with_outputs("ada", ["00"]),
        FirestoreLibrary(client)._making("ada", gone),
    ]
    overridden = {
        each["fieldPath"]
        for each in FILE["fieldOverrides"]
        if each["collectionGroup"] in ("jobs", "job_secrets")
    }
    for query in asked:
        for scope, fields in needed(query):
            assert (scope, len(fields)) == ("COLLECTION", 1)
            assert fields[0][0] not in overridden
    assert {field for field, _ in conditions(asked[-1])} == {"result_id", "runpod_job_id"}


def test_long_values_of_jobs_are_in_no_index():
    assert {("jobs", "order"), ("jobs", "failure"), ("users", "job_orders")} <= exempt()
