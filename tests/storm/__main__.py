"""Run the storm: `python -m tests.storm [--operations N] [--kills K] [--users U] [--seed S]`.

It starts emulators of its own unless it runs inside some. The exit code is 1 when anything was
wrong in the end: what it was, and how to do it again, is printed.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from local.own_stack import run_with_results
from tests.chaos.lab import Lab
from tests.storm.paths import reused_paths
from tests.storm.storm import drawn_seed, storm

PROJECT = "demo-voxshelf-storm"
_AT_ONCE = 2_000


def main(arguments: Sequence[str]) -> int:
    """Run and print; see the module's text."""
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--kills", type=int, help="one for fifty operations unless given")
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--paths", type=int, default=500, help="sequences on re-used upload paths")
    parser.add_argument("--seed", type=int, help="of a run that is to be done again")
    parser.add_argument("--json", action="store_true", help="figures as JSON, nothing else")
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if "FIRESTORE_EMULATOR_HOST" in os.environ:
        return _run(options)
    return run_with_results("storm", PROJECT, "tests.storm", arguments, as_json=options.json)


def _run(options: argparse.Namespace) -> int:
    seed = drawn_seed() if options.seed is None else options.seed
    operations = options.operations
    kills = operations // 50 if options.kills is None else options.kills
    again = (
        f"python -m tests.storm --seed {seed} --operations {operations} --kills {kills} "
        f"--users {options.users} --paths {options.paths}"
    )
    say(again)
    records = {}
    with Lab() as lab:
        say(f"Logs of the functions: {lab.logs}")
        if options.paths:
            args = options.paths, options.paths // 8, options.users, seed
            records["re-used paths"] = reused_paths(lab, *args, say)
        for number, (some, of_them) in enumerate(_rounds(operations, kills)):
            name = f"storm {number + 1}"
            records[name] = storm(lab, some, of_them, options.users, seed + number, say)
    if options.results is not None:
        figures = {name: record.figures() for name, record in records.items()}
        options.results.write_text(json.dumps(figures, indent=2) + "\n")
    for name, record in records.items():
        say(f"\n{name}\n{record.text(again)}")
    return int(any(record.failed for record in records.values()) or not records)


def _rounds(operations: int, kills: int) -> Iterator[tuple[int, int]]:
    """Return how many operations and kills there are in each of several storms.

    Jobs whose answers were lost stay open in a user's model to the end: each storm has new users.
    """
    count = -(-operations // _AT_ONCE)
    for number in range(count):
        yield _share(operations, count, number), _share(kills, count, number)


def _share(total: int, count: int, number: int) -> int:
    return total // count + (number < total % count)


def say(line: str) -> None:
    """Tell people how far it has come."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
