"""Limits that an operator wrote by hand: what cannot be understood is as if it were not there."""

from dataclasses import replace

import pytest

from tests.unit.test_account import LIMITS, NOON
from voxshelf.adapters.documents import to_account
from voxshelf.core.account import Amount
from voxshelf.core.usage import Usage


@pytest.mark.parametrize(
    ("written", "own"),
    [
        ({"voices": 7}, {"voices": 7}),
        ({"voices": 7.0, "size_bytes": 2**62}, {"voices": 7, "size_bytes": 2**62}),
        ({"voices": 0}, {"voices": 0}),
        ({"voices": 7, "generations": "many"}, {"voices": 7}),
        ({"voices": "7"}, {}),
        ({"voices": -1}, {}),
        ({"voices": float("nan")}, {}),
        ({"voices": float("inf")}, {}),
        ({"voices": True}, {}),
        ({"voices": None}, {}),
        ({"voices": {"max": 7}}, {}),
        ({"voices": [7]}, {}),
        ({"Voices": 7, "jobs": 1, "": 2}, {}),
        ({}, {}),
        (None, {}),
        ("voices", {}),
        ([1], {}),
        (7, {}),
    ],
    ids=str,
)
def test_a_limit_holds_where_it_is_an_amount_and_the_sites_own_holds_otherwise(written, own):
    account = to_account({"limits": written})
    assert account.limited(LIMITS) == replace(LIMITS, **own)
    left = Usage(account, NOON.date(), {}).left(LIMITS)
    assert left.voices == own.get("voices", LIMITS.voices)
    if left.voices and left.size_bytes > 1:
        account.reserving(Amount(voices=1, size_bytes=1), NOON, LIMITS)


def test_a_user_without_limits_has_the_sites():
    assert to_account({}).limited(LIMITS) == LIMITS
