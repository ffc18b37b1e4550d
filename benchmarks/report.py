"""All kinds of results, and how they are shown to people and programs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from benchmarks.figures import Figure

_FIGURE_HEADINGS = ("figure", "p50", "floor p50", "ratio", "wanted", "", "samples", "floor")
_FIGURE_WORDS = frozenset({0, 5, 7})
_READING_HEADINGS = ("reading", "value", "beside", "wanted", "", "beside what")
_READING_WORDS = frozenset({0, 3, 4, 5})

_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Reading:
    """A quantity that is no time, beside that of something else or a limit.

    `at_most` is the largest value that is good enough; `wanted` says on which side of `beside`
    the value should be. A reading with neither is for information.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None
    beside_name: str = ""
    beside: float | None = None
    wanted: Literal["less", "more", ""] = ""

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty where nothing is wanted."""
        if self.at_most is not None:
            return "met" if self.value <= self.at_most else "missed"
        if self.beside is None or not self.wanted:
            return ""
        is_met = self.value < self.beside if self.wanted == "less" else self.value > self.beside
        return "met" if is_met else "missed"

    def as_json(self) -> dict[str, Any]:
        """The reading for programs."""
        return {**asdict(self), "verdict": self.verdict or None}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Reading":
        """Read what `as_json` wrote."""
        return cls(**{name: value for name, value in fields.items() if name != "verdict"})


@dataclass(frozen=True)
class Listing:
    """Lines under a title, for information."""

    title: str
    lines: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The listing for programs."""
        return {"title": self.title, "lines": list(self.lines)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Listing":
        """Read what `as_json` wrote."""
        return cls(**fields)


Result = Figure | Reading | Listing
_KINDS: dict[str, type[Figure] | type[Reading] | type[Listing]] = {
    "figures": Figure,
    "readings": Reading,
    "listings": Listing,
}


def report(results: Sequence[Result]) -> str:
    """The results for people: a table of times, one of readings, then the listings."""
    figures = [result for result in results if isinstance(result, Figure)]
    readings = [result for result in results if isinstance(result, Reading)]
    listings = [result for result in results if isinstance(result, Listing)]
    parts = [
        _table(_FIGURE_HEADINGS, figures, _figure_row, _FIGURE_WORDS),
        _table(_READING_HEADINGS, readings, _reading_row, _READING_WORDS),
        *(
            "\n".join([f"{each.title}:", *(f"  {line}" for line in each.lines)])
            for each in listings
        ),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def json_text(results: Sequence[Result]) -> str:
    """The results for programs: one JSON object with a list of each kind."""
    return json.dumps(
        {
            name: [result.as_json() for result in results if isinstance(result, kind)]
            for name, kind in _KINDS.items()
        },
        indent=2,
    )


def read_json(text: str) -> list[Result]:
    """Read what `json_text` wrote; kinds come one after another."""
    lists = json.loads(text)
    return [kind.from_json(fields) for name, kind in _KINDS.items() for fields in lists[name]]


def _table(
    headings: Sequence[str],
    results: Sequence[_Row],
    row: Callable[[_Row], Sequence[str]],
    words: frozenset[int],
) -> str:
    if not results:
        return ""
    rows = [headings, *(row(result) for result in results)]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(headings))]
    lines = ["  ".join(_aligned(cells, widths, words)).rstrip() for cells in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _figure_row(figure: Figure) -> Sequence[str]:
    return (
        figure.name,
        _milliseconds(figure.p50_s),
        _milliseconds(figure.floor_p50_s),
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if figure.wanted is None else f"<= {figure.wanted:g}",
        figure.verdict,
        str(len(figure.times_s)),
        figure.floor_name,
    )


def _reading_row(reading: Reading) -> Sequence[str]:
    limit = "" if reading.at_most is None else f"<= {reading.at_most:g}"
    return (
        reading.name,
        _quantity(reading.value, reading.unit),
        "" if reading.beside is None else _quantity(reading.beside, reading.unit),
        limit or reading.wanted,
        reading.verdict,
        reading.beside_name,
    )


def _quantity(value: float, unit: str) -> str:
    number = f"{value:g}" if float(value).is_integer() else f"{value:.1f}"
    return f"{number} {unit}".rstrip()


def _milliseconds(time_s: float | None) -> str:
    return "" if time_s is None else f"{time_s * 1000:.1f} ms"


def _aligned(row: Sequence[str], widths: Sequence[int], words: frozenset[int]) -> list[str]:
    """Numbers to the right, words to the left."""
    return [
        cell.ljust(width) if column in words else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
