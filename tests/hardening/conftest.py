"""The real functions on services in memory, with audio decoded by real workers."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import functions_framework
import psutil
import pytest

from tests.endpoint.conftest import ADA, MAIN
from tests.fakes.services import MemoryServices
from voxshelf import wiring
from voxshelf.adapters.isolated_audio import IsolatedAudio

SLOWEST_S = 2.0


@dataclass(frozen=True)
class Timed:
    """An answer, and how long it took."""

    status: int
    body: dict
    took_s: float

    @property
    def code(self) -> str | None:
        return self.body.get("code")


@pytest.fixture(scope="session")
def apps():
    os.environ.setdefault("GCLOUD_PROJECT", "demo-endpoint-tests")
    return {
        name: functions_framework.create_app(name, str(MAIN))
        for name in ("voices_save", "tts_save")
    }


@pytest.fixture(scope="session")
def decoder():
    """Return warm workers, shared by the tests: none of them may harm the next one's."""
    inspect_audio = IsolatedAudio(pytest.fail)
    inspect_audio.start()
    yield inspect_audio
    inspect_audio.close()


@pytest.fixture
def services(decoder):
    chosen = MemoryServices(inspect_audio=decoder)
    wiring.use(chosen)
    yield chosen
    wiring.use(None)


@pytest.fixture
def post(apps, services):
    """Return a function that posts to a function, and times it."""

    def call(name: str, **request) -> Timed:
        headers = {**ADA, **request.pop("headers", {})}
        client, started = apps[name].test_client(), time.perf_counter()
        answer = client.post("/", headers=headers, **request)
        took_s = time.perf_counter() - started
        return Timed(answer.status_code, answer.get_json(), took_s)

    return call


def workers() -> list[psutil.Process]:
    """The decoding processes of this one."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if "voxshelf.adapters.audio_worker" in child.cmdline()]


def peak_bytes(process: psutil.Process) -> int:
    """The largest resident memory that a process ever had."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
