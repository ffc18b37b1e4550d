"""The query of a list request (the contract, section 8)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from voxshelf.core.errors import invalid
from voxshelf.core.language import canonical
from voxshelf.core.query import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    SORTS,
    Cursor,
    ListQuery,
)
from voxshelf.core.search import Search
from voxshelf.http.flags import read_flag

# What every list takes beside its filters.
PAGING = ("page_size", "page_token", "sort", "order", "include_total")
MAX_FILTER_CHARACTERS = 200
# Filters that are more than one value to be equal to.
_SEARCH, _DATES = "search", ("created_after", "created_before")
# RFC 3339, section 5.6: a full date, or a date and a time with its offset. A '+' that a client has
# not escaped arrives as a space; where the sign must stand it can have been nothing else.
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?P<time>T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+\- ][0-9]{2}:[0-9]{2}))?",
    re.IGNORECASE,
)


def read_list_query(
    arguments: Mapping[str, str], filters: tuple[str, ...], cursor_of: Callable[[str, str], Cursor]
) -> ListQuery:
    """Read a query; `cursor_of(query, token)` opens the page token made for that query.

    A parameter that is sent without a value counts as not sent.

    Raises:
        InvalidRequest: naming the parameter.
    """
    sent = {name: arguments[name] for name in filters if arguments.get(name)}
    query = ListQuery(
        sort=_choice(arguments, "sort", SORTS),
        descending=_choice(arguments, "order", ("desc", "asc")) == "desc",
        page_size=read_page_size(arguments),
        filters={
            name: _filter(name, value)
            for name, value in sent.items()
            if name not in (_SEARCH, *_DATES)
        },
        include_total=_flag("include_total", arguments.get("include_total") or "false"),
        search=Search.parse(sent[_SEARCH]) if _SEARCH in sent else None,
        created_after=_time("created_after", sent),
        created_before=_time("created_before", sent),
    )
    token = arguments.get("page_token")
    if not token:
        return query
    return replace(query, after=cursor_of(query_text(query), token))


def query_text(query: ListQuery) -> str:
    """Return the text that two pages of one list have in common; the page size may differ."""
    dates = (query.created_after, query.created_before)
    return json.dumps(
        [
            query.sort,
            query.descending,
            dict(query.filters),
            query.search.words if query.search else None,
            *(date and date.isoformat() for date in dates),
        ],
        sort_keys=True,
    )


def _choice(arguments: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = (arguments.get(name) or choices[0]).lower()
    if value not in choices:
        raise invalid(name, f"one of {', '.join(choices)}")
    return value


def read_page_size(arguments: Mapping[str, str]) -> int:
    """Return how many items a page may have.

    Raises:
        InvalidRequest.
    """
    text = arguments.get("page_size") or str(DEFAULT_PAGE_SIZE)
    if not (
        text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_PAGE_SIZE
    ):
        raise invalid("page_size", f"a number from 1 to {MAX_PAGE_SIZE}")
    return int(text)


def _filter(name: str, value: str) -> str | bool:
    if len(value) > MAX_FILTER_CHARACTERS or "\0" in value:
        raise invalid(name, f"at most {MAX_FILTER_CHARACTERS} characters, and none of them NUL")
    if name == "language":
        return _language(value)
    return _flag(name, value) if name == "favorite" else value


def _language(value: str) -> str:
    tag = canonical(value)
    if tag is None:
        raise invalid("language", "a language tag such as en or pt-BR")
    return tag


def _flag(name: str, value: str) -> bool:
    flag = read_flag(value)
    if flag is None:
        raise invalid(name, "true or false")
    return flag


def _time(name: str, sent: Mapping[str, str]) -> datetime | None:
    """Read a time, if it is sent; a date is its beginning in UTC."""
    if name not in sent:
        return None
    text = sent[name]
    parts = _DATE.fullmatch(text)
    try:
        if parts is not None:
            whole = text.replace(" ", "+") if parts["time"] else f"{text}T00:00:00Z"
            return datetime.fromisoformat(whole.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # There is no such day or hour, or it is before the year 1 in UTC.
    raise invalid(name, "a date (2026-01-31) or a time with its offset (2026-01-31T12:00:00Z)")
