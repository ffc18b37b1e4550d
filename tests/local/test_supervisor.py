"""The supervisor leaves no process behind, and touches no other; real processes throughout."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from local.layout import ROOT
from tests.local import stubborn_tree

SCRIPT = Path(stubborn_tree.__file__)
EVERYONE = {"command", *stubborn_tree.KINDS}
GRACE_S = 1.0

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    """Start a process in the repository; what a failed test leaves is ended afterwards."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)
        processes.append(process)
        return process

    yield start
    for folder in [tmp_path, *filter(Path.is_dir, tmp_path.iterdir())]:
        for left in tree(folder).values():
            with suppress(psutil.Error):
                left.kill()
    for process in processes:
        process.kill()
        process.wait()


def supervised(folder: Path, *arguments: str) -> list[str]:
    """The command line of a supervisor over the stubborn tree."""
    command = [sys.executable, "-m", "local.supervisor", "--grace-s", str(GRACE_S), "--"]
    return [*command, sys.executable, str(SCRIPT), str(folder), *arguments]


def tree(folder: Path) -> dict[str, psutil.Process]:
    """The processes of the tree that still run, by the name of their file."""
    running = {}
    for file in filter(Path.is_file, folder.iterdir()):
        with suppress(psutil.NoSuchProcess, ValueError):
            pid, started = file.read_text().split()
            process = psutil.Process(int(pid))
            same = abs(process.create_time() - float(started)) < 1
            if same and process.status() != psutil.STATUS_ZOMBIE:
                running[file.name] = process
    return running


def wait_for_everyone(folder: Path) -> None:
    """Wait until each kind of process runs and the supervisor had time to see it."""
    eventually(lambda: tree(folder).keys() >= EVERYONE)
    time.sleep(1)


def eventually(condition: Callable[[], bool], within_s: float = 15.0) -> None:
    """Fail when the condition does not come true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def nothing_left(folder: Path) -> bool:
    """Whether the whole tree has ended."""
    return not tree(folder)


def watchdogs() -> set[psutil.Process]:
    """Every running watchdog of this checkout."""
    return {
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if "local.watchdog" in (process.info["cmdline"] or [])
        and process.info["status"] != psutil.STATUS_ZOMBIE
    }


def test_command_that_ends_takes_its_descendants_along(started: Start, tmp_path: Path) -> None:
    before = watchdogs()
    supervisor = started(*supervised(tmp_path, "1.5"))

    wait_for_everyone(tmp_path)

    assert supervisor.wait(timeout=20) == 3
    assert nothing_left(tmp_path)
    assert watchdogs() <= before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_supervisor_ends_everything(
    started: Start, tmp_path: Path, number: signal.Signals
) -> None:
    supervisor = started(*supervised(tmp_path))
    wait_for_everyone(tmp_path)

    supervisor.send_signal(number)

    assert supervisor.wait(timeout=20) != 0
    assert nothing_left(tmp_path)


def test_killed_supervisor_leaves_nothing(started: Start, tmp_path: Path) -> None:
    supervisor = started(*supervised(tmp_path))
    wait_for_everyone(tmp_path)

    supervisor.kill()

    eventually(lambda: nothing_left(tmp_path))


def test_killed_parent_of_the_supervisor_leaves_nothing(started: Start, tmp_path: Path) -> None:
    waits = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    parent = started(sys.executable, "-c", waits, *supervised(tmp_path))
    wait_for_everyone(tmp_path)
    [supervisor] = psutil.Process(parent.pid).children()

    parent.kill()

    eventually(lambda: nothing_left(tmp_path) and not supervisor.is_running())


def test_second_interrupt_does_not_wait_for_a_clean_end(started: Start, tmp_path: Path) -> None:
    ignores = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
    module = [sys.executable, "-m", "local.supervisor", "--grace-s", "600", "--"]
    supervisor = started(*module, sys.executable, "-c", ignores)
    time.sleep(1.5)

    supervisor.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert supervisor.poll() is None
    supervisor.send_signal(signal.SIGINT)

    assert supervisor.wait(timeout=10) == 128 + signal.SIGTERM


def test_other_processes_are_left_alone(started: Start, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    stranger = started(sys.executable, "-c", "import time; time.sleep(600)")
    supervisor = started(*supervised(ours, "1.5"))
    neighbour = started(*supervised(theirs))
    wait_for_everyone(theirs)

    supervisor.wait(timeout=20)

    assert stranger.poll() is None
    assert neighbour.poll() is None
    assert tree(theirs).keys() >= EVERYONE


def test_unknown_command_is_reported_and_leaves_no_watchdog(started: Start) -> None:
    before = watchdogs()
    supervisor = started(sys.executable, "-m", "local.supervisor", "--", "no-such-command")

    assert supervisor.wait(timeout=10) == 127
    assert watchdogs() <= before
