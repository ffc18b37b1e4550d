"""Run one command against an own emulator stack, on free ports, beside any other stack.

Several runs at once, also beside `make dev`, do not disturb each other: each has its own ports,
folders and data.
"""

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from local.console import Console
from local.firebase_config import emulators_of
from local.java_programs import JavaProgramMissing
from local.layout import ROOT, shown, state_folder
from local.log_view import follow, last_lines
from local.ports import PortBusy, claimed_free
from local.stack import Stack, prepared
from local.supervisor import Supervisor, exit_code

# There is nothing to save, only processes to end.
STOP_GRACE_S = 10.0
INTERRUPTED = 130
_LOG_LINES = 25


def run_in_own_stack(
    name: str, project: str, command: Sequence[str], *, only: str | None = None
) -> int:
    """Start a stack, run `command` in it, end the stack; the exit code is the command's.

    The command finds the emulators by the variables that `emulators:exec` sets, and the
    addresses in VOXSHELF_SITE_URL and VOXSHELF_FUNCTIONS_URL. `only` names the emulators that it
    needs, all by default. What they stored is kept when the command fails. 1 with one clear
    message when the stack cannot start.
    """
    parent_pid = os.getppid()
    console, state = Console(), state_folder(os.environ)
    try:
        with claimed_free(emulators_of()) as ports:
            own_name = f"{name}-{ports.offset}"
            with prepared(own_name, project, ports, state, console.step) as stack:
                console.step(f"Emulators start on {stack.site_url}; log: {shown(stack.log)}")
                output = state.log(f"{own_name}-output")
                code = _run(stack, output, command, parent_pid, console, only)
                if code == 0:
                    # Saved audio, up to hundreds of megabytes.
                    shutil.rmtree(stack.scratch, ignore_errors=True)
                return code
    except (PortBusy, JavaProgramMissing) as problem:
        console.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(
    stack: Stack,
    output: Path,
    command: Sequence[str],
    parent_pid: int,
    console: Console,
    only: str | None,
) -> int:
    """Run the emulators around the command, whose output is shown as it comes; its exit code.

    firebase-tools writes into the stack's log instead, so that the command has the last word.
    """
    ended = threading.Event()
    # Of two `--only` the last counts: the stack has one of its own.
    chosen = ["--only", only] if only else []
    output.write_text("")
    reader = threading.Thread(target=follow, args=(output, console.write, ended), daemon=True)
    with stack.log.open("wb") as log:
        supervisor = Supervisor(
            stack.command("emulators:exec", *chosen, _script(stack, output, command)),
            environ=stack.environ,
            say=console.step,
            grace_s=STOP_GRACE_S,
            parent_pid=parent_pid,
            folder=stack.scratch,
            output=log,
            beside=stack.beside,
        )
        reader.start()
        try:
            code = exit_code(supervisor.run())
        finally:
            ended.set()
        reader.join(timeout=5)
    if not output.stat().st_size and not supervisor.stopped_because:
        lines = last_lines(stack.log, _LOG_LINES)
        console.write(f"The command did not start; the end of {shown(stack.log)}:\n{lines}\n")
    return INTERRUPTED if supervisor.stopped_because else code


def _script(stack: Stack, output: Path, command: Sequence[str]) -> str:
    """The shell command for `emulators:exec`: in the repository, its output into a file."""
    environ = {
        "VOXSHELF_SITE_URL": stack.site_url,
        "VOXSHELF_FUNCTIONS_URL": stack.functions_url,
        "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}",
        "PYTHONUNBUFFERED": "1",
        "COLUMNS": str(shutil.get_terminal_size().columns),
    }
    # Set for firebase-tools; pytest and Hypothesis behave differently with it.
    unset = [] if "CI" in os.environ else ["-u", "CI"]
    line = ["env", *unset, *(f"{name}={text}" for name, text in environ.items()), *command]
    return f"cd {shlex.quote(str(ROOT))} && {shlex.join(line)} >{shlex.quote(str(output))} 2>&1"


def python(*arguments: str) -> list[str]:
    """The command line of this Python."""
    return [sys.executable, *arguments]


def run_with_results(
    name: str, project: str, module: str, arguments: Sequence[str], *, as_json: bool
) -> int:
    """Run a module of ours in an own stack, and let it write its figures; its exit code.

    It is given `--results` and a file beside its arguments. With `as_json`, standard output holds
    what it has written there alone: progress is for people.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        command = python("-m", module, *arguments, "--results", str(results))
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
            code = run_in_own_stack(name, project, command)
        if as_json and results.exists():
            sys.stdout.write(results.read_text())
    return code
