"""A list's query as Firestore's.

Every query filters on `status == "ready"` and ends its order with the document's id, so it
needs a composite index; firestore.indexes.json lists them and a test holds both together.
"""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_rows import Row
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import Cursor, ListQuery
from voxshelf.use_cases.ports import Kind

_SORT_FIELDS = {"created_at": "created_at", "updated_at": "updated_at", "name": "name_key"}
# What a page is made of. A document has as much again that only searches and saves read.
SHOWN_FIELDS: Mapping[Kind, tuple[str, ...]] = {
    "voices": (*(field.name for field in dataclasses.fields(Voice)), "name_key"),
    "generations": (*(field.name for field in dataclasses.fields(Generation)), "name_key"),
}


def matching(library: firestore.CollectionReference, query: ListQuery) -> firestore.Query:
    """Return all that an index finds for a query in a collection, in the order of that index."""
    query = query.as_indexed
    found: firestore.Query = library.where(filter=FieldFilter("status", "==", documents.READY))
    for field, operator, value in _conditions(query):
        found = found.where(filter=FieldFilter(field, operator, value))
    direction = firestore.Query.DESCENDING if query.descending else firestore.Query.ASCENDING
    for field in _order(query):
        found = found.order_by(field, direction=direction)
    return found


def page(
    library: firestore.CollectionReference,
    kind: Kind,
    query: ListQuery,
    after: Cursor | None,
    limit: int,
) -> firestore.Query:
    """Return the query for the next `limit` items, with no more of them than is shown.

    There can be no place to go on `after` where no index has the query's order.
    """
    found = matching(library, query).select(SHOWN_FIELDS[kind]).limit(limit)
    if after is not None:
        place = library.document(after.item_id)
        values = _sort_values(query, after)
        found = found.start_after(dict(zip(_order(query), [*values, place], strict=True)))
    return found


def cursor_at(row: Row, query: ListQuery) -> Cursor:
    """Return the place in the query's order of an item that it has found."""
    item_id, fields = row
    sort_value, *created_at = (_text(fields[field]) for field in _order(query)[:-1])
    return Cursor(sort_value, item_id, *created_at)


def _conditions(query: ListQuery) -> list[tuple[str, str, str | bool | datetime]]:
    conditions: list[tuple[str, str, str | bool | datetime]] = [
        (name, "==", value) for name, value in query.filters.items() if name != "tag"
    ]
    if query.search is not None:
        conditions.append(("terms", "array_contains", query.search.term))
    if query.indexed_tag is not None:
        conditions.append(("tags", "array_contains", query.indexed_tag))
    if query.created_after is not None:
        conditions.append(("created_at", ">=", query.created_after))
    if query.created_before is not None:
        conditions.append(("created_at", "<", query.created_before))
    return conditions


def _order(query: ListQuery) -> list[str]:
    dates = ["created_at"] if query.dates_beside else []
    return [_SORT_FIELDS[query.sort], *dates, "__name__"]


def _text(value: datetime | str) -> str:
    if isinstance(value, str):
        return value
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _sort_values(query: ListQuery, cursor: Cursor) -> list[datetime | str]:
    is_name = query.sort == "name"
    values: list[datetime | str] = [cursor.value if is_name else _time(cursor.value)]
    return values if cursor.created_at is None else [*values, _time(cursor.created_at)]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
