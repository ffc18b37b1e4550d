"""The failures of the API: one response for each set of errors that share a status."""

import inspect
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from voxshelf.core.errors import (
    InProgress,
    MethodNotAllowed,
    QuotaExceeded,
    RateLimited,
    RequestTimeout,
    Unauthenticated,
    Unavailable,
    VoxshelfError,
)
from voxshelf.http.wire import ErrorBody

ErrorType = type[VoxshelfError]

_HEADERS: dict[ErrorType, str] = {
    InProgress: "Retry-After",
    MethodNotAllowed: "Allow",
    QuotaExceeded: "Retry-After",
    RequestTimeout: "Retry-After",
    RateLimited: "Retry-After",
    Unauthenticated: "WWW-Authenticate",
    Unavailable: "Retry-After",
}


def all_errors() -> tuple[ErrorType, ...]:
    """Return every error that has an answer, by status and code."""
    return _sorted(_descendants(VoxshelfError))


def by_status(errors: Iterable[ErrorType]) -> dict[int, tuple[ErrorType, ...]]:
    """Return errors grouped by the HTTP status that they share."""
    return {
        status: tuple(group)
        for status, group in groupby(_sorted(errors), key=lambda error: error.status)
    }


def response_name(errors: tuple[ErrorType, ...]) -> str:
    """Return the name of the response of errors that share a status."""
    return "Or".join(error.__name__ for error in errors)


def error_response(errors: tuple[ErrorType, ...]) -> dict[str, Any]:
    """Return the response of errors that share a status; its text explains each code."""
    headers = {"X-Request-Id", *(_HEADERS[error] for error in errors if error in _HEADERS)}
    return {
        "description": "\n".join(f"- {explanation(error)}" for error in errors),
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in sorted(headers)},
        "content": {
            "application/json": {
                "schema": {
                    "allOf": [
                        {"$ref": f"#/components/schemas/{ErrorBody.__name__}"},
                        {"properties": {"code": {"enum": [error.code for error in errors]}}},
                    ]
                },
                "examples": {error.code: {"value": _example(error)} for error in errors},
            }
        },
    }


def explanation(error: ErrorType) -> str:
    """Return an error's code and the first sentence of what it says of itself."""
    return f"`{error.code}`: {_summary(error)}"


def _summary(error: ErrorType) -> str:
    return " ".join((inspect.getdoc(error) or "").split("\n\n", maxsplit=1)[0].split())


def _example(error: ErrorType) -> ErrorBody:
    """Return an answer of this error. Real messages say more of the case at hand."""
    return {
        "status": "error",
        "code": error.code,
        "message": _summary(error),
        "details": {},
        "request_id": "0f6c2a9be4d14c6f8f0e6a3f5b7c9d21",
    }


def _descendants(error: ErrorType) -> Iterable[ErrorType]:
    for child in error.__subclasses__():
        # Tests make errors of their own; those are no part of the API.
        if child.__module__.startswith("voxshelf."):
            yield child
        yield from _descendants(child)


def _sorted(errors: Iterable[ErrorType]) -> tuple[ErrorType, ...]:
    return tuple(sorted(set(errors), key=lambda error: (error.status, error.code, error.__name__)))
