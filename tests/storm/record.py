"""What happened, and what was wrong with it."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_NOTES_SHOWN = 40


@dataclass
class Record:
    """Counts and violations of one run. Threads share it."""

    seed: int
    operations: int = 0
    kills: int = 0
    outages: int = 0
    reconciled: int = 0
    seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answered(self, operation: object, code: str) -> None:
        """Count an answer."""
        with self.lock:
            self.answers[f"{type(operation).__name__} {code}"] += 1

    def done(self, count: int) -> None:
        """Count operations."""
        with self.lock:
            self.operations += count

    def blame(self, what: str, text: str) -> None:
        """Note what is wrong, and say so: a run that breaks off must have said it."""
        with self.lock:
            self.violations.append(f"{what}: {text}")
        print(f"{what}: {text}", flush=True)

    def check(self, what: str, count: int = 1) -> None:
        """Count what was compared in the end."""
        with self.lock:
            self.checked[what] += count

    @property
    def failed(self) -> bool:
        """Tell whether anything was wrong, or nothing was done."""
        return bool(self.violations) or not self.operations

    def figures(self) -> dict[str, Any]:
        """Return all figures, for programs."""
        return {
            "seed": self.seed,
            "operations": self.operations,
            "kills": self.kills,
            "outages": self.outages,
            "reconciled": self.reconciled,
            "seconds": round(self.seconds, 1),
            "operations_per_minute": round(self.operations / max(self.seconds, 1) * 60),
            "answers": dict(sorted(self.answers.items())),
            "checked": dict(sorted(self.checked.items())),
            "violations": self.violations,
        }

    def text(self, repeat: str) -> str:
        """Return the figures for people; `repeat` is the command that does it again."""
        figures = self.figures()
        lines = [f"{kind}: {count}" for kind, count in figures["answers"].items()]
        lines += [f"compared {kind}: {count}" for kind, count in figures["checked"].items()]
        lines.append(
            f"{self.operations} operations, {self.kills} kills, {self.outages} outages, "
            f"{self.reconciled} runs of reconcile in {self.seconds:.0f} s "
            f"({figures['operations_per_minute']} a minute): {len(self.violations)} violations."
        )
        lines += [one.partition("\n")[0] for one in self.violations[:_NOTES_SHOWN]]
        if len(self.violations) > _NOTES_SHOWN:
            lines.append(f"and {len(self.violations) - _NOTES_SHOWN} more")
        if self.violations:
            lines.append(f"Again: {repeat}")
        return "\n".join(lines)
