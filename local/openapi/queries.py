"""The parameters of lists and of paths."""

from typing import Any

from voxshelf.core.query import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, SORTS
from voxshelf.http.boundary import MAX_KEY_CHARACTERS

Parameter = dict[str, Any]

IDEMPOTENCY_KEY: Parameter = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "A name for this save, chosen by the client, of printable ASCII characters. A retry "
        "with the same key and content gets the first answer again."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARACTERS},
}

_PATH_ARGUMENTS = {
    "generation_id": "The id of a generation.",
    "voice_id": "The id of a voice.",
}

_FILTERS: dict[str, tuple[str, Parameter]] = {
    "favorite": ("Only favorites, or only others.", {"type": "boolean"}),
    "language": ("Only this language, as it was saved.", {"type": "string"}),
    "tag": ("Only items with this tag.", {"type": "string"}),
    "voice_id": ("Only generations of this voice.", {"type": "string"}),
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
    "sort": ("What to sort by.", {"type": "string", "enum": [*SORTS], "default": SORTS[0]}),
    "order": (
        "Descending (newest or Z first) or ascending.",
        {"type": "string", "enum": ["desc", "asc"], "default": "desc"},
    ),
    "include_total": (
        "Count the items when filters are set. Without filters the total is always there.",
        {"type": "boolean", "default": False},
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
