"""Every endpoint x {no token, every broken token, another user, the owner}."""

import pytest

from local.openapi.routes import routes as documented_routes
from tests.authorisation.attempts import (
    check_stranger,
    furnish,
    furnish_stranger,
    request,
    seen_by,
)
from tests.authorisation.broken_tokens import BROKEN, REVOKED
from tests.authorisation.conftest import OWNER, STRANGER
from tests.authorisation.routes import FUNCTIONS, public_functions, routes
from tests.authorisation.rows import PUBLIC, ROWS

ANY_ROUTE = pytest.mark.parametrize("route", ROWS)
ANY_TOKEN = pytest.mark.parametrize("broken", [*BROKEN, *REVOKED])
ANY_ATTEMPT = pytest.mark.parametrize(
    ("route", "attempt"),
    [
        pytest.param(route, attempt, id=f"{route} {number}")
        for route, attempts in ROWS.items()
        for number, attempt in enumerate(attempts, start=1)
    ],
)
REFUSAL = {
    "status": "error",
    "code": "unauthenticated",
    "message": "Sign in: send 'Authorization: Bearer <Firebase ID token>'.",
    "details": {},
}
REFUSAL_HEADERS = {
    "WWW-Authenticate": "Bearer",
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def assert_refused(reply):
    assert (reply.status, without(reply.body, "request_id")) == (401, REFUSAL)
    assert without(reply.headers, "X-Request-Id", "Content-Length") == REFUSAL_HEADERS


def without(fields, *names):
    return {name: value for name, value in fields.items() if name not in names}


def test_every_route_has_its_row_and_every_row_its_route():
    assert set(ROWS) == set(routes())
    assert set(routes()) == {f"{route.method} {route.path}" for route in documented_routes()}


def test_what_is_answered_without_identity_is_said_twice():
    assert {name for name, (_, route) in routes().items() if route.public} == PUBLIC


def test_the_platform_lets_nobody_call_what_has_no_routes():
    others = set(FUNCTIONS) - set(public_functions())
    assert all("scheduleTrigger" in FUNCTIONS[name] for name in others)


@ANY_TOKEN
@ANY_ROUTE
def test_a_broken_token_opens_nothing(shelf, google, verifiers, route, broken):
    door, owned = shelf
    # Only Firebase knows what is wrong with these, so they are believed unless it is asked.
    door.services.tokens = verifiers.checking if broken in REVOKED else verifiers.default
    headers = {**BROKEN, **REVOKED}[broken](google)
    before = door.state()
    reply = door.carry(headers, *request(route, ROWS[route][0], owned))
    if route in PUBLIC:
        assert reply.status == ROWS[route][0].stranger
    else:
        assert_refused(reply)
    assert door.state() == before


@pytest.mark.parametrize("broken", ["none", "known key, signed by another"])
@pytest.mark.parametrize("route", sorted(set(ROWS) - PUBLIC))
def test_no_other_spelling_of_a_request_opens_more(shelf, google, route, broken):
    door, owned = shelf
    method, path, body = request(route, ROWS[route][0], owned)
    headers, function = BROKEN[broken](google), routes()[route][0]
    assert_refused(door.carry(headers, method, path.removeprefix("/api"), body, function))
    if method == "GET":
        assert door.carry(headers, "HEAD", path, function=function).status == 401
    more = f"{path}{'&' if '?' in path else '?'}access_token={google.token(OWNER)}"
    assert_refused(door.carry(headers, method, more, body))


@ANY_ATTEMPT
def test_a_stranger_gets_nothing_of_the_owners(door, route, attempt):
    owned = furnish(door, OWNER)
    furnish_stranger(door, STRANGER)
    before, objects = seen_by(door, OWNER), owners_objects(door)
    check_stranger(door, STRANGER, route, attempt, owned)
    assert seen_by(door, OWNER) == before
    assert owners_objects(door) == objects


def owners_objects(door):
    stored = door.services.objects.stored.items()
    return {path: data for path, (_, data) in stored if f"/{OWNER}/" in path}


@ANY_ATTEMPT
def test_the_owner_gets_what_a_stranger_does_not(door, route, attempt):
    owned = furnish(door, OWNER)
    reply = door.send(OWNER, *request(route, attempt, owned))
    assert reply.status == attempt.owner, reply.content
