"""From request to answer, once for all functions.

Routing, identity, errors, headers and the log line are decided here; a handler only reads
its request and calls a use case.
"""

import gc
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as NoSuchMethod
from werkzeug.routing import Map, Rule

from voxshelf.core.errors import (
    Internal,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    VoxshelfError,
)
from voxshelf.http import arriving, request_log
from voxshelf.http.cors import Origins, cors_headers
from voxshelf.http.resources import Resources

if TYPE_CHECKING:
    from voxshelf.http.ports import Services

# firebase-tools calls every worker with this before it is ready; nothing may be done then.
_PLATFORM_HEALTH = "/__/health"
# RFC 9110, section 11: schemes have no case, and white space of any length ends them.
_BEARER = re.compile(r"bearer[ \t]+([^\s,]+)[ \t]*", re.IGNORECASE)
MAX_KEY_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request on its way to a handler; `resources` end with its answer."""

    request: flask.Request
    services: "Services"
    uid: str
    resources: Resources

    @property
    def idempotency_key(self) -> str | None:
        """Return the Idempotency-Key, or None.

        Raises:
            InvalidRequest: when it is not 1 to 255 printable characters.
        """
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not (
            1 <= len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable()
        ):
            raise InvalidRequest(
                "Idempotency-Key must be 1 to 255 printable ASCII characters.",
                details={"field": "Idempotency-Key"},
            )
        return key


@dataclass(frozen=True, slots=True)
class Answer:
    """A handler's answer: JSON, or a redirect when `headers` holds a Location.

    Or `stream`, bytes that are made while they are sent. When making them fails, the answer
    ends in the middle, and the client sees it cut off.

    What an Idempotency-Key keeps of it is the body, or `kept` where the body holds words that must
    not outlive their item; of one that is not `is_final` nothing: a repetition may do better.
    """

    body: Mapping[str, object]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[bytes] | None = None
    kept: Mapping[str, object] | None = None
    is_final: bool = True


class CutOff(Exception):
    """An answer ended in the middle. Why is in the log; the server closes the connection."""


Handler = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path of the API. A public one is answered to anybody: its `uid` is empty.

    A POST is answered once for an Idempotency-Key, unless it `has_own_keys`, with what it makes.
    `lease` is how long a crash may keep a key from being used again. `again` answers a repetition
    from what the first answer `kept`.
    """

    method: str
    path: str
    handler: Handler
    public: bool = False
    has_own_keys: bool = False
    # After this Firebase Hosting has ended the request: nobody waits for its answer any more.
    lease: timedelta = timedelta(seconds=60)
    again: "Callable[[Call, Mapping[str, str]], Answer] | None" = None


