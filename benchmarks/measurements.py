"""The measurements, run inside the emulators: `python -m benchmarks.measurements RESULTS`.

`python -m benchmarks` starts the emulators and this.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.client import UnexpectedAnswer
from benchmarks.listing import WrongPage
from benchmarks.parts import PARTS
from benchmarks.report import Result, json_text
from benchmarks.servers import Backends, ServerFailed
from benchmarks.shelf import GENERATIONS, Shelf, stocked
from local.auth_emulator import AuthEmulatorError
from local.console import Console

Part = Callable[[Backends, Shelf, int, Callable[[str], None]], Sequence[Result]]


def main(arguments: Sequence[str]) -> int:
    """Measure and write the results as JSON; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measurements", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args(arguments)
    console = Console()
    backends = Backends.read(os.environ)
    results: list[Result] = []
    try:
        generations = GENERATIONS if "listing" in options.only else 1
        shelf = stocked(backends, generations, console.step)
        for name in (name for name in PARTS if name in options.only):
            part = importlib.import_module(PARTS[name])
            measure: Part = part.measure
            results += measure(backends, shelf, options.rounds or part.ROUNDS, console.step)
    except (AuthEmulatorError, ServerFailed, UnexpectedAnswer, WrongPage) as problem:
        console.write(f"{type(problem).__name__}: {problem}\n")
        return 1
    options.results.write_text(json_text(results))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
