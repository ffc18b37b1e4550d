from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.account import Account, Amount, Limits
from voxshelf.core.usage import Usage, months_before

LIMITS = Limits(voices=10, generations=100, size_bytes=1000, saves_per_day=20)
TODAY = date(2026, 3, 31)
ONE = Amount(generations=1, size_bytes=10, audio_ms=1500)


def test_days_are_the_last_31_and_months_the_last_12_newest_first():
    back = [0, 1, 30, 31, 334, 335, 364, 365, 400]
    usage = Usage(Account(), TODAY, {TODAY - timedelta(days=days): ONE for days in back})
    assert list(usage.last_days()) == [TODAY, date(2026, 3, 30), date(2026, 3, 1)]
    assert usage.last_months() == {
        "2026-03": sum([ONE] * 3, Amount()),
        "2026-02": ONE,
        "2025-05": ONE,
        "2025-04": ONE + ONE,
    }


@pytest.mark.parametrize(
    ("day", "months"),
    [
        (date(2026, 3, 31), ["2026-03", "2026-02", "2026-01", "2025-12"]),
        (date(2024, 2, 29), ["2024-02", "2024-01", "2023-12", "2023-11"]),
        (date(2026, 1, 1), ["2026-01", "2025-12", "2025-11", "2025-10"]),
    ],
)
def test_months_go_back_over_the_turn_of_the_year(day, months):
    assert list(months_before(day, 4)) == months


@given(st.dictionaries(st.dates(date(2026, 1, 1), TODAY), st.integers(0, 9), max_size=40))
def test_months_add_up_to_their_days(counts):
    days = {day: Amount(generations=count) for day, count in counts.items()}
    months = Usage(Account(), TODAY, days).last_months()
    assert sum(months.values(), Amount()) == sum(days.values(), Amount())


def test_what_is_left_takes_account_of_reservations_and_of_the_users_own_limits():
    account = Account(
        kept=Amount(voices=2, size_bytes=400),
        reserved=Amount(voices=1, size_bytes=100),
        day=TODAY.isoformat(),
        saves_today=5,
        limits={"voices": 4},
    )
    usage = Usage(account, TODAY, {})
    assert usage.limits(LIMITS) == Limits(4, 100, 1000, 20)
    assert usage.left(LIMITS) == Limits(1, 100, 500, 15)


def test_nothing_is_left_to_who_has_more_than_he_may():
    account = Account(kept=Amount(11, 101, 1001), day=TODAY.isoformat(), saves_today=21)
    assert Usage(account, TODAY, {}).left(LIMITS) == Limits(0, 0, 0, 0)


def test_the_saves_of_another_day_are_not_todays():
    account = Account(day="2026-03-30", saves_today=5)
    assert Usage(account, TODAY, {}).saves_today == 0
    assert Usage(account, TODAY, {}).left(LIMITS).saves_per_day == 20


def test_today_shows_what_was_saved_today():
    assert Usage(Account(), TODAY, {TODAY: ONE}).saved_today == ONE
    assert Usage(Account(), TODAY, {}).saved_today == Amount()
