"""All measurements, run inside the emulators: `python -m benchmarks.measurements RESULTS`.

`python -m benchmarks` starts the emulators and this.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import cold_start, listing, saves
from benchmarks.client import UnexpectedAnswer
from benchmarks.figures import json_text
from benchmarks.listing import WrongPage
from benchmarks.servers import Backends, ServerFailed
from benchmarks.shelf import stocked
from local.auth_emulator import AuthEmulatorError
from local.console import Console

_PARTS = (
    (listing.measure, listing.ROUNDS),
    (saves.measure, saves.ROUNDS),
    (cold_start.measure, cold_start.ROUNDS),
)


def main(arguments: Sequence[str]) -> int:
    """Measure and write the figures as JSON; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measurements", description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args(arguments)
    console = Console()
    backends = Backends.read(os.environ)
    figures = []
    try:
        shelf = stocked(backends, console.step)
        for measure, rounds in _PARTS:
            figures += measure(backends, shelf, options.rounds or rounds, console.step)
    except (AuthEmulatorError, ServerFailed, UnexpectedAnswer, WrongPage) as problem:
        console.write(f"{type(problem).__name__}: {problem}\n")
        return 1
    options.results.write_text(json_text(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
