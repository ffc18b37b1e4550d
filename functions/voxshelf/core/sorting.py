"""A page in an order that no index has: sorted here, from all that an index has found."""

from collections.abc import Sequence
from typing import TypeVar

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.items import Generation, Voice
from voxshelf.core.query import MAX_COUNTED, Cursor, ListQuery, Page

T = TypeVar("T", bound=Voice | Generation)


def sorted_page(found: Sequence[tuple[Cursor, T]], query: ListQuery) -> Page[T]:
    """Return a page of the items found, each with its place in the query's order.

    Pages follow one another by places, as those that a database sorts do: nothing is skipped or
    repeated when other items come and go.

    Raises:
        InvalidRequest: naming `sort`, when more than `MAX_COUNTED` items were found.
    """
    if len(found) > MAX_COUNTED:
        raise InvalidRequest(
            f"This search finds more than {MAX_COUNTED} items, and so many are not sorted. Search "
            "for more or longer words, or take the newest first (sort=created_at, order=desc).",
            details={"field": "sort"},
        )
    passing = [(cursor, item) for cursor, item in found if query.admits(item)]
    passing.sort(key=lambda one: one[0].place, reverse=query.descending)
    following = [(cursor, item) for cursor, item in passing if query.follows(cursor)]
    shown = following[: query.page_size]
    return Page(
        items=tuple(item for _, item in shown),
        next=shown[-1][0] if len(shown) < len(following) else None,
        total=len(passing) if query.include_total else None,
    )
