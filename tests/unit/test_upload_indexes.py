"""The query of uploads has its index, and the index its query; see `test_indexes`."""

from datetime import UTC, datetime

from tests.unit.test_indexes import FILE, client
from voxshelf.adapters.firestore_uploads import FirestoreUploads

__all__ = ["client"]


def test_code_and_index_file_agree(client):
    query = FirestoreUploads(client)._open_until(datetime(2026, 1, 1, tzinfo=UTC))._to_protobuf()
    equal, before = query.where.composite_filter.filters
    asked = [
        (equal.unary_filter.field.field_path, equal.unary_filter.op.name),
        (before.field_filter.field.field_path, before.field_filter.op.name),
    ]
    assert asked == [("taken", "IS_NULL"), ("open_until", "LESS_THAN")]
    assert query.from_[0].all_descendants
    (index,) = [each for each in FILE["indexes"] if each["collectionGroup"] == "uploads"]
    assert index["queryScope"] == "COLLECTION_GROUP"
    assert [(f["fieldPath"], f["order"]) for f in index["fields"]] == [
        ("taken", "ASCENDING"),
        ("open_until", "ASCENDING"),
    ]
