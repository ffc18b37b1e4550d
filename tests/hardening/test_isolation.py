"""Decoding crashes, hangs, is captured or is killed: one answer, and nobody else notices."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.hardening.conftest import workers
from tests.sounds import content, wav
from voxshelf.adapters.isolated_audio import LONG, QUICK, IsolatedAudio
from voxshelf.core.audio import SAMPLE_LIMITS
from voxshelf.core.errors import InvalidAudio, Unavailable
from voxshelf.http.received import Part, Spool

ROOT = Path(__file__).parents[2]
GOOD = wav(1.0)


def order(word: str):
    return content(f"{word}.".encode().ljust(64, b"x"))


def with_standins(spending=None, **rules):
    """Return workers that do what the content says, in lanes of other rules."""
    return IsolatedAudio(
        pytest.fail,
        module="tests.hardening.standin_worker",
        quick=replace(QUICK, **rules),
        long=replace(LONG, cpu_s=1.0, **rules),
        spending=spending,
    )


@pytest.fixture
def standin():
    inspect_audio = with_standins()
    yield inspect_audio
    inspect_audio.close()


@pytest.fixture
def impatient():
    """Return workers that are given a second on the wall."""
    inspect_audio = with_standins(deadline_s=1.0)
    yield inspect_audio
    inspect_audio.close()


def is_well(inspect_audio) -> bool:
    return inspect_audio(content(GOOD), SAMPLE_LIMITS, "ada").duration_s == 1.0


@pytest.mark.parametrize("fault", ["CRASH", "NONSENSE", "FLOOD"])
def test_a_worker_that_fails_is_one_422_and_is_replaced(standin, fault):
    assert is_well(standin)
    for _ in range(3):
        with pytest.raises(InvalidAudio, match="cannot be decoded"):
            standin(order(fault), SAMPLE_LIMITS, "ada")
        assert is_well(standin)


@pytest.mark.parametrize("fault", ["WORK", "SPIN"])
def test_a_file_that_uses_its_cpu_time_up_is_a_422(standin, fault):
    """Also when code does not come back to look at the time."""
    with pytest.raises(InvalidAudio, match="too long to decode"):
        standin(order(fault), SAMPLE_LIMITS, "ada")
    assert is_well(standin)


@pytest.mark.parametrize("fault", ["HANG", "LONG HANG"])
def test_a_deadline_before_the_cpu_time_is_over_is_a_503_and_no_fault_of_the_file(impatient, fault):
    with pytest.raises(Unavailable) as caught:
        impatient(order(fault), SAMPLE_LIMITS, "ada")
    assert caught.value.retry_after_s > 0
    assert is_well(impatient)


@pytest.mark.parametrize("fault", ["KILLED", "TERMINATED"])
def test_a_worker_that_the_machine_ended_is_a_503(standin, fault):
    with pytest.raises(Unavailable):
        standin(order(fault), SAMPLE_LIMITS, "ada")
    assert is_well(standin)


def test_a_file_that_is_not_quick_is_measured_in_the_second_lane(standin):
    with pytest.raises(InvalidAudio, match="niceness") as caught:
        standin(order("LONG"), SAMPLE_LIMITS, "ada")
    assert caught.value.details["niceness"] > 0
    with pytest.raises(InvalidAudio, match="niceness") as caught:
        standin(order("QUICK"), SAMPLE_LIMITS, "ada")
    assert caught.value.details["niceness"] == 0


def test_what_a_worker_has_read_is_read_whole_by_the_next_reader(standin):
    """They share the place in the file: a buffer of this process's must not hide that it moved."""
    audio = wav(20.0)
    with Spool() as spool:
        spool.write(audio)
        assert Part(spool).head(256) == audio[:256]
        received = spool.content()
        assert received.stream.fileno()
        assert standin(received, SAMPLE_LIMITS, "ada").duration_s == 20.0
        assert received.rewound().read() == audio


def test_a_worker_that_was_killed_while_idle_is_replaced_without_a_word(standin):
    assert is_well(standin)
    for child in psutil.Process().children():
        if "tests.hardening.standin_worker" in child.cmdline():
            child.kill()
            child.wait()
    assert is_well(standin)


