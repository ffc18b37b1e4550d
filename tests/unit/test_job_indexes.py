"""Every query of jobs has its index, and every index its query; see `test_indexes`."""

from datetime import UTC, datetime

import pytest

from tests.unit.test_indexes import DIRECTIONS, FILE, client, exempt
from voxshelf.adapters.firestore_jobs import FirestoreJobs

__all__ = ["client"]

EQUAL, AT_MOST = "EQUAL", "LESS_THAN_OR_EQUAL"


def declared():
    """Return the indexes of jobs, those of one field included."""
    for index in FILE["indexes"]:
        if index["collectionGroup"] == "jobs":
            fields = tuple((f["fieldPath"], f["order"]) for f in index["fields"])
            yield index["queryScope"], fields
    for override in FILE["fieldOverrides"]:
        if override["collectionGroup"] == "jobs":
            for index in override["indexes"]:
                yield index["queryScope"], ((override["fieldPath"], index["order"]),)


def needed(query):
    """Return the index that serves a query: its equality, then what is compared or sorted by."""
    structured = query._to_protobuf()
    filters = [f.field_filter for f in structured.where.composite_filter.filters]
    filters = filters or [structured.where.field_filter]
    fields = [(f.field.field_path, "ASCENDING") for f in filters if f.op.name == EQUAL]
    fields += [(f.field.field_path, "ASCENDING") for f in filters if f.op.name == AT_MOST]
    orders = [(o.field.field_path, DIRECTIONS[int(o.direction)]) for o in structured.order_by]
    fields += [order for order in orders if order[0] != "__name__"]
    everywhere = structured.from_[0].all_descendants
    return "COLLECTION_GROUP" if everywhere else "COLLECTION", tuple(
        field for field in fields if field[0]
    )


@pytest.fixture
def jobs(client):
    return FirestoreJobs(client)


def test_code_and_index_file_agree(jobs):
    found = {
        needed(jobs._named("job_1")),
        needed(jobs._at_runpod("r-1")),
        needed(jobs._due_at(datetime(2026, 1, 1, tzinfo=UTC))),
    }
    assert found == set(declared())


def test_a_users_own_list_is_served_by_the_index_that_every_field_has(jobs):
    assert needed(jobs._newest("ada")) == ("COLLECTION", (("created_at", "DESCENDING"),))
    overridden = {each["fieldPath"] for each in FILE["fieldOverrides"]}
    assert "created_at" not in overridden


def test_long_values_of_jobs_are_in_no_index():
    assert {("jobs", "order"), ("jobs", "failure")} <= exempt()
