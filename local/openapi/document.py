"""The whole document, put together."""

import json
from http import HTTPStatus
from typing import Any

from local.layout import ROOT
from local.openapi import deleting, edits, examples, jobs, moving, uploads
from local.openapi.errors import (
    ErrorType,
    by_status,
    error_response,
    response_name,
)
from local.openapi.introduction import introduction
from local.openapi.operations import OPERATIONS, TAGS, Operation
from local.openapi.queries import IDEMPOTENCY_KEY, path_parameter
from local.openapi.requests import RequestBody
from local.openapi.routes import path_arguments, path_template, routes, takes_key
from local.openapi.saves import SAVE_SPEECH, SAVE_VOICE
from local.openapi.schemas import reference, wire_schemas
from voxshelf import __version__
from voxshelf.core.errors import MethodNotAllowed
from voxshelf.http.boundary import Route
from voxshelf.http.wire import ErrorBody, SpeechSaved, VoiceSaved

Json = dict[str, Any]

# Hosting serves the second copy at /api/openapi.json: a file goes before the rewrites.
DOCUMENTS = (ROOT / "docs" / "openapi.json", ROOT / "site" / "api" / "openapi.json")

_REQUEST_EXAMPLES: dict[str, dict[str, Json]] = {
    **deleting.REQUESTS,
    **jobs.REQUESTS,
    **moving.REQUESTS,
    **uploads.REQUESTS,
    edits.EDIT_GENERATION.name: edits.EDIT_GENERATION_REQUESTS,
    edits.EDIT_VOICE.name: edits.EDIT_VOICE_REQUESTS,
    SAVE_SPEECH.name: examples.SAVE_SPEECH_REQUESTS,
    SAVE_VOICE.name: examples.SAVE_VOICE_REQUESTS,
}
_ANSWER_EXAMPLES: dict[type, Any] = {
    SpeechSaved: examples.SPEECH_SAVED,
    VoiceSaved: examples.VOICE_SAVED,
}

_HEADERS: dict[str, Json] = {
    "Allow": {
        "description": "The methods that this path answers.",
        "schema": {"type": "string"},
    },
    "Content-Disposition": {
        "description": "A name to save the file under.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "The version of the item, in quotes, for `If-Match`.",
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$'},
    },
    "Idempotent-Replayed": {
        "description": "Present when an earlier request did this; the body is its answer.",
        "schema": {"type": "string", "const": "true"},
    },
    "Location": {
        "description": "The download address.",
        "schema": {"type": "string", "format": "uri"},
    },
    "Retry-After": {
        "description": "Seconds after which a retry may help. Absent where waiting does not.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "How to identify.",
        "schema": {"type": "string", "const": "Bearer"},
    },
    "X-Next-Page-Token": {
        "description": "Send it as `page_token` for the next part; absent on the last one.",
        "schema": {"type": "string"},
    },
    "X-Request-Id": {
        "description": "Names this request in the log.",
        "schema": {"type": "string"},
    },
    "X-Voxshelf-Part-Items": {
        "description": "How many items there were for this part when it was begun.",
        "schema": {"type": "integer", "minimum": 0},
    },
}


# Bytes have no schema of their own (OpenAPI 3.1).
_FILE: Json = {}
_DONE = {"DELETE": "Deleted.", "GET": "Found.", "PATCH": "Edited.", "POST": "Done."}


def document_text() -> str:
    """Return the document as it is written to files: the same code, the same bytes."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Json:
    """Return the OpenAPI 3.1 document of all routes.

    Raises:
        KeyError: when a route is not described in `operations`.
    """
    described = [(route, _described(route)) for route in routes()]
    operations = [operation for _, operation in described]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Voxshelf API",
            "version": __version__,
            "description": introduction(),
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This site"}],
        "security": [{"firebase_id_token": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(described),
        "components": {
            "schemas": _schemas(operations),
            "responses": _error_responses(operations),
            "headers": _HEADERS,
            "securitySchemes": {
                "firebase_id_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "A Firebase ID token: `await user.getIdToken()`.",
                }
            },
        },
    }


def _described(route: Route) -> Operation:
    operation = OPERATIONS[route.method, route.path]
    return operation.keyed if takes_key(route) and not route.has_own_keys else operation


def _paths(described: list[tuple[Route, Operation]]) -> Json:
    paths: dict[str, Json] = {}
    for route, operation in described:
        item = paths.setdefault(path_template(route.path), {})
        item[route.method.lower()] = _operation(route, operation)
    return paths


def _operation(route: Route, operation: Operation) -> Json:
    parameters = [*map(path_parameter, path_arguments(route.path)), *operation.parameters]
    parameters += [IDEMPOTENCY_KEY] if takes_key(route) else []
    return {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        **({"security": []} if route.public else {}),
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _request_body(operation.body)} if operation.body else {}),
        "responses": {
            **_success(route, operation),
            **{
                str(status): {"$ref": f"#/components/responses/{response_name(errors)}"}
                for status, errors in by_status(operation.all_errors).items()
            },
        },
    }


def _request_body(body: RequestBody) -> Json:
    # First, because Swagger UI opens with it, and its examples work as they stand.
    content: Json = {
        "application/json": {
            "schema": {"$ref": f"#/components/schemas/{body.name}"},
            "examples": _REQUEST_EXAMPLES[body.name],
        }
    }
    if body.has_form:
        schema = {"$ref": f"#/components/schemas/{body.form_name}"}
        content["multipart/form-data"] = {"schema": schema}
    content |= dict.fromkeys(body.file_types, _FILE)
    return {
        "required": True,
        "description": f"{body.description} At most {_size(body.max_bytes)}.",
        "content": content,
    }


def _size(size_bytes: int) -> str:
    mib = size_bytes // 1024**2
    return f"{mib} MiB" if mib else f"{size_bytes // 1024} KiB"


def _success(route: Route, operation: Operation) -> Json:
    redirect: Json = {
        "302": {
            "description": "The way to the file.",
            "headers": _header_references("Location", "X-Request-Id"),
        }
    }
    if operation.answer is None and operation.file_type is None:
        return redirect
    replayed = ("Idempotent-Replayed",) if takes_key(route) else ()
    headers = _header_references(*operation.headers, *replayed, "X-Request-Id")
    return {
        **(redirect if operation.redirects else {}),
        str(operation.status): {
            "description": "Saved."
            if operation.status == HTTPStatus.CREATED
            else _DONE[route.method],
            "headers": headers,
            "content": {
                **_json_content(operation.answer),
                **({operation.file_type: _FILE} if operation.file_type else {}),
            },
        },
    }


def _json_content(answer: type | None) -> Json:
    if answer is None:
        return {}
    content: Json = {"schema": reference(answer)}
    if answer in _ANSWER_EXAMPLES:
        content["example"] = _ANSWER_EXAMPLES[answer]
    return {"application/json": content}


def _header_references(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _schemas(operations: list[Operation]) -> Json:
    answers = [operation.answer for operation in operations if operation.answer is not None]
    schemas = wire_schemas([ErrorBody, *answers])
    for operation in operations:
        if operation.body is not None:
            schemas |= operation.body.schemas
    return dict(sorted(schemas.items()))


def _error_responses(operations: list[Operation]) -> Json:
    # A path that is there may be asked with a method that is not: no operation's answer.
    sets: set[tuple[ErrorType, ...]] = {(MethodNotAllowed,)}
    for operation in operations:
        sets.update(by_status(operation.all_errors).values())
    return {
        response_name(errors): error_response(errors) for errors in sorted(sets, key=response_name)
    }
