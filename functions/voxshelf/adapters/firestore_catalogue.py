"""Reading the library from Firestore: one item, or one page by cursor.

Every query filters on `status == "ready"` and ends its order with the document's id, so it
needs a composite index; firestore.indexes.json lists them and a test holds both together.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore
from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from voxshelf.adapters import documents
from voxshelf.adapters.firestore_errors import translated
from voxshelf.adapters.firestore_places import BOUNDED
from voxshelf.core.errors import NotFound, Unavailable
from voxshelf.core.items import Generation, Voice, shown
from voxshelf.core.query import Cursor, ListQuery, Page

T = TypeVar("T", Voice, Generation)

_SORT_FIELDS = {"created_at": "created_at", "updated_at": "updated_at", "name": "name_key"}
_FILTERS = {
    "voice_id": ("voice_id", "=="),
    "language": ("language", "=="),
    "favorite": ("favorite", "=="),
    "tag": ("tags", "array_contains"),
}


class FirestoreCatalogue:
    """Plays `Catalogue` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        self._client = client
        # The counters are read while the page is: two round trips in the time of one.
        self._aside = ThreadPoolExecutor(max_workers=8, thread_name_prefix="totals")

    def voice(self, uid: str, voice_id: str) -> Voice:
        """See `Catalogue.voice`."""
        return documents.to_voice(self._ready(uid, "voices", voice_id))

    def generation(self, uid: str, generation_id: str) -> Generation:
        """See `Catalogue.generation`."""
        account = self._aside.submit(self._counters, uid)
        generation = documents.to_generation(self._ready(uid, "generations", generation_id))
        return shown(generation, _names(account.result()))

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        """See `Catalogue.voices`."""
        account = None if query.filters else self._aside.submit(self._counters, uid)
        return self._page(uid, "voices", query, documents.to_voice, account)

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        """See `Catalogue.generations`."""
        account = self._aside.submit(self._counters, uid)
        page = self._page(uid, "generations", query, documents.to_generation, account)
        names = _names(account.result())
        return replace(page, items=tuple(shown(item, names) for item in page.items))

    def _counters(self, uid: str) -> documents.Document:
        with translated():
            return self._account(uid).get(**BOUNDED).to_dict() or {}

    def _account(self, uid: str) -> firestore.DocumentReference:
        return self._client.collection("users").document(uid)

    def _ready(self, uid: str, kind: str, item_id: str) -> documents.Document:
        with translated():
            snapshot = self._account(uid).collection(kind).document(item_id).get(**BOUNDED)
        document: documents.Fields | None = snapshot.to_dict() if snapshot.exists else None
        if document is None or document["status"] != documents.READY:
            raise NotFound("There is no such item in your library.")
        return document

    def _page(
        self,
        uid: str,
        kind: str,
        query: ListQuery,
        parse: Callable[[documents.Document], T],
        account: Future[documents.Document] | None,
    ) -> Page[T]:
        count = None
        if query.filters and query.include_total:
            count = self._aside.submit(self._count, uid, kind, query)
        with translated():
            # One more than the page holds tells whether there is another page.
            found = self._found(self._query(uid, kind, query))
        shown = found[: query.page_size]
        return Page(
            items=tuple(parse(snapshot.to_dict() or {}) for snapshot in shown),
            next=_cursor(shown[-1], query) if len(found) > len(shown) else None,
            total=_total(kind, query, account, count),
        )

    def _found(self, query: firestore.Query) -> list[DocumentSnapshot[Any]]:
        try:
            return list(query.stream(**BOUNDED))
        except FailedPrecondition as error:
            # Right after a first deploy, while Firestore builds the indexes.
            raise Unavailable("The library's index is still being built. Try again.") from error

    def _query(self, uid: str, kind: str, query: ListQuery) -> firestore.Query:
        field = _SORT_FIELDS[query.sort]
        direction = firestore.Query.DESCENDING if query.descending else firestore.Query.ASCENDING
        ordered = (
            self._matching(uid, kind, query)
            .order_by(field, direction=direction)
            .order_by("__name__", direction=direction)
            .limit(query.page_size + 1)
        )
        if query.after is None:
            return ordered
        place = self._account(uid).collection(kind).document(query.after.item_id)
        after: firestore.Query = ordered.start_after({field: _sort_value(query), "__name__": place})
        return after

    def _matching(self, uid: str, kind: str, query: ListQuery) -> firestore.Query:
        matching: firestore.Query = (
            self._account(uid)
            .collection(kind)
            .where(filter=FieldFilter("status", "==", documents.READY))
        )
        for name, value in query.filters.items():
            field, operator = _FILTERS[name]
            matching = matching.where(filter=FieldFilter(field, operator, value))
        return matching

    def _count(self, uid: str, kind: str, query: ListQuery) -> int:
        with translated():
            # The client's annotations have the class here where the code returns an instance.
            counting: Any = self._matching(uid, kind, query).count()
            return int(counting.get(**BOUNDED)[0][0].value)


def _total(
    kind: str,
    query: ListQuery,
    account: Future[documents.Document] | None,
    count: Future[int] | None,
) -> int | None:
    """Return how many items pass the filters: without any, that is counted already."""
    if account is not None and not query.filters:
        return int(account.result().get(kind, 0))
    return None if count is None else count.result()


def _names(account: documents.Document) -> Mapping[str, str]:
    return documents.to_account(account).names


def _cursor(snapshot: DocumentSnapshot[Any], query: ListQuery) -> Cursor:
    value = snapshot.get(_SORT_FIELDS[query.sort])
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat()
    return Cursor(value, snapshot.id)


def _sort_value(query: ListQuery) -> datetime | str:
    assert query.after is not None
    if query.sort == "name":
        return query.after.value
    return datetime.fromisoformat(query.after.value)
