"""A page of items in memory, found by the same terms as in Firestore."""

from collections.abc import Iterable

from voxshelf.core.items import Voice
from voxshelf.core.query import MAX_COUNTED, MAX_READINGS, Cursor, ListQuery, Page
from voxshelf.core.reservation import Item
from voxshelf.core.search import terms_of


def page_of(items: Iterable[Item], query: ListQuery) -> Page[Item]:
    found = sorted(
        (item for item in items if _is_found(item, query)),
        key=lambda item: _place(item, query),
        reverse=query.descending,
    )
    following = [item for item in found if _follows(item, query)]
    looked_at = following[: MAX_READINGS * (query.page_size + 1)]
    passing = [item for item in looked_at if query.admits(item)]
    shown = passing[: query.page_size]
    after = None
    if len(passing) > len(shown):
        after = _cursor(shown[-1], query)
    elif len(following) > len(looked_at):
        after = _cursor(looked_at[-1], query)
    return Page(tuple(shown), after, _total(found, query))


def _is_found(item: Item, query: ListQuery) -> bool:
    return (
        all(getattr(item, name) == value for name, value in query.filters.items() if name != "tag")
        and (query.term is None or query.term in terms_of(item))
        and (query.created_after is None or item.created_at >= query.created_after)
        and (query.created_before is None or item.created_at < query.created_before)
    )


def _total(found: list[Item], query: ListQuery) -> int | None:
    if query.is_filtered and not query.include_total:
        return None
    if not query.is_answered_by_index and len(found) > MAX_COUNTED:
        return None
    return len([item for item in found if query.admits(item)])


def _follows(item: Item, query: ListQuery) -> bool:
    if query.after is None:
        return True
    place, after = _place(item, query), _place_of(query.after)
    return place < after if query.descending else place > after


def _place(item: Item, query: ListQuery) -> tuple[str, ...]:
    return _place_of(_cursor(item, query))


def _place_of(cursor: Cursor) -> tuple[str, ...]:
    return cursor.value, cursor.created_at or "", cursor.item_id


def _cursor(item: Item, query: ListQuery) -> Cursor:
    created_at = item.created_at.isoformat(timespec="microseconds")
    return Cursor(
        _sort_value(item, query.sort), item.item_id, created_at if query.dates_beside else None
    )


def _sort_value(item: Item, sort: str) -> str:
    if sort == "name":
        return (item.name if isinstance(item, Voice) else item.voice_name).casefold()
    value: str = getattr(item, sort).isoformat(timespec="microseconds")
    return value
