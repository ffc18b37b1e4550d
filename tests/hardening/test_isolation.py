"""Decoding crashes, hangs, is captured or is killed: one answer, and nobody else notices."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.hardening.conftest import workers
from tests.sounds import content, wav
from voxshelf.adapters.isolated_audio import WORKERS, IsolatedAudio
from voxshelf.core.audio import SAMPLE_LIMITS
from voxshelf.core.errors import InvalidAudio, Unavailable
from voxshelf.http.received import Part, Spool

ROOT = Path(__file__).parents[2]
GOOD = wav(1.0)


def order(word: str):
    return content(f"{word}.".encode().ljust(64, b"x"))


@pytest.fixture
def standin():
    """Return workers that do what the content says, and give up after a second."""
    inspect_audio = IsolatedAudio(
        pytest.fail, deadline_s=1.0, module="tests.hardening.standin_worker"
    )
    yield inspect_audio
    inspect_audio.close()


def is_well(inspect_audio) -> bool:
    return inspect_audio(content(GOOD), SAMPLE_LIMITS, "ada").duration_s == 1.0


@pytest.mark.parametrize("fault", ["CRASH", "HANG", "SPIN", "NONSENSE", "FLOOD"])
def test_a_worker_that_fails_is_one_422_and_is_replaced(standin, fault):
    assert is_well(standin)
    for _ in range(WORKERS + 1):
        started = time.monotonic()
        with pytest.raises(InvalidAudio, match="cannot be decoded"):
            standin(order(fault), SAMPLE_LIMITS, "ada")
        assert time.monotonic() - started < 2
        assert is_well(standin)


def test_others_are_served_while_one_hangs(standin):
    assert is_well(standin)
    with ThreadPoolExecutor(8) as pool:
        hanging = pool.submit(standin, order("HANG"), SAMPLE_LIMITS, "ada")
        good = [pool.submit(standin, content(GOOD), SAMPLE_LIMITS, "ada") for _ in range(20)]
        assert all(task.result(timeout=5).duration_s == 1.0 for task in good)
        assert not hanging.done()
        assert isinstance(hanging.exception(timeout=5), InvalidAudio)


def test_two_files_are_decoded_at_once(standin):
    def slow():
        with pytest.raises(InvalidAudio, match="slow"):
            standin(order("SLOW"), SAMPLE_LIMITS, "ada")

    def both() -> float:
        started = time.monotonic()
        threads = [threading.Thread(target=slow) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic() - started

    both()
    assert both() < 0.5 * WORKERS


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
    class Deaf(IsolatedAudio):
        """Kills each first worker just before a file is sent to it."""

        killed = 0

        def _send(self, slot, request, descriptor):
            if not self.killed:
                self.killed += 1
                worker = slot.worker()
                worker.is_alive = lambda: True
                os.kill(worker._process.pid, signal.SIGKILL)
                worker._process.wait()
            super()._send(slot, request, descriptor)

    inspect_audio = Deaf(pytest.fail)
    assert is_well(inspect_audio)
    assert inspect_audio.killed == 1
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
    assert 60 < found["RLIMIT_CPU"] < 200


def test_a_real_worker_cannot_take_all_memory(decoder):
    is_well(decoder)
    for worker in workers():
        assert worker.rlimit(psutil.RLIMIT_AS)[0] == 2 * 1024**3


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
with inspect_audio._slot() as slot:
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
