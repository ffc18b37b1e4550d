"""What a coverage report of security rules leaves open.

The report is the Firestore emulator's; our Storage rules runtime writes the same one. It is a tree:
each expression of the rules that is no constant, with the values that it came to, and how often.
"""

import re
from collections.abc import Iterator
from typing import Any

COMMENT = re.compile(r"//.*")
PERMISSION = re.compile(r"\ballow\b[^;]*;")


def gaps(source: str, report: dict[str, Any]) -> list[str]:
    """What was not evaluated, or as a condition only one way: "line:column text: what is missing".

    A permission without a condition of its own is a gap, too: no report can tell of it.
    """
    expressions = [found for root in report.get("report", []) for found in _with_children(root)]
    starts = {expression["sourcePosition"]["currentOffset"] for expression in expressions}
    # Comments become blanks, so that all else keeps its place.
    code = COMMENT.sub(lambda comment: " " * len(comment[0]), source)
    found = [
        (permission.start(), permission[0], "no condition in the report")
        for permission in PERMISSION.finditer(code)
        if not any(permission.start() <= start < permission.end() for start in starts)
    ]
    for expression in expressions:
        at = expression["sourcePosition"]
        # The end is the place of the last character; the closing parenthesis of a call counts not.
        text = source[at["currentOffset"] : at["endOffset"] + 1]
        found += [(at["currentOffset"], text, missing) for missing in _missing(expression)]
    return [
        f"{_line_and_column(source, offset)} {' '.join(text.split())}: {missing}"
        for offset, text, missing in sorted(found)
    ]


def _with_children(expression: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield expression
    for child in expression.get("children", []):
        yield from _with_children(child)


def _missing(expression: dict[str, Any]) -> list[str]:
    values = [count["value"] for count in expression.get("values", [])]
    # An empty value stands for a side that `&&`, `||` or `?:` had no need of, and an undefined one
    # for an error: both are no evaluation.
    evaluated = [value for value in values if value and "undefined" not in value]
    if not evaluated:
        return ["never evaluated"]
    ways = {value["boolValue"] for value in evaluated if "boolValue" in value}
    return [f"never {str(way).lower()}" for way in (True, False) if ways and way not in ways]


def _line_and_column(source: str, offset: int) -> str:
    before = source[:offset]
    return f"{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"