def test_a_worker_that_ends_between_the_check_and_the_file_is_replaced():
    inspect_audio = IsolatedAudio(pytest.fail)
    assert is_well(inspect_audio)
    with inspect_audio._quick._slot() as slot:
        worker = slot.worker()
        worker.is_alive = lambda: True
        os.kill(worker._process.pid, signal.SIGKILL)
        worker._process.wait()
    assert is_well(inspect_audio)
    inspect_audio.close()


def test_a_worker_that_cannot_start_is_a_fault_of_ours_and_not_the_files():
    complaints = []
    inspect_audio = IsolatedAudio(complaints.append, module="tests.hardening.no_such_module")
    with pytest.raises(Unavailable):
        is_well(inspect_audio)
    inspect_audio.close()
    assert len(complaints) == 1
    assert "exit code 1" in complaints[0]
    assert "No module named tests.hardening.no_such_module" in complaints[0]


def test_a_worker_imports_what_its_parent_does_wherever_that_lies(tmp_path, monkeypatch):
    """On the platform packages lie below PYTHONUSERBASE, which no worker is told."""
    (tmp_path / "worker_of_elsewhere.py").write_text(
        "from tests.hardening.standin_worker import inspect, serve\n"
        "import sys\n"
        "serve(int(sys.argv[1]), inspect)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    inspect_audio = IsolatedAudio(pytest.fail, module="worker_of_elsewhere")
    assert is_well(inspect_audio)
    inspect_audio.close()


def test_a_worker_knows_no_secret(standin, monkeypatch):
    monkeypatch.setenv("PAGE_TOKEN_KEY", "secret")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/key.json")
    with pytest.raises(InvalidAudio) as caught:
        standin(order("ENVIRON"), SAMPLE_LIMITS, "ada")
    assert set(caught.value.details) <= {"PYTHONPATH", "PATH", "OPENBLAS_NUM_THREADS", "LC_CTYPE"}


def test_a_worker_is_limited_in_all_that_it_could_use_up(standin):
    with pytest.raises(InvalidAudio) as caught:
        standin(order("LIMITS"), SAMPLE_LIMITS, "ada")
    found = caught.value.details
    assert (found["RLIMIT_CORE"], found["RLIMIT_FSIZE"]) == (0, 0)
    assert found["RLIMIT_NOFILE"] <= 32
    assert 0 < found["RLIMIT_CPU"] < 10
    assert all(soft == hard for soft, hard in found["HARD"].values())


def test_a_real_worker_cannot_take_all_memory(decoder):
    is_well(decoder)
    for worker in workers():
        assert worker.rlimit(psutil.RLIMIT_AS) == (2 * 1024**3, 2 * 1024**3)


def test_no_descriptor_is_left_behind(decoder):
    is_well(decoder)
    process, broken = psutil.Process(), content(b"RIFF" + bytes(100))
    before = process.num_fds(), [worker.num_fds() for worker in workers()]
    for number in range(500):
        if number % 2:
            with pytest.raises(Exception, match=r"WAV|kept"):
                decoder(broken, SAMPLE_LIMITS, "ada")
        else:
            assert is_well(decoder)
    assert (process.num_fds(), [worker.num_fds() for worker in workers()]) == before


def test_no_descriptor_or_process_is_left_behind_by_crashes(standin):
    assert is_well(standin)
    process = psutil.Process()
    before = process.num_fds(), len(process.children(recursive=True))
    for _ in range(10):
        with pytest.raises(InvalidAudio):
            standin(order("CRASH"), SAMPLE_LIMITS, "ada")
    assert is_well(standin)
    assert (process.num_fds(), len(process.children(recursive=True))) == before


PARENT = """
import sys, time
from tests.sounds import content, wav
from voxshelf.adapters.isolated_audio import IsolatedAudio
from voxshelf.core.audio import SAMPLE_LIMITS
inspect_audio = IsolatedAudio(print)
inspect_audio(content(wav(1.0)), SAMPLE_LIMITS, "ada")
with inspect_audio._quick._slot() as slot:
    print(slot.worker()._process.pid, flush=True)
time.sleep(60)
"""


def test_no_worker_outlives_its_parent():
    environ = {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.PIPE) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    try:
        worker.wait(timeout=5)
    except psutil.NoSuchProcess:
        return
    assert not worker.is_running()