class Endpoint:
    """One function: its routes, each also without `/api` before it.

    Hosting passes the whole path on; a function's own URL passes what follows it, which is
    nothing at all for a function of one route.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        services: Callable[[], "Services"],
        prepare: Callable[["Services"], None] | None = None,
    ) -> None:
        """Serve `routes` with what `services` returns; `prepare` runs before the first request."""
        self._services = services
        self._prepare: Callable[[Services], None] | None = prepare
        prefixed = [Rule(r.path, methods=[r.method], endpoint=r) for r in routes]
        direct = [Rule(r.path.removeprefix("/api"), methods=[r.method], endpoint=r) for r in routes]
        # A function of one route has nothing after its URL, unless that route has arguments.
        lone = [r for r in routes if len(routes) == 1 and "<" not in r.path]
        root = [Rule("/", methods=[r.method], endpoint=r) for r in lone]
        # Redirects to a normalised path would lose a POST's body: such a path is unknown.
        self._routes = Map([*prefixed, *direct, *root], strict_slashes=False, merge_slashes=False)

    def __call__(self, request: flask.Request) -> flask.Response:
        """Answer a request; whatever happens, as JSON and with the contract's headers."""
        if request.path == _PLATFORM_HEALTH:
            return flask.Response(status=200)
        started = time.monotonic()
        request_id = uuid.uuid4().hex
        log: dict[str, object] = {"method": request.method, "request_id": request_id}
        origins = Origins(frozenset())
        resources = ExitStack()

        def end() -> None:
            resources.close()
            request_log.request(log, response.status_code, time.monotonic() - started)

        try:
            services = self._services()
            origins = services.allowed_origins
            self._prepare_once(services)
            answer = self._answer(request, services, log, resources)
        except VoxshelfError as error:
            answer = _failure(error, request_id, log)
        except Exception as error:
            request_log.failure(error, request_id)
            answer = _failure(Internal(), request_id, log)
        response = _response(answer, request_id, log)
        if (origin := request.headers.get("Origin")) is not None:
            preflight = request.method == "OPTIONS"
            response.headers.update(cors_headers(origin, origins, preflight=preflight))
        arriving.end(request)
        if answer.stream is None:
            end()
        else:
            response.call_on_close(end)
        _collect_garbage_from_now_on()
        return response

    def _prepare_once(self, services: "Services") -> None:
        # Two first requests at once may both prepare, which is harmless.
        prepare, self._prepare = self._prepare, None
        if prepare is not None:
            prepare(services)

    def _answer(
        self,
        request: flask.Request,
        services: "Services",
        log: dict[str, object],
        resources: ExitStack,
    ) -> Answer:
        if request.method == "OPTIONS":
            return Answer({}, status=204)
        route, arguments = self._match(request)
        log["route"] = f"{route.method} {route.path}"
        uid = ""
        if not route.public:
            uid = services.tokens.uid(_bearer_token(request))
            log["uid"] = uid
        # Who may not be here has not been read a byte of.
        arriving.begin(request, uid)
        held = resources.enter_context(Resources(services.budget))
        return _answered(Call(request, services, uid, held), route, arguments)

    def _match(self, request: flask.Request) -> tuple[Route, Mapping[str, str]]:
        adapter = self._routes.bind("functions")
        method = "GET" if request.method == "HEAD" else request.method
        try:
            return adapter.match(request.path, method=method)
        except NoSuchMethod as error:
            allowed = sorted(set(error.valid_methods or ()) - {"HEAD"})
            raise MethodNotAllowed((*allowed, "OPTIONS")) from None
        except HTTPException:
            raise NotFound("There is nothing at this path.") from None


def _answered(call: Call, route: Route, arguments: Mapping[str, str]) -> Answer:
    if route.method == "POST" and not route.public:
        # Before the body: a key that is none is refused by every POST.
        key = call.idempotency_key
        if key is not None and not route.has_own_keys:
            from voxshelf.http.keyed import answered_once

            return answered_once(call, key, route, arguments)
    return route.handler(call, **arguments)


def _failure(error: VoxshelfError, request_id: str, log: dict[str, object]) -> Answer:
    log["code"] = error.code
    if error.status >= Internal.status:
        # Words of ours, and what a library of ours met: whoever runs the site is to see which.
        log["reason"] = error.message
        log["cause"] = type(error.__cause__).__name__ if error.__cause__ else None
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    body = {
        "status": "error",
        "code": error.code,
        "message": error.message,
        "details": error.details,
        "request_id": request_id,
    }
    return Answer(body, error.status, headers)


def _collect_garbage_from_now_on() -> None:
    """Switch collections on after the first answer; `main.py` says why they were off.

    What has been imported by then stays for ever, so it is taken out of their way.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _response(answer: Answer, request_id: str, log: dict[str, object]) -> flask.Response:
    if answer.stream is not None:
        response = flask.Response(_guarded(answer.stream, request_id, log))
    else:
        response = flask.jsonify(answer.body) if answer.status != 204 else flask.Response()
    response.status_code = answer.status
    response.headers["X-Request-Id"] = request_id
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.update(answer.headers)
    return response


def _guarded(stream: Iterator[bytes], request_id: str, log: dict[str, object]) -> Iterator[bytes]:
    """Yield a stream's blocks; the status is sent by then, so a failure can only end the answer."""
    try:
        yield from stream
    except Exception as error:
        request_log.failure(error, request_id)
        log["code"] = Internal.code
        raise CutOff from None


def _bearer_token(request: flask.Request) -> str:
    # Several such headers arrive as one, joined by commas, which no token holds.
    credentials = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    if credentials is None:
        raise Unauthenticated("Sign in: send 'Authorization: Bearer <Firebase ID token>'.")
    return credentials[1]
