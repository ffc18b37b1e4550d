"""Mutated requests against both saves: `python -m tests.hardening.fuzz --runs 5000 [--seed N]`.

The functions run in this process, on services in memory; audio is decoded by real workers, whose
memory is measured. Exits with 1 when an answer is 500 or more, or slower than 2 s. A case is
repeated with `--seed` and `--only NUMBER`.
"""

import argparse
import contextlib
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import functions_framework

from tests.endpoint.conftest import ADA, MAIN
from tests.fakes.services import MemoryServices
from tests.hardening.bodies import form, part
from tests.hardening.conftest import SLOWEST_S, peak_bytes, workers
from tests.hardening.mutations import Case, case
from tests.sounds import wav
from voxshelf import wiring
from voxshelf.adapters.isolated_audio import IsolatedAudio

SEED = 20_260_101
VOICE = wav(0.5)


@dataclass
class Findings:
    """What a run showed. `faults` are the cases that must not be."""

    statuses: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    slowest: str = ""
    worker_growth_bytes: int = 0
    workers_lost: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{sum(self.statuses.values())} requests ({counts}); {len(self.faults)} faults; "
            f"slowest {self.slowest_s:.3f} s ({self.slowest}); workers grew by "
            f"{self.worker_growth_bytes / 1e6:.1f} MB, {self.workers_lost} were lost"
        )


def run(cases: Iterable[Case]) -> Findings:
    """Send each case to its function and note the answers."""
    os.environ.setdefault("GCLOUD_PROJECT", "demo-endpoint-tests")
    apps = {
        name: functions_framework.create_app(name, str(MAIN))
        for name in ("voices_save", "tts_save")
    }
    inspect_audio, findings = IsolatedAudio(print), Findings()
    wiring.use(MemoryServices(inspect_audio=inspect_audio))
    try:
        # Blocks are full from here on: what grows later grows with the files.
        _save_voice(apps, wav(30.0))
        before = {process.pid: peak_bytes(process) for process in workers()}
        for each in cases:
            # Quotas and what earlier cases stored are not what is tested.
            wiring.use(MemoryServices(inspect_audio=inspect_audio))
            if each.function == "tts_save":
                _save_voice(apps)
            _send(apps[each.function], each, findings)
        after = {process.pid: peak_bytes(process) for process in workers()}
        findings.workers_lost = len(before.keys() - after.keys())
        grown = [after[pid] - before[pid] for pid in before.keys() & after.keys()]
        findings.worker_growth_bytes = max(grown, default=0)
    finally:
        inspect_audio.close()
        wiring.use(None)
    return findings


def _save_voice(apps: dict, audio: bytes = VOICE) -> None:
    request = form(part("voice_name", b"Row"), part("audio_file", audio, "a.wav"))
    with contextlib.redirect_stdout(io.StringIO()):
        answer = apps["voices_save"].test_client().post("/", headers=ADA, **request)
    assert answer.status_code == 201, answer.text


def _send(app, each: Case, findings: Findings) -> None:
    lines = io.StringIO()
    started = time.perf_counter()
    with contextlib.redirect_stdout(lines):
        answer = app.test_client().post("/", headers=ADA, **each.request)
    took_s = time.perf_counter() - started
    findings.statuses[answer.status_code] += 1
    if took_s > findings.slowest_s:
        findings.slowest_s, findings.slowest = took_s, f"{each.number}: {each.what}"
    if answer.status_code >= 500 or took_s > SLOWEST_S:
        text = f"{each.number}: {each.what}: {answer.status_code} in {took_s:.2f} s\n"
        findings.faults.append(text + lines.getvalue())


def main(arguments: Sequence[str]) -> int:
    """Run, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.hardening.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", type=int, help="the number of one case")
    options = parser.parse_args(arguments)
    numbers = range(options.runs) if options.only is None else [options.only]
    started = time.monotonic()
    findings = run(case(options.seed, number) for number in numbers)
    for fault in findings.faults[:20]:
        print(fault)
    print(f"{findings}; {time.monotonic() - started:.0f} s")
    return 1 if findings.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
