"""Questions to the library, and the pages that answer them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 25
SORTS = ("created_at", "updated_at", "name")
VOICE_FILTERS = ("language", "tag", "favorite")
GENERATION_FILTERS = ("voice_id", "language", "tag", "favorite")


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place of an item in one order: its sort value (times as RFC 3339) and its id."""

    value: str
    item_id: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One page of a list: at most `page_size` items that pass all filters, after a cursor."""

    sort: str = "created_at"
    descending: bool = True
    page_size: int = DEFAULT_PAGE_SIZE
    after: Cursor | None = None
    filters: Mapping[str, str | bool] = field(default_factory=dict)
    include_total: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items in the order asked for; `next` is None on the last page.

    `total` counts all items that pass the filters, or is None where nobody asked.
    """

    items: tuple[T, ...]
    next: Cursor | None
    total: int | None
