"""A page of items in memory, found by the same terms as in Firestore."""

from collections.abc import Iterable

from voxshelf.core.items import Voice
from voxshelf.core.query import MAX_COUNTED, MAX_READINGS, Cursor, ListQuery, Page
from voxshelf.core.reservation import Item
from voxshelf.core.search import terms_of
from voxshelf.core.sort_key import sort_key
from voxshelf.core.sorting import sorted_page


def page_of(items: Iterable[Item], query: ListQuery) -> Page[Item]:
    if query.finds_nothing:
        return Page((), None, 0)
    found = [(_cursor(item, query), item) for item in items if _is_found(item, query)]
    if not query.is_ordered_by_index:
        return sorted_page(found, query)
    found.sort(key=lambda one: one[0].place, reverse=query.descending)
    following = [(cursor, item) for cursor, item in found if query.follows(cursor)]
    looked_at = following[: MAX_READINGS * (query.page_size + 1)]
    passing = [(cursor, item) for cursor, item in looked_at if query.admits(item)]
    shown = passing[: query.page_size]
    after = None
    if len(passing) > len(shown):
        after = shown[-1][0]
    elif len(following) > len(looked_at):
        after = looked_at[-1][0]
    return Page(tuple(item for _, item in shown), after, _total(found, query))


def _is_found(item: Item, query: ListQuery) -> bool:
    return (
        all(getattr(item, name) == value for name, value in query.filters.items() if name != "tag")
        and (query.search is None or query.search.term in terms_of(item))
        and (query.indexed_tag is None or query.indexed_tag in item.tags)
        and (query.created_after is None or item.created_at >= query.created_after)
        and (query.created_before is None or item.created_at < query.created_before)
    )


def _total(found: list[tuple[Cursor, Item]], query: ListQuery) -> int | None:
    if query.is_filtered and not query.include_total:
        return None
    if not query.is_answered_by_index and len(found) > MAX_COUNTED:
        return None
    return len([item for _, item in found if query.admits(item)])


def _cursor(item: Item, query: ListQuery) -> Cursor:
    created_at = item.created_at.isoformat(timespec="microseconds")
    return Cursor(
        _sort_value(item, query.sort), item.item_id, created_at if query.dates_beside else None
    )


def _sort_value(item: Item, sort: str) -> str:
    if sort == "name":
        return sort_key(item.name if isinstance(item, Voice) else item.voice_name)
    value: str = getattr(item, sort).isoformat(timespec="microseconds")
    return value
