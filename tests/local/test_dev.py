"""`make dev` on the real emulators: data outlive a run, processes do not."""

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from local.auth_emulator import AuthEmulatorError, User, sign_in, sign_up
from local.firebase_config import emulators_of
from local.layout import ROOT
from local.ports import Ports, claimed, claimed_free

pytestmark = [pytest.mark.emulator, pytest.mark.slow, pytest.mark.timeout(400)]
EMAIL, PASSWORD = "kept@voxshelf.example", "of a test"
LATER_START_S = 30


class Dev:
    """One run of `local.dev`."""

    def __init__(self, ports: Ports, state: Path, *arguments: str) -> None:
        environ = {
            **os.environ,
            "PORT_OFFSET": str(ports.offset),
            "VOXSHELF_STATE": str(state),
            "PYTHONPATH": str(ROOT),
        }
        self._output = state.parent / f"output-{secrets.token_hex(4)}"
        self._started = time.monotonic()
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.dev", *arguments],
                cwd=ROOT,
                env=environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """What it printed so far."""
        return self._output.read_text()

    def wait_until_ready(self) -> float:
        """Wait for the closing line of the start; return the seconds it took."""
        eventually(lambda: "Ctrl-C ends" in self.text or self.process.poll() is not None, 150)
        assert self.process.poll() is None, self.text
        return time.monotonic() - self._started

    def below(self) -> list[psutil.Process]:
        """Every process that belongs to the run."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]


def eventually(condition: Callable[[], bool], within_s: float) -> None:
    """Fail when the condition does not come true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def all_ended(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                return False
    return True


@pytest.fixture
def ports() -> Ports:
    """Ports that are free now; `local.dev` itself has to take them."""
    with claimed_free(emulators_of()) as ports:
        return ports


@pytest.fixture
def dev(ports: Ports, tmp_path: Path) -> Iterator[Callable[..., Dev]]:
    """Start `local.dev` on the test's ports and folder; it is ended afterwards."""
    runs: list[Dev] = []

    def start(*arguments: str) -> Dev:
        runs.append(Dev(ports, tmp_path / "state", *arguments))
        return runs[-1]

    yield start
    for run in runs:
        run.process.terminate()
    for run in runs:
        run.process.wait(timeout=60)


@pytest.fixture
def user(dev: Callable[..., Dev], ports: Ports) -> User:
    """A user whom a first run saved, started empty and ended by Ctrl-C."""
    first = dev("--clean")
    first.wait_until_ready()
    processes = first.below()
    user = sign_up(ports.address("auth"), EMAIL, PASSWORD)
    first.process.send_signal(signal.SIGINT)
    assert first.process.wait(timeout=40) == 0, first.text
    assert all_ended(processes)
    return user


def test_data_outlive_a_run_and_processes_do_not(
    dev: Callable[..., Dev], ports: Ports, user: User
) -> None:
    again = dev()

    assert again.wait_until_ready() < LATER_START_S
    assert sign_in(ports.address("auth"), EMAIL, PASSWORD).uid == user.uid
    processes = again.below()
    again.process.kill()
    again.process.wait()
    eventually(lambda: all_ended(processes), 10)
    with claimed(ports):
        pass


def test_clean_start_is_empty_and_says_how_to_save_a_voice(
    dev: Callable[..., Dev], ports: Ports, user: User, tmp_path: Path
) -> None:
    clean = dev("--clean")

    clean.wait_until_ready()

    with pytest.raises(AuthEmulatorError):
        sign_in(ports.address("auth"), user.email, PASSWORD)
    assert re.search(r"curl .*/api/voices/save .*audio_file=@\S+sample\.wav", clean.text)
    assert (tmp_path / "state" / "sample.wav").stat().st_size > 0


def test_second_start_names_the_busy_port_and_its_process(
    dev: Callable[..., Dev], ports: Ports
) -> None:
    running = dev()
    running.wait_until_ready()

    refused = dev()

    assert refused.process.wait(timeout=60) == 1
    assert f"{ports['hosting']} (hosting)" in refused.text
    assert any(f"process {process.pid}" in refused.text for process in running.below())
    assert "Traceback" not in refused.text
    assert running.process.poll() is None


def test_interrupt_while_it_starts_leaves_nothing(dev: Callable[..., Dev], ports: Ports) -> None:
    starting = dev()
    eventually(lambda: "firestore listens" in starting.text, 60)
    processes = starting.below()

    starting.process.send_signal(signal.SIGINT)

    assert starting.process.wait(timeout=40) != 0
    assert all_ended(processes)
    assert "without saving" in starting.text
    with claimed(ports):
        pass
