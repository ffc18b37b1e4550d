"""The figures of all experiments, for people and for programs."""

import json
from collections.abc import Sequence

from tests.chaos.experiment import INVARIANTS, Result

_NOTES_SHOWN = 12


def table(results: Sequence[Result]) -> str:
    """Return the table, and below it what was wrong."""
    width = max((len(result.name) for result in results), default=10)
    head = [
        "experiment".ljust(width),
        "runs",
        *INVARIANTS,
        "lost",
        "orphans",
        "after",
        "slowest s",
        "seconds",
    ]
    lines = ["  ".join(head)]
    for result in results:
        cells = [result.name.ljust(width), f"{result.runs:4}"]
        cells += [f"{result.violations[name]:{len(name)}}" for name in INVARIANTS]
        cells += [f"{result.lost:4}", f"{result.orphans_before:7}", f"{result.orphans_after:5}"]
        cells += [f"{result.slowest_s:9.1f}"]
        lines.append("  ".join([*cells, f"{result.seconds:7.1f}"]))
    runs = sum(result.runs for result in results)
    wrong = sum(sum(result.violations.values()) for result in results)
    lost = sum(result.lost for result in results)
    after = sum(result.orphans_after for result in results)
    lines += ["", f"{runs} runs: {wrong} violations, {lost} acknowledged saves lost,"]
    lines[-1] += f" {after} objects left over."
    for result in results:
        lines += [f"  {result.name}: {note}" for note in result.notes[:_NOTES_SHOWN]]
        if len(result.notes) > _NOTES_SHOWN:
            lines.append(f"  {result.name}: and {len(result.notes) - _NOTES_SHOWN} more")
    return "\n".join(lines)


def json_text(results: Sequence[Result]) -> str:
    """Return all figures as JSON."""
    # Not `asdict`: it copies a Counter by its pairs, which count the pairs.
    rows = [{**vars(result), "failed": result.failed} for result in results]
    return json.dumps({"experiments": rows}, indent=2) + "\n"
