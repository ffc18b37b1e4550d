"""How long a body may be waited for: seconds are used up by waiting and earned by bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.pace import Allowance, patience, quick

# Each piece of a body: the seconds that it was waited for, and its bytes.
PIECES = st.lists(st.tuples(st.floats(0, 20), st.integers(0, 10**7)))


def ended_after_s(allowance, pause_s, size_bytes, until_s=600.0):
    """Send pieces of this size after pauses of this length; return when the allowance ends."""
    at_s = 0.0
    while at_s < until_s:
        if pause_s > allowance.left_s:
            return at_s + allowance.left_s
        at_s += pause_s
        allowance.waited(pause_s)
        allowance.came(size_bytes)
    return None


@pytest.mark.parametrize(
    ("pause_s", "size_bytes", "slow_after_s", "ended_at_s"),
    [
        (1.0, 1, 0.5, 10.0),
        (1e9, 0, 0.5, 10.0),
        (0.1, 400, 0.5, 19.5),
        (0.1, 1000, 0.6, None),
        (0.1, 8 * 1024, None, None),
        (2.0, 10**6, 0.5, None),
        (11.0, 10**7, 0.5, 10.0),
    ],
    ids=[
        "a byte a second",
        "silence",
        "32 kbit/s",
        "80 kbit/s",
        "650 kbit/s",
        "large pieces after pauses of 2 s",
        "large pieces after pauses of 11 s",
    ],
)
def test_a_body_is_slow_and_ends_as_its_pace_says(pause_s, size_bytes, slow_after_s, ended_at_s):
    for allowance, expected in ((quick(), slow_after_s), (patience(), ended_at_s)):
        ended_s = ended_after_s(allowance, pause_s, size_bytes)
        assert ended_s == (None if expected is None else pytest.approx(expected, abs=0.15))


@given(PIECES)
def test_nobody_saves_up_for_a_longer_pause_than_the_first(pieces):
    allowance = patience()
    for waited_s, size_bytes in pieces:
        allowance.waited(waited_s)
        allowance.came(size_bytes)
        assert 0 <= allowance.left_s <= patience().left_s


@given(PIECES)
def test_an_allowance_never_ends_while_the_pace_is_kept(pieces):
    allowance = Allowance(10.0, 1)
    for waited_s, _size in pieces:
        if waited_s <= allowance.left_s:
            allowance.waited(waited_s)
            allowance.came(21)
    assert allowance.left_s == 10.0
