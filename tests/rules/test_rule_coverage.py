"""The reader of coverage reports tells what they leave open, and nothing else."""

import pytest

from tests.rules.rule_coverage import gaps

SOURCE = """service cloud.firestore {
  match /users/{uid} {
    // allow nothing else;
    allow get: if request.auth != null
      && request.auth.uid == uid;
  }
}
"""
LEFT = "request.auth != null"
RIGHT = "request.auth.uid == uid"
TRUE = {"boolValue": True}
FALSE = {"boolValue": False}
TEXT = {"stringValue": "a"}
SKIPPED = {}
FAILED = {"undefined": {}}


def expression(text, values, children=()):
    """An expression of the report, as the emulator gives it."""
    start = SOURCE.index(text)
    position = {"currentOffset": start, "endOffset": start + len(text) - 1}
    counts = [{"value": value, "count": 1} for value in values]
    return {"sourcePosition": position, "values": counts, "children": list(children)}


def report(whole=(TRUE, FALSE), left=(TRUE, FALSE), right=(TRUE, FALSE)):
    """A report of `SOURCE`: what the condition and its two sides came to."""
    sides = [expression(LEFT, left), expression(RIGHT, right)]
    return {"report": [expression(f"{LEFT}\n      && {RIGHT}", whole, sides)]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (report(), []),
        (report(right=[SKIPPED, TRUE, FALSE]), []),
        (report(right=[TEXT]), []),
        (report(whole=[TRUE]), [f"4:19 {LEFT} && {RIGHT}: never false"]),
        (report(left=[TRUE]), [f"4:19 {LEFT}: never false"]),
        (report(right=[SKIPPED, FALSE]), [f"5:10 {RIGHT}: never true"]),
        (report(right=[]), [f"5:10 {RIGHT}: never evaluated"]),
        (report(right=[SKIPPED]), [f"5:10 {RIGHT}: never evaluated"]),
        (report(right=[FAILED]), [f"5:10 {RIGHT}: never evaluated"]),
        (
            report(left=[FALSE], right=[]),
            [f"4:19 {LEFT}: never true", f"5:10 {RIGHT}: never evaluated"],
        ),
        ({}, [f"4:5 allow get: if {LEFT} && {RIGHT};: no condition in the report"]),
    ],
    ids=[
        "all both ways",
        "skipped at times",
        "no condition, so any value will do",
        "the whole one way",
        "the first side one way",
        "the second side one way",
        "not at all",
        "always skipped",
        "always failed",
        "two gaps, in the order of the source",
        "an empty report",
    ],
)
def test_a_gap_is_told_with_its_place_and_text(given, expected):
    assert gaps(SOURCE, given) == expected


def test_permissions_without_a_condition_are_gaps_wherever_they_stand():
    source = "match /a/{b} { allow get; allow list; } // allow write;"
    missing = "no condition in the report"
    assert gaps(source, {}) == [f"1:16 allow get;: {missing}", f"1:27 allow list;: {missing}"]
