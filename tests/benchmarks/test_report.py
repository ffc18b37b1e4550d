import json

import pytest

from benchmarks.figures import Figure
from benchmarks.report import Listing, Reading, json_text, read_json, report

SAVE = Figure("warm save", [0.030, 0.010, 0.020], "one upload", [0.010, 0.010], wanted=1.5)
HEALTH = Figure("health", [0.001])
RATE = Reading("16 clients", 20.25, "saves/s", None, "the other", 10.0, "more")
TRIPS = Reading("round trips", 5, "", at_most=4)
STEPS = Listing("Round trips", ["Commit", "POST"])


@pytest.mark.parametrize(
    ("reading", "verdict"),
    [
        (Reading("r", 5, "", at_most=5), "met"),
        (Reading("r", 6, "", at_most=5), "missed"),
        (Reading("r", 6, "MB", None, "other", 7, "less"), "met"),
        (Reading("r", 7, "MB", None, "other", 7, "less"), "missed"),
        (Reading("r", 8, "saves/s", None, "other", 7, "more"), "met"),
        (Reading("r", 7, "saves/s", None, "other", 7, "more"), "missed"),
        (Reading("r", 7, "MB", None, "other", 6), ""),
        (Reading("r", 7, "MB"), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.value}-{value.wanted}",
)
def test_a_reading_is_held_against_its_limit_or_its_neighbour(reading, verdict):
    assert reading.verdict == verdict


def test_json_holds_verdicts_and_reads_back_as_the_same_results():
    text = json_text([TRIPS, SAVE, STEPS, HEALTH, RATE])
    found = json.loads(text)
    first = found["figures"][0]
    assert (first["p50_s"], first["samples"], first["verdict"]) == (0.020, 3, "missed")
    assert [reading["verdict"] for reading in found["readings"]] == ["missed", "met"]
    no_floor = Figure("health", [0.001], floor_times_s=[])
    assert read_json(text) == [SAVE, no_floor, TRIPS, RATE, STEPS]


def test_the_report_shows_milliseconds_and_marks_what_missed():
    row = report([SAVE, HEALTH]).splitlines()[2]
    assert row.split("  ")[0] == "warm save"
    assert "20.0 ms" in row
    assert "missed" in row


def test_the_report_shows_quantities_with_their_units_and_then_the_listings():
    text = report([STEPS, RATE, TRIPS])
    assert "20.2 saves/s" in text
    assert "10 saves/s" in text
    assert text.endswith("Round trips:\n  Commit\n  POST\n")


def test_what_was_not_measured_has_no_table():
    assert report([STEPS]).startswith("Round trips:")
