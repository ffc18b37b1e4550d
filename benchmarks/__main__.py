"""Measure the functions: `python -m benchmarks [--json] [--rounds N] [--only PART ...]`.

The emulators run on free ports under the project's supervisor, which ends every process however
this one ends. A wanted ratio that is missed is marked and fails nothing: speed depends on the
machine and on what else it does.
"""

import argparse
import compileall
import contextlib
import os
import shlex
import shutil
import sys
import sysconfig
import threading
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parts import PARTS
from benchmarks.report import Result, json_text, read_json, report
from local.console import Console
from local.firebase_config import emulators_of
from local.java_programs import JavaProgramMissing
from local.layout import ROOT, shown, state_folder
from local.log_view import follow
from local.ports import PortBusy, claimed_free
from local.stack import Stack, prepared
from local.supervisor import Supervisor

PROJECT = "demo-voxshelf-bench"
# Not functions: that emulator starts one process for each request at the same time.
_EMULATORS = "auth,firestore,storage"
_STOP_GRACE_S = 10.0
_INTERRUPTED = 130


class NotMeasured(Exception):
    """There are no figures; the text says why and `code` is this program's exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def measured(
    stack: Stack, options: Sequence[str], parent_pid: int, console: Console
) -> list[Result]:
    """Run the measurements inside the emulators. Raises NotMeasured."""
    progress, results = stack.scratch / "progress", stack.scratch / "results.json"
    progress.write_text("")
    ended = threading.Event()
    reader = threading.Thread(target=follow, args=(progress, console.write, ended), daemon=True)
    script = _script(results, progress, options)
    with stack.log.open("wb") as log:
        supervisor = Supervisor(
            # Of two `--only` the last counts: the stack's own has more emulators than are needed.
            stack.command("emulators:exec", "--only", _EMULATORS, script),
            environ=stack.environ,
            say=console.step,
            grace_s=_STOP_GRACE_S,
            parent_pid=parent_pid,
            folder=stack.scratch,
            output=log,
        )
        reader.start()
        try:
            supervisor.run()
        finally:
            ended.set()
            reader.join(timeout=5)
    if supervisor.stopped_because:
        raise NotMeasured(f"Stopped: {supervisor.stopped_because}", _INTERRUPTED)
    if not results.exists():
        raise NotMeasured(f"Not measured; see {shown(stack.log)}", 1)
    return read_json(results.read_text())


def _script(results: Path, progress: Path, options: Sequence[str]) -> str:
    """The shell command for `emulators:exec`."""
    python_path = f"PYTHONPATH={ROOT / 'functions'}{os.pathsep}{ROOT}"
    command = ["env", python_path, sys.executable, "-u", "-m", "benchmarks.measurements"]
    command += [str(results), *options]
    # Errors stay with the output of firebase-tools, in the log.
    return f"cd {shlex.quote(str(ROOT))} && {shlex.join(command)} >{shlex.quote(str(progress))}"


def _run(options: Sequence[str], parent_pid: int, console: Console) -> list[Result]:
    # Without bytecode a start takes 3 to 4 times as long; `prepared` compiles the functions.
    for folder in (sysconfig.get_path("purelib"), ROOT / "benchmarks"):
        compileall.compile_dir(folder, quiet=2)
    with claimed_free(emulators_of()) as ports:
        name = f"bench-{ports.offset}"
        with prepared(name, PROJECT, ports, state_folder(os.environ), console.step) as stack:
            console.step(f"Emulators start; log: {shown(stack.log)}")
            try:
                return measured(stack, options, parent_pid, console)
            finally:
                # Hundreds of megabytes of saved audio.
                shutil.rmtree(stack.scratch, ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 whatever the figures are, 1 with one message when there are none."""
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="results as JSON, nothing else")
    parser.add_argument("--rounds", type=int, help="the same number of rounds for every figure")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure these parts alone")
    options = parser.parse_args(arguments)
    passed_on = ["--rounds", str(options.rounds)] if options.rounds else []
    passed_on += ["--only", *options.only] if options.only else []
    try:
        with contextlib.redirect_stdout(sys.stderr):
            results = _run(passed_on, parent_pid, Console())
    except NotMeasured as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.code
    except (PortBusy, JavaProgramMissing) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    sys.stdout.write(json_text(results) + "\n" if options.json else report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
