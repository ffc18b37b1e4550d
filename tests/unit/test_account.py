from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.account import Account, Amount, Limits
from voxshelf.core.errors import QuotaExceeded

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LIMITS = Limits(voices=2, generations=3, size_bytes=100, saves_per_day=4)


def test_what_is_being_saved_counts_like_what_is_kept():
    account = Account(kept=Amount(voices=1), reserved=Amount(voices=1))
    with pytest.raises(QuotaExceeded):
        account.reserving(Amount(voices=1), NOON, LIMITS)


def test_an_operator_may_raise_or_lower_one_users_limits():
    raised = Account(kept=Amount(voices=2), limits={"voices": 3})
    assert raised.reserving(Amount(voices=1), NOON, LIMITS).reserved.voices == 1
    lowered = Account(limits={"size_bytes": 10})
    with pytest.raises(QuotaExceeded) as refused:
        lowered.reserving(Amount(size_bytes=11), NOON, LIMITS)
    assert refused.value.details == {"limit": "size_bytes", "max": 10}


def test_who_is_over_a_limit_may_still_save_what_does_not_add_to_it():
    account = Account(kept=Amount(voices=5, size_bytes=10))
    assert account.reserving(Amount(generations=1, size_bytes=1), NOON, LIMITS)


def test_saves_are_counted_by_day_in_utc():
    account = Account()
    for _ in range(4):
        account = account.reserving(Amount(), NOON, LIMITS)
    with pytest.raises(QuotaExceeded) as refused:
        account.reserving(Amount(), NOON, LIMITS)
    assert refused.value.retry_after_s == 12 * 3600 + 1
    tomorrow = NOON + timedelta(hours=12)
    assert account.reserving(Amount(), tomorrow, LIMITS).saves_today == 1


@given(st.lists(st.sampled_from(["reserve", "keep", "release"]), max_size=60))
def test_kept_and_reserved_together_never_exceed_a_limit(steps):
    account, one = Account(), Amount(generations=1, size_bytes=30)
    limits = replace(LIMITS, saves_per_day=1000)
    for step in steps:
        if step == "reserve":
            try:
                account = account.reserving(one, NOON, limits)
            except QuotaExceeded:
                assert account.kept.generations + account.reserved.generations == 3
        elif account.reserved.generations:
            account = account.releasing(one)
            if step == "keep":
                account = replace(account, kept=account.kept + one)
        total = account.kept + account.reserved
        assert total.generations <= 3
        assert total.size_bytes <= 100
