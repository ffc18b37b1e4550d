"""Run every experiment: `python -m tests.chaos [--runs N] [--only TEXT] [--json]`.

It starts emulators of its own unless it runs inside some. The exit code is 1 when any invariant
was violated, an acknowledged save was lost, or an object was left over.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from local.own_stack import run_with_results
from tests.chaos.experiments import run_all
from tests.chaos.report import json_text, table

PROJECT = "demo-voxshelf-chaos"
RUNS = 20


def main(arguments: Sequence[str]) -> int:
    """Run and print; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help="runs of each kind")
    parser.add_argument("--only", default="", help="experiments whose name contains this text")
    parser.add_argument("--json", action="store_true", help="figures as JSON, nothing else")
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if "FIRESTORE_EMULATOR_HOST" in os.environ:
        return _run(options)
    return run_with_results("chaos", PROJECT, "tests.chaos", arguments, as_json=options.json)


def _run(options: argparse.Namespace) -> int:
    results = run_all(options.runs, options.only, lambda line: print(line, flush=True))
    if options.results is not None:
        options.results.write_text(json_text(results))
    print(json_text(results) if options.json and options.results is None else table(results))
    return int(any(result.failed for result in results) or not results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
