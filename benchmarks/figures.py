"""Measured times beside their floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

# Does one thing once and returns how long it took, in seconds. Its argument is another number each
# time, so that names can be made from it.
Measure = Callable[[int], float]


@dataclass(frozen=True)
class Figure:
    """What was measured, with the floor measured in between.

    `wanted` is the largest ratio of the two medians that is good enough. A figure without a
    floor is for information.
    """

    name: str
    times_s: Sequence[float]
    floor_name: str = ""
    floor_times_s: Sequence[float] = ()
    wanted: float | None = None

    @property
    def p50_s(self) -> float:
        """The median time."""
        return median(self.times_s)

    @property
    def floor_p50_s(self) -> float | None:
        """The median time of the floor; None without one."""
        return median(self.floor_times_s) if self.floor_times_s else None

    @property
    def ratio(self) -> float | None:
        """How many times the floor it takes; None without a floor."""
        return self.p50_s / self.floor_p50_s if self.floor_p50_s else None

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty where nothing is wanted."""
        if self.ratio is None or self.wanted is None:
            return ""
        return "met" if self.ratio <= self.wanted else "missed"

    def as_json(self) -> dict[str, Any]:
        """The figure for programs; times in seconds, every sample included."""
        return {
            "name": self.name,
            "p50_s": self.p50_s,
            "floor": self.floor_name or None,
            "floor_p50_s": self.floor_p50_s,
            "ratio": self.ratio,
            "wanted": self.wanted,
            "verdict": self.verdict or None,
            "samples": len(self.times_s),
            "times_s": list(self.times_s),
            "floor_times_s": list(self.floor_times_s),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Figure":
        """Read what `as_json` wrote."""
        return cls(
            name=fields["name"],
            times_s=fields["times_s"],
            floor_name=fields["floor"] or "",
            floor_times_s=fields["floor_times_s"],
            wanted=fields["wanted"],
        )


def interleaved(
    measures: Sequence[Measure], rounds: int, *, warm_up: int, say: Callable[[str], None]
) -> list[list[float]]:
    """Measure all in turn, round after round; the times of each, the warm-up's left out.

    Other work on the machine then slows all of them alike. Every second round goes backwards, so
    that none of them always follows the same one.
    """
    times: list[list[float]] = [[] for _ in measures]
    for number in range(-warm_up, rounds):
        order = list(zip(measures, times, strict=True))
        for measure, taken in order if number % 2 else reversed(order):
            time_s = measure(number + warm_up)
            if number >= 0:
                taken.append(time_s)
        if number >= 0 and (number + 1) % max(1, rounds // 4) == 0:
            say(f"  round {number + 1} of {rounds}")
    return times
