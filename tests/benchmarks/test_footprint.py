import subprocess
import sys
import time

from benchmarks.footprint import footprint

HOLDS_MEMORY_AND_AN_UNNAMED_FILE = """
import sys, tempfile
held = bytearray(50_000_000)
with tempfile.TemporaryFile() as file:
    file.write(bytes(3_000_000)); file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_memory_named_and_unnamed_files_are_counted(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(bytes(2_000_000))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_MEMORY_AND_AN_UNNAMED_FILE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        with footprint(process.pid, tmp_path) as highest:
            time.sleep(0.3)
    assert highest.memory > 50_000_000
    assert highest.disk == 5_000_000
    assert highest.together == highest.memory + highest.disk


def test_a_process_that_has_ended_holds_nothing(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    with footprint(process.pid, tmp_path) as highest:
        time.sleep(0.1)
    assert (highest.memory, highest.disk) == (0, 0)
