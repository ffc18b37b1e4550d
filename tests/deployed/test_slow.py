"""Slow clients of a function as it is deployed: its server lets them go."""

import time

import httpx
import pytest

from benchmarks.slow_clients import SlowClients
from tests.deployed import MARKS

pytestmark = MARKS
COUNT = 160
# Twenty times eight clients, each of which would hold a thread for ever.
DEADLINE_S = 5.0
LOCAL = {"timeout": 60, "trust_env": False}


@pytest.mark.parametrize("whose", ["strangers", "a user"])
def test_slow_bodies_keep_no_thread_from_others(deployed, user, whose):
    url, port = deployed["library"].url, int(deployed["library"].url.rpartition(":")[2])
    tokens = [user.id_token] if whose == "a user" else []
    with SlowClients(port, "/api/library/import", COUNT, tokens) as slow:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            started = time.monotonic()
            assert httpx.get(f"{url}/api/health", **LOCAL).status_code == 200
            assert time.monotonic() - started < DEADLINE_S
            time.sleep(0.1)
    assert set(slow.answers) == ({408} if tokens else {401})
    codes = {line.get("code") for line in deployed["library"].log_entries()}
    assert ("request_timeout" if tokens else "unauthenticated") in codes
