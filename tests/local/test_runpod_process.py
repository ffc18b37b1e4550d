"""The stand-in as a process: where it listens, who it belongs to, and that none stays behind."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from local.firebase_config import emulators_of
from local.function_settings import write_settings
from local.layout import ROOT
from local.local_secrets import FILE_NAME, ensure_page_token_key, ensure_runpod_api_key
from local.ports import HOST, shifted_ports
from local.runpod.process import RunningStandIn

STAND_IN = [sys.executable, "-m", "local.runpod", "--key", "key-of-a-test"]
FOREVER = "import time; time.sleep(600)"
# A parent that starts the command, says its number, and waits to be killed.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:])
print("child", child.pid, flush=True)
time.sleep(600)
"""
SUPERVISED = f"""
import os, sys
from local.supervisor import Supervisor
supervisor = Supervisor(
    [sys.executable, "-c", sys.argv[1]],
    environ=os.environ,
    say=lambda line: print(line, flush=True),
    grace_s=1.0,
    parent_pid=os.getppid(),
    beside=[{STAND_IN!r}],
)
sys.exit(supervisor.run() != 0)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started() -> Iterator[Start]:
    """Start a process in the repository; it is ended afterwards."""
    processes: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        with process:
            process.kill()


def address(process: subprocess.Popen[str]) -> str:
    """What the banner of a stand-in names; the lines before it are of others."""
    for line in process.stdout:
        if found := re.search(r"for local work only, at (\S+)", line):
            return found[1]
    raise AssertionError("It did not start.")


def answers(base_url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{base_url}/speech/health", trust_env=False).status_code == 401
    return False


def eventually(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it(started: Start, number: signal.Signals) -> None:
    process = started(*STAND_IN)
    base_url = address(process)
    assert answers(base_url)

    process.send_signal(number)

    assert process.wait(timeout=5) == 0
    assert not answers(base_url)


def test_signal_ends_it_while_a_job_waits(started: Start) -> None:
    process = started(*STAND_IN)
    body = {"input": {"_fault": {"end": "stuck"}}}
    headers = {"Authorization": "Bearer key-of-a-test"}
    httpx.post(f"{address(process)}/speech/run", json=body, headers=headers).raise_for_status()

    process.terminate()

    assert process.wait(timeout=5) == 0


def test_end_of_its_parent_ends_it(started: Start) -> None:
    parent = started(sys.executable, "-c", PARENT, *STAND_IN)
    child = psutil.Process(int(parent.stdout.readline().split()[1]))
    base_url = address(parent)

    parent.kill()

    eventually(lambda: not answers(base_url) and not child.is_running(), 5)


def test_busy_port_is_one_clear_line(started: Start) -> None:
    port = address(started(*STAND_IN)).split(":")[2].partition("/")[0]

    second = started(*STAND_IN, "--port", port)

    output, _ = second.communicate(timeout=10)
    assert second.returncode == 1
    assert "cannot start" in output
    assert len(output.splitlines()) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_supervisor_that_it_runs_beside(
    started: Start, number: signal.Signals
) -> None:
    supervisor = started(sys.executable, "-c", SUPERVISED, FOREVER)
    base_url = address(supervisor)
    below = psutil.Process(supervisor.pid).children(recursive=True)

    supervisor.send_signal(number)

    supervisor.wait(timeout=15)
    eventually(lambda: not answers(base_url))
    eventually(lambda: not any(process.is_running() for process in below))


def test_it_ends_with_the_command_that_it_runs_beside(started: Start) -> None:
    supervisor = started(sys.executable, "-c", SUPERVISED, "import time; time.sleep(3)")
    base_url = address(supervisor)

    assert supervisor.wait(timeout=15) == 0
    assert not answers(base_url)


def test_command_is_asked_to_end_when_the_stand_in_is_gone(started: Start) -> None:
    supervisor = started(sys.executable, "-c", SUPERVISED, FOREVER)
    address(supervisor)
    (stand_in,) = (
        process
        for process in psutil.Process(supervisor.pid).children()
        if "local.runpod" in process.cmdline()
    )

    stand_in.kill()

    output, _ = supervisor.communicate(timeout=15)
    assert "local.runpod" in output
    assert "ended by itself" in output


def test_command_is_older_than_what_runs_beside_it(started: Start) -> None:
    supervisor = started(sys.executable, "-c", SUPERVISED, FOREVER)
    address(supervisor)

    ages = {
        process.create_time(): process.cmdline()
        for process in psutil.Process(supervisor.pid).children()
        if "local.watchdog" not in process.cmdline()
    }

    assert len(ages) == 2
    assert ages[min(ages)][-1] == FOREVER


def test_stack_has_a_port_for_it() -> None:
    at_home, moved = (shifted_ports(emulators_of(), offset) for offset in (0, 700))

    assert moved["runpod"] == at_home["runpod"] + 700
    assert at_home.address("runpod").startswith(HOST)


@pytest.mark.emulator
def test_stack_runs_one_that_its_functions_and_tests_find() -> None:
    stand_in = RunningStandIn.of(os.environ)

    health = httpx.get(
        f"{stand_in.base_url}/{os.environ['RUNPOD_CLONE_ENDPOINT']}/health",
        headers=stand_in.headers,
        trust_env=False,
    )
    site = httpx.get(f"{os.environ['PUBLIC_BASE_URL']}/api/health", timeout=60, trust_env=False)

    assert health.status_code == 200
    assert site.json()["service"] == "voxshelf"


def test_key_is_made_once_and_kept_beside_the_other_secret(tmp_path: Path) -> None:
    ensure_page_token_key(tmp_path)

    key = ensure_runpod_api_key(tmp_path)

    assert ensure_runpod_api_key(tmp_path) == key
    names = [line.partition("=")[0] for line in (tmp_path / FILE_NAME).read_text().splitlines()]
    assert names == ["PAGE_TOKEN_KEY", "RUNPOD_API_KEY"]


def test_developers_key_of_runpod_is_taken(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("RUNPOD_API_KEY = of-the-real-one \n")

    assert ensure_runpod_api_key(tmp_path) == "of-the-real-one"


@pytest.mark.parametrize(
    ("developer_decides", "last"),
    [(False, "RUNPOD_BASE_URL=stand-in"), (True, "RUNPOD_BASE_URL=real")],
)
def test_functions_call_the_stand_in_unless_the_developer_decides(
    tmp_path: Path, developer_decides, last
) -> None:
    functions, folder = tmp_path / "functions", tmp_path / "settings"
    functions.mkdir()
    (functions / ".env").write_text("THREADS=8\n")
    (functions / ".env.demo-a").write_text("MAX_VOICES=1\n")
    (functions / ".env.demo-b").write_text("MAX_VOICES=2\n")
    (functions / ".env.local").write_text("RUNPOD_BASE_URL=real\n")

    write_settings(
        folder,
        functions,
        "demo-a",
        {"RUNPOD_BASE_URL": "stand-in"},
        developer_decides=developer_decides,
    )

    assert {path.name for path in folder.iterdir()} == {".env", ".env.demo-a", ".env.local"}
    assert (folder / ".env").read_text() == "THREADS=8\n"
    assert (folder / ".env.local").read_text().splitlines()[-1] == last
