"""Whatever way a client sends a body in, the local site takes it; its port is the front's."""

import json
import os
import time
from functools import partial

import httpx
import pytest

from local.auth_emulator import sign_up
from tests.emulator.real_clients import (
    Save,
    curl_form,
    curl_text_part,
    curl_upload,
    dotnet,
    http_client,
    httpx_generator,
    node,
    readme,
)
from tests.sounds import wav

pytestmark = pytest.mark.emulator
MIB = 1024**2
EXPECT = ("-H", "Expect: 100-continue")
CHUNKED = ("-H", "Transfer-Encoding: chunked", "-H", "Expect:")
CLIENTS = {
    "the README's curl": readme,
    "curl that expects": lambda save: curl_form(save, *EXPECT),
    "curl that does not": lambda save: curl_form(save, "-H", "Expect:"),
    "curl in chunks": lambda save: curl_form(save, *CHUNKED),
    "curl in chunks that expects": lambda save: curl_form(save, *EXPECT, *CHUNKED[:2]),
    "curl over HTTP/1.0": lambda save: curl_form(save, "--http1.0"),
    # Java's own client offers the same upgrade with every request.
    "curl that offers HTTP/2": lambda save: curl_form(save, "--http2"),
    "curl that uploads its input": curl_upload,
    "Node's fetch of a stream": partial(node, client="fetchOfAStream"),
    "Node's fetch of a form": partial(node, client="fetchOfAForm"),
    "Node's http without a length": partial(node, client="httpWithoutALength"),
    "Node's http that expects": partial(node, client="httpThatExpects"),
    "http.client in chunks": http_client,
    "HTTPX from a generator": httpx_generator,
    ".NET": dotnet,
}


@pytest.fixture(scope="module")
def token():
    host = os.environ["FIREBASE_AUTH_EMULATOR_HOST"]
    return sign_up(host, "clients@voxshelf.example", "some-password").id_token


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A sample of over 1 MiB: from there on curl expects to be told to continue."""
    path = tmp_path_factory.mktemp("clients") / "sample.wav"
    path.write_bytes(wav(30.0))
    assert path.stat().st_size > MIB
    return path


@pytest.fixture
def save(token, sample, request):
    """A voice of the test's own, to be saved through the site."""
    name = request.node.name.partition("[")[2].rstrip("]") or request.node.name
    return Save(f"{os.environ['VOXSHELF_SITE_URL']}/api/voices/save", token, name, sample)


@pytest.fixture
def big(tmp_path):
    def make(size_bytes):
        path = tmp_path / "big.wav"
        with path.open("wb") as file:
            file.truncate(size_bytes)
        return path

    return make


def assert_saved(save, reply):
    assert reply.status == 201, reply.text
    voice = reply.json["voice"]
    site, voice_id = os.environ["VOXSHELF_SITE_URL"], voice["voice_id"]
    found = httpx.get(
        f"{site}/api/voices/{voice_id}", headers=save.authorization, timeout=60, trust_env=False
    ).json()["voice"]
    assert (found["name"], found["sample"]) == (save.name, voice["sample"])
    played = httpx.get(found["firebase_url"], timeout=60, trust_env=False)
    assert played.content == save.file.read_bytes()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_a_voice_is_saved_through_the_site_and_reads_back_equal(save, client):
    assert_saved(save, client(save))


@pytest.mark.parametrize(
    "client",
    [
        lambda save: curl_form(save, *EXPECT),
        lambda save: curl_form(save, *CHUNKED),
        http_client,
        dotnet,
        lambda save: curl_form(save, "--http2"),
    ],
    ids=["direct Expect", "direct chunks", "direct http.client", "direct .NET", "direct HTTP 2"],
)
def test_a_functions_own_address_needs_nothing_before_it(save, client):
    direct = f"{os.environ['VOXSHELF_FUNCTIONS_URL']}/voices_save"
    save = Save(direct, save.token, save.name, save.file)
    assert_saved(save, client(save))


def test_a_file_part_without_a_file_name_is_a_file_all_the_same(save):
    assert_saved(save, curl_text_part(save))


@pytest.mark.parametrize(
    "client",
    [
        lambda save: curl_form(save, *EXPECT),
        lambda save: curl_form(save, *CHUNKED),
        partial(node, client="httpThatExpects"),
        dotnet,
    ],
    ids=["curl that expects", "curl in chunks", "Node that expects", ".NET"],
)
def test_a_client_without_a_good_token_hears_401_and_does_not_hang(save, client):
    started = time.monotonic()
    reply = client(Save(save.url, "nobody's", save.name, save.file))
    assert (reply.status, reply.json["code"]) == (401, "unauthenticated")
    # It waits for a function to start at the most, and not until its own patience ends.
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("how", [EXPECT, CHUNKED], ids=["that expects", "in chunks"])
@pytest.mark.parametrize("size_bytes", [32 * MIB + 1, 48 * MIB], ids=["a little", "by far"])
def test_a_body_that_is_too_large_hears_413_and_does_not_hang(save, big, size_bytes, how):
    reply = curl_form(Save(save.url, save.token, save.name, big(size_bytes)), *how)
    error = reply.json
    assert (reply.status, error["status"], error["code"]) == (413, "error", "payload_too_large")
    assert "bytes do not fit into a request" in error["message"]
    assert len(error["request_id"]) == 32


@pytest.mark.parametrize("port", [3000, 5173, 8081])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("where", ["site", "function"])
def test_a_page_on_another_port_may_save_as_a_browser_asks_first(token, where, host, port):
    urls = {
        "site": f"{os.environ['VOXSHELF_SITE_URL']}/api/voices/save",
        "function": f"{os.environ['VOXSHELF_FUNCTIONS_URL']}/voices_save",
    }
    origin = {"Origin": f"http://{host}:{port}"}
    with httpx.Client(timeout=60, trust_env=False, headers=origin) as browser:
        preflight = browser.options(
            urls[where],
            headers={
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
                "Sec-Fetch-Mode": "cors",
            },
        )
        refused = browser.post(urls[where], json={}, headers={"Authorization": f"bearer {token}"})
    assert preflight.status_code == 204
    headers = preflight.headers
    assert "POST" in headers["Access-Control-Allow-Methods"].split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(
        headers["Access-Control-Allow-Headers"].lower().split(", ")
    )
    assert "Origin" in headers["Vary"]
    assert (refused.status_code, json.loads(refused.text)["code"]) == (400, "invalid_request")
    for answer in (preflight, refused):
        assert answer.headers.get_list("Access-Control-Allow-Origin") == [origin["Origin"]]
        assert "Content-Disposition" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://localhost.evil.example",
        "http://localhost:80@evil.example",
        "http://127.0.0.1.nip.io",
        "https://evil.example",
    ],
)
def test_a_page_elsewhere_may_not_even_on_the_local_stack(origin):
    url = f"{os.environ['VOXSHELF_SITE_URL']}/api/voices"
    asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
    answer = httpx.options(url, headers=asked, timeout=60, trust_env=False)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_page_of_the_site_comes_as_hosting_sends_it():
    url = f"{os.environ['VOXSHELF_SITE_URL']}/api/openapi.json"
    with httpx.Client(trust_env=False) as client:
        whole = client.get(url, headers={"Accept-Encoding": "identity"})
        zipped = client.get(url, headers={"Accept-Encoding": "gzip"})
        head = client.head(url, headers={"Accept-Encoding": "identity"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.content == whole.content
    assert (head.content, head.headers["Content-Type"]) == (b"", whole.headers["Content-Type"])
