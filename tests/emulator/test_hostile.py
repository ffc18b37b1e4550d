"""Archives that are made to do damage, sent to a real server: what they take is counted."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import hostile_archives
from benchmarks.client import Request
from benchmarks.footprint import footprint
from benchmarks.servers import Backends, serving_with_own_tmp
from local.auth_emulator import sign_up

pytestmark = pytest.mark.emulator
MIB = 1024**2
AT_ONCE = 8
ARCHIVES = {
    "empty lines": lambda: hostile_archives.million_lines(b"\n"),
    "lines that are no items": lambda: hostile_archives.million_lines(b"{}\n"),
    "entries": lambda: hostile_archives.directory(600_000),
}


@pytest.fixture(scope="module")
def backends():
    return Backends.read(os.environ)


@pytest.fixture(scope="module")
def token(backends):
    email = f"hostile-{secrets.token_hex(4)}@voxshelf.example"
    return sign_up(backends.auth, email, secrets.token_urlsafe()).id_token


@pytest.fixture(scope="module")
def library(backends):
    with serving_with_own_tmp("library", backends.function_environ()) as served:
        yield served


@pytest.mark.parametrize("archive", ARCHIVES)
def test_eight_archives_of_a_million_things_cost_little_more_than_their_bodies(
    library, token, archive
):
    server, folder = library
    body = ARCHIVES[archive]()
    request = Request("POST", "/api/library/import", body, {"Content-Type": "application/zip"})
    server.client(token).send(request, 400)
    with (
        footprint(server.process.pid, folder) as highest,
        ThreadPoolExecutor(AT_ONCE) as clients,
    ):
        list(clients.map(lambda _: server.client(token).send(request, 400), range(AT_ONCE)))
    # The server with its two workers has 200 MiB; each body lies in memory or in a file, and is
    # read in blocks of 2 MiB.
    assert highest.together < 300 * MIB + AT_ONCE * len(body)
