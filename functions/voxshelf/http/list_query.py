"""The query of a list request (the contract, section 8)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.query import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    SORTS,
    Cursor,
    ListQuery,
)

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
# Named by the contract and not answered yet: silence would look like an answer.
_NOT_YET = ("search", "created_after", "created_before")


def read_list_query(
    arguments: Mapping[str, str], filters: tuple[str, ...], cursor_of: Callable[[str, str], Cursor]
) -> ListQuery:
    """Read a query; `cursor_of(query, token)` opens the page token made for that query.

    Raises:
        InvalidRequest: naming the parameter.
    """
    for name in _NOT_YET:
        if arguments.get(name):
            raise InvalidRequest(f"{name} is not available yet.", details={"field": name})
    query = ListQuery(
        sort=_choice(arguments, "sort", SORTS),
        descending=_choice(arguments, "order", ("desc", "asc")) == "desc",
        page_size=_page_size(arguments),
        filters={name: _filter(name, arguments[name]) for name in filters if arguments.get(name)},
        include_total=_flag("include_total", arguments.get("include_total") or "false"),
    )
    token = arguments.get("page_token")
    if not token:
        return query
    return replace(query, after=cursor_of(query_text(query), token))


def query_text(query: ListQuery) -> str:
    """Return the text that two pages of one list have in common; the page size may differ."""
    return json.dumps([query.sort, query.descending, dict(query.filters)], sort_keys=True)


def _choice(arguments: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = arguments.get(name) or choices[0]
    if value not in choices:
        raise _invalid(name, f"one of {', '.join(choices)}")
    return value


def _page_size(arguments: Mapping[str, str]) -> int:
    text = arguments.get("page_size") or str(DEFAULT_PAGE_SIZE)
    if not (
        text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE_SIZE
    ):
        raise _invalid("page_size", f"a number from 1 to {MAX_PAGE_SIZE}")
    return int(text)


def _filter(name: str, value: str) -> str | bool:
    if len(value) > 200 or "\0" in value:
        raise _invalid(name, "at most 200 characters")
    return _flag(name, value) if name == "favorite" else value


def _flag(name: str, value: str) -> bool:
    if value.lower() not in _FLAGS:
        raise _invalid(name, "true or false")
    return _FLAGS[value.lower()]


def _invalid(name: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{name} must be {expected}.", details={"field": name})
