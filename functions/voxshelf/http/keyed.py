"""Answering once: what every POST does with its Idempotency-Key that has no record of its own."""

import contextlib
import hashlib
import json
import secrets
import zlib
from collections.abc import Mapping
from typing import Any

from voxshelf.core.content import Content
from voxshelf.core.errors import Unavailable
from voxshelf.core.fingerprint import Json, fingerprint
from voxshelf.core.keyed import Asked, KeptAnswer
from voxshelf.http.body import MAX_BODY_BYTES, read_file, too_large
from voxshelf.http.boundary import Answer, Call, Route
from voxshelf.use_cases.request_ports import Begun

# A document ends at 1 MiB. What 500 ids were answered takes 5 to 20 kB, packed.
MAX_KEPT_BYTES = 500_000
_CHUNK_BYTES = 64 * 1024


def answered_once(call: Call, key: str, route: Route, arguments: Mapping[str, str]) -> Answer:
    """Answer as the route does, or as it did to this key before.

    A request that fails frees its key, and so does one whose answer a repetition may better, or
    is too large to be kept: these requests are safe to be repeated.

    Raises:
        IdempotencyConflict, InProgress: see `decide_keyed`.
    """
    requests = call.services.requests
    record_id = hashlib.sha256(f"{route.method} {route.path}\0{key}".encode()).hexdigest()
    digest = _fingerprint(call, arguments)
    begun = requests.begin(call.uid, record_id, Asked(digest, secrets.token_hex(8), route.lease))
    if isinstance(begun, KeptAnswer):
        return _again(call, route, begun)
    kept = None
    try:
        answer = route.handler(call, **arguments)
        kept = _kept(answer)
    finally:
        # The request is done by now: what fails here costs a repetition, not the answer.
        with contextlib.suppress(Unavailable):
            _settle(call, begun, kept)
    return answer


def _settle(call: Call, begun: Begun, kept: KeptAnswer | None) -> None:
    if kept is None:
        call.services.requests.free(begun)
    else:
        call.services.requests.keep(begun, kept)


def _kept(answer: Answer) -> KeptAnswer | None:
    if not answer.is_final or answer.stream is not None:
        return None
    shown = answer.body if answer.kept is None else answer.kept
    body = zlib.compress(json.dumps(shown).encode())
    return KeptAnswer(answer.status, body, answer.headers) if len(body) <= MAX_KEPT_BYTES else None


def _again(call: Call, route: Route, kept: KeptAnswer) -> Answer:
    body: dict[str, Any] = json.loads(zlib.decompress(kept.body))
    if route.again is not None:
        body = {**route.again(call, body).body}
    return Answer(body, kept.status, {**kept.headers, "Idempotent-Replayed": "true"})


def _fingerprint(call: Call, arguments: Mapping[str, str]) -> str:
    """Return the digest of all that the route will read; its body is put back."""
    request = call.request
    body = read_file(request, call.resources, too_large(MAX_BODY_BYTES))
    boundary = request.mimetype_params.get("boundary", "")
    asked: dict[str, Json] = {
        "path": dict(arguments),
        "query": sorted([name, value] for name, value in request.args.items(multi=True)),
        "type": request.mimetype,
        "body": _digest_without(boundary, body) if boundary else body.sha256,
    }
    request.stream = body.rewound()
    return fingerprint(asked)


def _digest_without(boundary: str, body: Content) -> str:
    """Return the digest of a form without its boundary: a browser makes a new one each time."""
    mark = boundary.encode("utf-8", "surrogatepass")
    digest, left, stream = hashlib.sha256(), b"", body.rewound()
    while chunk := stream.read(_CHUNK_BYTES):
        found = (left + chunk).replace(mark, b"")
        # The end may be the beginning of another one.
        cut = max(len(found) - len(mark) + 1, 0)
        digest.update(found[:cut])
        left = found[cut:]
    digest.update(left)
    return digest.hexdigest()
