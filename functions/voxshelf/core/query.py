"""Questions to the library, and the pages that answer them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from voxshelf.core.items import Generation, Voice
from voxshelf.core.search import Search

T = TypeVar("T")

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 25
# What an index cannot say is checked on the items that it finds. A page may then take several
# readings of its own size (and one item more); after these it is sent as it is.
MAX_READINGS = 4
# For one total, where an index cannot count, and for one page, where it cannot sort: each item that
# is looked at is paid for.
MAX_COUNTED = 500
SORTS = ("created_at", "updated_at", "name")
# `search` and the dates are filters with a form of their own; the others are equalities.
VOICE_FILTERS = ("search", "language", "tag", "favorite")
GENERATION_FILTERS = (
    "search",
    "voice_id",
    "language",
    "tag",
    "favorite",
    "created_after",
    "created_before",
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of an item in one order: its sort value (times as RFC 3339) and its id.

    `created_at` stands between the two in the orders that need it (`ListQuery.dates_beside`).
    """

    value: str
    item_id: str
    created_at: str | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Return what compares as Firestore does: ids settle what the values leave open.

        Code points sort as their bytes in UTF-8, and times in UTC of one length as texts.
        """
        return self.value, self.created_at or "", self.item_id


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One page of a list: at most `page_size` items that pass all filters, after a cursor.

    Items created at `created_after` pass, those created at `created_before` do not: months, say,
    follow one another without gap or overlap.
    """

    sort: str = "created_at"
    descending: bool = True
    page_size: int = DEFAULT_PAGE_SIZE
    after: Cursor | None = None
    filters: Mapping[str, str | bool] = field(default_factory=dict)
    include_total: bool = False
    search: Search | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def is_filtered(self) -> bool:
        """Tell whether some items may not pass."""
        return bool(self.filters or self.search or self.created_after or self.created_before)

    @property
    def dates_beside(self) -> bool:
        """Tell whether dates are asked for in another order than by date.

        A database then sorts by the date, too, before the id: a range is a range of an index.
        """
        return self.sort != "created_at" and bool(self.created_after or self.created_before)

    @property
    def finds_nothing(self) -> bool:
        """Tell whether no item can pass."""
        return self.search is not None and not self.search.words

    @property
    def is_ordered_by_index(self) -> bool:
        """Tell whether an index has the items that it finds in the order asked for.

        Terms are many, and stand in one index only: the newest first (decision 19).
        """
        return self.search is None or (self.sort == "created_at" and self.descending)

    @property
    def as_indexed(self) -> "ListQuery":
        """Return the query in the order in which an index has what it finds."""
        if self.is_ordered_by_index:
            return self
        return replace(self, sort="created_at", descending=True)

    @property
    def indexed_tag(self) -> str | None:
        """Return the tag to ask an index for: none beside a search, as one array is all it can."""
        tag = self.filters.get("tag")
        return None if tag is None or self.search else str(tag)

    @property
    def is_answered_by_index(self) -> bool:
        """Tell whether items that an index has found pass altogether."""
        return self.search is None or ("tag" not in self.filters and self.search.is_one_term)

    def follows(self, cursor: Cursor) -> bool:
        """Tell whether a place lies after the page before."""
        if self.after is None:
            return True
        if self.descending:
            return cursor.place < self.after.place
        return cursor.place > self.after.place

    def admits(self, item: Voice | Generation) -> bool:
        """Tell whether an item that an index has found passes what the index does not say."""
        if self.is_answered_by_index or self.search is None:
            return True
        tag = self.filters.get("tag")
        return (tag is None or tag in item.tags) and self.search.matches(item)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in the order asked for; `next` is None on the last page.

    A page may be short, even empty, although others follow: see `MAX_READINGS`.

    `total` counts all items that pass the filters. It is None where nobody asked, and where more
    than `MAX_COUNTED` items would have to be looked at.
    """

    items: tuple[T, ...]
    next: Cursor | None
    total: int | None
