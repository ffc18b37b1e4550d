"""Rehearse every scenario: `python -m local.rehearsal [--short]`; 1 when one of them fails."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from local.console import Console
from local.rehearsal.player import Outcome, Player


def main(arguments: Sequence[str]) -> int:
    """Play the scenarios one after the other, and say what came of them."""
    parser = argparse.ArgumentParser(prog="python -m local.rehearsal", description=__doc__)
    parser.add_argument("--short", action="store_true", help="only those that `make test` plays")
    options = parser.parse_args(arguments)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        outcomes = []
        for outcome in Player(Path(scratch)).play(short=options.short):
            outcomes.append(outcome)
            _show(console, outcome)
    passed = sum(not outcome.problems for outcome in outcomes)
    console.write(
        f"\nscenarios passed            {passed} of {len(outcomes)}\n"
        f"calls made                  {sum(outcome.calls for outcome in outcomes)}\n"
        f"outside documented roles    {sum(outcome.outside for outcome in outcomes)}\n"
        f"questions asked             {sum(outcome.questions for outcome in outcomes)}\n"
    )
    return 0 if passed == len(outcomes) else 1


def _show(console: Console, outcome: Outcome) -> None:
    console.step(
        f"{'FAILED' if outcome.problems else 'ok':<6} {outcome.name}, {outcome.calls} calls"
    )
    for problem in outcome.problems:
        console.write("".join(f"         {line}\n" for line in problem.splitlines()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
