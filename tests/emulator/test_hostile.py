"""Archives that are made to do damage, sent to a real server: what they take is counted."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from benchmarks import hostile_archives
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
        served[0].client()._http.close()  # it listens by now
        yield served


@pytest.mark.parametrize("archive", ARCHIVES)
def test_eight_archives_of_a_million_things_cost_little_more_than_their_bodies(
    library, token, archive
):
    server, folder = library
    body, url = ARCHIVES[archive](), f"http://127.0.0.1:{server.port}/api/library/import"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/zip"}

    def send(_number):
        answer = httpx.post(url, content=body, headers=headers, timeout=120, trust_env=False)
        return answer.status_code

    with (
        footprint(server.process.pid, folder) as highest,
        ThreadPoolExecutor(AT_ONCE) as clients,
    ):
        assert set(clients.map(send, range(AT_ONCE))) == {400}
    # The server with its two workers has 200 MiB; each body lies in memory or in a file, and is
    # read in blocks of 2 MiB.
    assert highest.together < 300 * MIB + AT_ONCE * len(body)
