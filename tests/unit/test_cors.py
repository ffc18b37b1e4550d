"""Which origins may call, and that what they send and read is allowed in a preflight."""

import json
from pathlib import Path

import pytest

from voxshelf.http.cors import EXPOSED_HEADERS, METHODS, REQUEST_HEADERS, Origins, cors_headers
from voxshelf.settings import Settings
from voxshelf.wiring import Wiring

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
# What a browser lets a page read without being told to (Fetch, section 2.2.3).
SAFELISTED = {"Cache-Control", "Content-Length", "Content-Type", "Location"}
OPERATIONS = [
    (method.upper(), operation)
    for path in DOCUMENT["paths"].values()
    for method, operation in path.items()
    if method in {"get", "post", "put", "patch", "delete"}
]
LISTED = "https://app.example"
LOCAL = [
    f"{scheme}://{host}{port}"
    for scheme in ("http", "https")
    for host in ("localhost", "127.0.0.1", "[::1]")
    for port in ("", ":3000", ":5173", ":65535")
]
TRICKS = [
    "null",
    "*",
    "",
    "http://localhost.evil.example",
    "http://localhost:80@evil.example",
    "http://localhost@evil.example",
    "http://127.0.0.1.nip.io",
    "http://127.0.0.1.nip.io:3000",
    "http://evil.example/http://localhost:3000",
    "http://evil-localhost:3000",
    "http://app.localhost:3000",
    "http://localhost:3000/",
    "http://localhost:3000\n",
    "http://localhost:",
    "http://localhost:3000,http://evil.example",
    "http://localhost:\u0663\u0660",
    "http://localho\u017ft",
    "http://127.0.0.2",
    "http://127.1",
    "http://0.0.0.0:3000",
    "http://[::1].evil.example",
    "http://::1",
    "http://[::]",
    "ftp://localhost",
    "file://",
    "chrome-extension://localhost",
]
DEPLOYED = {
    "GCLOUD_PROJECT": "shelf-1",
    "FIREBASE_CONFIG": '{"projectId": "shelf-1", "storageBucket": "shelf-1.firebasestorage.app"}',
    "PAGE_TOKEN_KEY": "secret",
    "ALLOWED_ORIGINS": LISTED,
}
STACK = {**DEPLOYED, "GCLOUD_PROJECT": "demo-x", "FIRESTORE_EMULATOR_HOST": "127.0.0.1:8080"}


def allowed(environ):
    return Wiring(Settings.read(environ)).allowed_origins


@pytest.mark.parametrize("origin", LOCAL)
def test_a_page_of_this_machine_is_allowed_on_the_stack_and_never_deployed(origin):
    assert origin in allowed(STACK)
    assert origin not in allowed(DEPLOYED)


@pytest.mark.parametrize("origin", TRICKS)
def test_what_only_looks_like_this_machine_is_refused_everywhere(origin):
    assert origin not in allowed(STACK)
    assert origin not in allowed(DEPLOYED)
    assert cors_headers(origin, allowed(STACK), preflight=True) == {"Vary": "Origin"}


@pytest.mark.parametrize("environ", [STACK, DEPLOYED], ids=["stack", "deployed"])
def test_a_listed_origin_is_allowed_wherever_it_is(environ):
    assert LISTED in allowed(environ)


def test_nothing_is_local_unless_it_is_said():
    assert "http://localhost:3000" not in Origins(frozenset())


def names(text):
    return set(text.split(", "))


def test_a_preflight_allows_every_method_and_header_of_the_api_document():
    assert {method for method, _ in OPERATIONS} <= names(METHODS)
    parameters = [entry for _, operation in OPERATIONS for entry in operation.get("parameters", [])]
    resolved = [
        DOCUMENT["components"]["parameters"][entry["$ref"].rpartition("/")[2]]
        if "$ref" in entry
        else entry
        for entry in parameters
    ]
    read = {entry["name"] for entry in resolved if entry["in"] == "header"}
    assert {"Idempotency-Key", "If-Match"} <= read
    assert read | {"Authorization", "Content-Type"} <= names(REQUEST_HEADERS)


def test_a_page_may_read_every_header_that_the_api_document_answers_with():
    answers = [answer for _, operation in OPERATIONS for answer in operation["responses"].values()]
    resolved = [
        DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        if "$ref" in answer
        else answer
        for answer in answers
    ]
    sent = {name for answer in resolved for name in answer.get("headers", {})}
    assert {"ETag", "Content-Disposition"} <= sent
    assert sent - SAFELISTED <= names(EXPOSED_HEADERS)
