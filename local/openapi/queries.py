"""The parameters of lists and of paths."""

from typing import Any

from local.openapi.requests import FLAGS
from voxshelf.core.language import TAG_PATTERN
from voxshelf.core.query import DEFAULT_PAGE_SIZE, MAX_COUNTED, MAX_PAGE_SIZE, SORTS
from voxshelf.core.search import MAX_SEARCH_CHARACTERS, MAX_TERMS
from voxshelf.endpoints.library import PROFILE_FORMATS
from voxshelf.http.boundary import MAX_KEY_CHARACTERS
from voxshelf.http.list_query import MAX_FILTER_CHARACTERS

# A flag in all its words; sent without a value, it counts as not sent.
FLAG: dict[str, Any] = {"enum": list(FLAGS)}
Parameter = dict[str, Any]

IDEMPOTENCY_KEY: Parameter = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "A name for this request, chosen by the client, of printable ASCII characters. A retry "
        "with the same key and content gets the first answer again, and has no effect of its own."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS},
}

PROFILE_FORMAT: Parameter = {
    "name": "format",
    "in": "query",
    "description": "`json` or `file` for the profile itself instead of the way to it.",
    "schema": {"type": "string", "enum": [*PROFILE_FORMATS], "default": PROFILE_FORMATS[0]},
}

_PATH_ARGUMENTS = {
    "generation_id": "The id of a generation.",
    "job_id": "The id of a job here.",
    "upload_id": "The id of an upload that was asked for.",
    "secret": "What only RunPod was told of this job.",
    "voice_id": "The id of a voice.",
}

# A date, or a time with its offset; sent without a value it counts as not sent.
_TIME: Parameter = {
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"format": "date"}, {"maxLength": 0}],
    "examples": ["2026-01-31"],
}
_TEXT: Parameter = {
    "type": "string",
    "maxLength": MAX_FILTER_CHARACTERS,
    "pattern": "^[^\\u0000]*$",
}
_SEARCH = (
    "Only items that have, for each of these words, a word beginning with it: in a voice's name, "
    "description and tags, or a generation's text, tags and voice's name. Any script; case, "
    "accents, strokes and points make no difference. Where there is no letter and no digit, as in "
    "`(` or an emoji, there is nothing to be found, and the answer is empty. Scripts without "
    f"spaces are searched anywhere in a text. Of a long text about {MAX_TERMS} different words are "
    "found. With several words, or words and a tag, a page may have fewer items than `page_size` "
    "although `has_more` is true. In any other order than the newest first, at most "
    f"{MAX_COUNTED} items are sorted: a search that finds more is refused."
)
_SORT = (
    "What to sort by. Names are in natural order, `voice 2` before `voice 10`; case and accents "
    "make no difference."
)
_INCLUDE_TOTAL = (
    "Count the items when filters are set. Without filters the total is always there. It is null "
    f"when more than {MAX_COUNTED} items would have to be read to be counted, which only searches "
    "for several or long words, or for words and a tag, need."
)
_FILTERS: dict[str, tuple[str, Parameter]] = {
    "search": (
        _SEARCH,
        {"type": "string", "maxLength": MAX_SEARCH_CHARACTERS},
    ),
    "created_after": (
        "Only generations created at this time or later. A date is its beginning in UTC.",
        _TIME,
    ),
    "created_before": (
        "Only generations created earlier than this time. A date is its beginning in UTC.",
        _TIME,
    ),
    "favorite": ("Only favorites, or only others.", FLAG),
    "language": (
        "Only this language, as a tag (BCP 47): `en-US`, `en-us` and `en_US` are one.",
        {**_TEXT, "pattern": f"^({TAG_PATTERN})?$", "examples": ["pt-BR"]},
    ),
    "tag": ("Only items with this tag, as it was saved.", _TEXT),
    "voice_id": ("Only generations of this voice.", _TEXT),
}

_PAGING: dict[str, tuple[str, Parameter]] = {
    "page_size": (
        "Items on a page.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_PAGE_SIZE,
            "default": DEFAULT_PAGE_SIZE,
        },
    ),
    "page_token": (
        "`next_page_token` of the page before, for the same sort, order and filters.",
        {"type": "string"},
    ),
    "sort": (
        _SORT,
        {"type": "string", "enum": [*SORTS, ""], "default": SORTS[0]},
    ),
    "order": (
        "Descending (newest or Z first) or ascending.",
        {"type": "string", "enum": ["desc", "asc", ""], "default": "desc"},
    ),
    "include_total": (
        _INCLUDE_TOTAL,
        {**FLAG, "default": False},
    ),
}


def list_parameters(filters: tuple[str, ...]) -> tuple[Parameter, ...]:
    """Return the parameters of a list that takes `filters`."""
    documented = _PAGING | {name: _FILTERS[name] for name in filters}
    return tuple(
        {"name": name, "in": "query", "description": description, "schema": schema}
        for name, (description, schema) in documented.items()
    )


def path_parameter(name: str) -> Parameter:
    """Return the parameter of a path's argument."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PATH_ARGUMENTS[name],
        "schema": {"type": "string"},
    }
