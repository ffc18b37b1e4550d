"""What the boundary does with a body that comes slowly, or for which nobody answers."""

import pytest

from tests.endpoint.conftest import ADA
from tests.unit.test_arriving import SLOW, Client
from voxshelf.core.pace import patience
from voxshelf.http.cors import Origins
from voxshelf.http.slow_bodies import SlowBodies

ORIGIN = {"Origin": "https://app.example"}
JSON = "application/json"


@pytest.fixture
def client():
    """A client of a byte a second, as a server passes its body on."""
    return Client(*SLOW)


@pytest.fixture
def post(function, services, client):
    """Post the client's body to `voices_save`."""
    services.allowed_origins = Origins(frozenset(ORIGIN.values()))

    def posted(path="/api/voices/save", method="POST", **options):
        body = client.of(SlowBodies(1, 1))
        headers = {**ORIGIN, **options.pop("headers", {})}
        options = {"content_type": JSON, "content_length": len(SLOW), **options}
        environ = {"wsgi.input": body, "wsgi.input_terminated": True}
        return function("voices_save").open(
            path, method=method, headers=headers, environ_overrides=environ, **options
        )

    return posted


def test_a_slow_body_is_408_with_all_headers_of_the_contract(post, client, capsys):
    answer = post(headers=ADA)
    assert (answer.status_code, answer.get_json()["code"]) == (408, "request_timeout")
    assert client.now == pytest.approx(patience().left_s, abs=0.1)
    assert client.closes
    assert answer.headers["X-Request-Id"] == answer.get_json()["request_id"]
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN["Origin"]
    assert '"code": "request_timeout"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (401, {}),
        (404, {"path": "/api/nothing", "headers": ADA}),
        (405, {"method": "PUT", "headers": ADA}),
        (413, {"content_length": 33 * 1024**2, "headers": ADA}),
        (415, {"content_type": "text/plain", "headers": ADA}),
        (204, {"method": "OPTIONS"}),
        (200, {"path": "/__/health"}),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_what_needs_no_body_is_answered_before_it_and_closes(post, client, status, options):
    answer = post(**options)
    assert answer.status_code == status
    assert client.now == 0
    assert not client.told_to_continue
    assert client.closes
