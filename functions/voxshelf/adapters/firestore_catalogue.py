"""Reading the library from Firestore: one item, or one page by cursor."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from google.api_core.exceptions import FailedPrecondition
from google.cloud import firestore

from voxshelf.adapters import documents, firestore_queries
from voxshelf.adapters.firestore_errors import translated
from voxshelf.adapters.firestore_names import read_holders, read_named
from voxshelf.adapters.firestore_places import BOUNDED
from voxshelf.adapters.firestore_renamed import read_renamed
from voxshelf.adapters.firestore_rows import Row, rows_of
from voxshelf.adapters.firestore_usage import FirestoreUsage
from voxshelf.core.errors import NotFound, Unavailable
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import MAX_COUNTED, MAX_READINGS, Cursor, ListQuery, Page
from voxshelf.core.renaming import Renamed, shown
from voxshelf.core.shelf import Namesake
from voxshelf.core.sorting import sorted_page
from voxshelf.use_cases.ports import Kind

T = TypeVar("T", Voice, Generation)
Parse = Callable[[documents.Document], T]

# The parts of the user's own document that a list shows.
_COUNTERS = ("voices", "generations", "renamings")


class FirestoreCatalogue(FirestoreUsage):
    """Plays `Catalogue` in Firestore."""

    def __init__(self, client: firestore.Client) -> None:
        """Use `client`, which may be shared by threads."""
        super().__init__(client)
        self._client = client
        # The counters are read while the page is: two round trips in the time of one.
        self._aside = ThreadPoolExecutor(max_workers=8, thread_name_prefix="totals")

    def voice(self, uid: str, voice_id: str) -> Voice:
        """See `Catalogue.voice`."""
        return documents.to_voice(self._ready(uid, "voices", voice_id))

    def voice_named(self, uid: str, name: str) -> Voice:
        """See `Catalogue.voice_named`."""
        with translated():
            found = read_named(self._account(uid).collection("voices"), name).voices
        ready = (one.entry.voice for one in found)
        voice = next((one for one in ready if one is not None and one.name == name), None)
        if voice is None:
            raise NotFound("There is no such item in your library.")
        return voice

    def holders(self, uid: str, voice_id: str, name: str | None = None) -> Sequence[Namesake]:
        """See `Catalogue.holders`."""
        with translated():
            return read_holders(self._account(uid).collection("voices"), voice_id, name)

    def generation(self, uid: str, generation_id: str) -> Generation:
        """See `Catalogue.generation`."""
        renamed = self._aside.submit(self._renamed, uid)
        generation = documents.to_generation(self._ready(uid, "generations", generation_id))
        return shown(generation, renamed.result())

    def voices(self, uid: str, query: ListQuery) -> Page[Voice]:
        """See `Catalogue.voices`."""
        account = None if query.is_filtered else self._aside.submit(self._counters, uid)
        return self._page(uid, "voices", query, documents.to_voice, account)

    def generations(self, uid: str, query: ListQuery) -> Page[Generation]:
        """See `Catalogue.generations`."""
        account = self._aside.submit(self._counters, uid)
        page = self._page(uid, "generations", query, documents.to_generation, account)
        renamed = self._renamed(uid, account.result())
        return replace(page, items=tuple(shown(item, renamed) for item in page.items))

    def _counters(self, uid: str) -> documents.Document:
        with translated():
            return self._account(uid).get(_COUNTERS, **BOUNDED).to_dict() or {}

    def _renamed(self, uid: str, account: documents.Document | None = None) -> Sequence[Renamed]:
        counted = documents.to_account(self._counters(uid) if account is None else account)
        with translated():
            return read_renamed(self._places, uid, counted)

    def _account(self, uid: str) -> firestore.DocumentReference:
        return self._client.collection("users").document(uid)

    def _ready(self, uid: str, kind: Kind, item_id: str) -> documents.Document:
        with translated():
            snapshot = self._account(uid).collection(kind).document(item_id).get(**BOUNDED)
        document: documents.Fields | None = snapshot.to_dict() if snapshot.exists else None
        if document is None or document["status"] != documents.READY:
            raise NotFound("There is no such item in your library.")
        return document

    def _page(
        self,
        uid: str,
        kind: Kind,
        query: ListQuery,
        parse: Parse[T],
        account: Future[documents.Document] | None,
    ) -> Page[T]:
        library = self._account(uid).collection(kind)
        if query.finds_nothing:
            return Page((), None, 0)
        if not query.is_ordered_by_index:
            asked = firestore_queries.page(library, kind, query, None, MAX_COUNTED + 1)
            found = _found(asked, parse)
            return sorted_page(
                [(firestore_queries.cursor_at(row, query), item) for row, item in found], query
            )
        count = None
        if query.is_filtered and query.include_total:
            count = self._aside.submit(self._count, library, kind, query, parse)
        items, following = self._read(library, kind, query, parse)
        return Page(items, following, _total(kind, query, account, count))

    def _read(
        self,
        library: firestore.CollectionReference,
        kind: Kind,
        query: ListQuery,
        parse: Parse[T],
    ) -> tuple[tuple[T, ...], Cursor | None]:
        """Return the items of a page, and the place after which the next one begins."""
        passing: list[tuple[Row, T]] = []
        after, size = query.after, query.page_size
        for _ in range(MAX_READINGS):
            asked = firestore_queries.page(library, kind, query, after, size + 1)
            read = _found(asked, parse)
            passing += [(row, item) for row, item in read if query.admits(item)]
            after = firestore_queries.cursor_at(read[-1][0], query) if len(read) > size else None
            if after is None or len(passing) > size:
                break
        if len(passing) > size:
            after = firestore_queries.cursor_at(passing[size - 1][0], query)
        return tuple(item for _, item in passing[:size]), after

    def _count(
        self,
        library: firestore.CollectionReference,
        kind: Kind,
        query: ListQuery,
        parse: Parse[T],
    ) -> int | None:
        if not query.is_answered_by_index:
            asked = firestore_queries.page(library, kind, query, None, MAX_COUNTED + 1)
            passing = [query.admits(item) for _, item in _found(asked, parse)]
            return None if len(passing) > MAX_COUNTED else sum(passing)
        with translated():
            # The client's annotations have the class here where the code returns an instance.
            counting: Any = firestore_queries.matching(library, query).count()
            return int(counting.get(**BOUNDED)[0][0].value)


def _found(query: firestore.Query, parse: Parse[T]) -> list[tuple[Row, T]]:
    try:
        with translated():
            # Each is parsed while the next one is on its way.
            return [(row, parse(row[1])) for row in rows_of(query)]
    except FailedPrecondition as error:
        # Right after a first deploy, while Firestore builds the indexes.
        raise Unavailable("The library's index is still being built. Try again.") from error


def _total(
    kind: Kind,
    query: ListQuery,
    account: Future[documents.Document] | None,
    count: Future[int | None] | None,
) -> int | None:
    """Return how many items pass the filters: without any, that is counted already."""
    if account is not None and not query.is_filtered:
        return int(account.result().get(kind, 0))
    return None if count is None else count.result()
