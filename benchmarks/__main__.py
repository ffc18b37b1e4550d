"""Measure the functions: `python -m benchmarks [--json] [--rounds N] [--only PART ...]`.

The emulators run on free ports under the project's supervisor, which ends every process however
this one ends. A wanted ratio that is missed is marked and fails nothing: speed depends on the
machine and on what else it does.
"""

import argparse
import compileall
import contextlib
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.parts import PARTS
from benchmarks.report import json_text, read_json, report
from local.layout import ROOT
from local.own_stack import python, run_in_own_stack

PROJECT = "demo-voxshelf-bench"
# Not functions: that emulator starts one process for each request at the same time.
_EMULATORS = "auth,firestore,storage"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 whatever the figures are, another code when there are none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="results as JSON, nothing else")
    parser.add_argument("--rounds", type=int, help="the same number of rounds for every figure")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="measure these parts alone")
    options = parser.parse_args(arguments)
    passed_on = ["--rounds", str(options.rounds)] if options.rounds else []
    passed_on += ["--only", *options.only] if options.only else []
    # Without bytecode a start takes 3 to 4 times as long; the stack compiles the functions.
    for folder in (sysconfig.get_path("purelib"), ROOT / "benchmarks"):
        compileall.compile_dir(folder, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        command = python("-m", "benchmarks.measurements", str(results), *passed_on)
        with contextlib.redirect_stdout(sys.stderr):
            code = run_in_own_stack("bench", PROJECT, command, only=_EMULATORS)
        if code or not results.exists():
            return code or 1
        measured = read_json(results.read_text())
    sys.stdout.write(json_text(measured) + "\n" if options.json else report(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
