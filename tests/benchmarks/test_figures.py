import pytest

from benchmarks.figures import Figure, interleaved

SAVE = Figure("warm save", [0.030, 0.010, 0.020], "one upload", [0.010, 0.010], wanted=1.5)
HEALTH = Figure("health", [0.001])


def test_the_ratio_is_that_of_the_medians():
    assert SAVE.ratio == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("wanted", "verdict"), [(1.9, "missed"), (2.1, "met"), (None, "")], ids=str
)
def test_the_verdict_compares_the_ratio_with_what_is_wanted(wanted, verdict):
    figure = Figure("save", [0.020], "upload", [0.010], wanted=wanted)
    assert figure.verdict == verdict


def test_a_figure_without_floor_has_neither_ratio_nor_verdict():
    assert HEALTH.ratio is None
    assert HEALTH.verdict == ""


def test_measures_take_turns_and_the_warm_up_is_not_counted():
    calls = []

    def measure(name, time_s):
        def once(number):
            calls.append((name, number))
            return time_s

        return once

    times = interleaved(
        [measure("a", 1.0), measure("b", 2.0)], 2, warm_up=1, say=lambda _text: None
    )
    assert times == [[1.0, 1.0], [2.0, 2.0]]
    assert [name for name, _ in calls] == ["a", "b", "b", "a", "a", "b"]
    assert sorted({number for _, number in calls}) == [0, 1, 2]
