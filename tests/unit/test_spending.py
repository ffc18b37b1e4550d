"""Who spent too much lately waits until enough of it is forgotten."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.errors import RateLimited
from voxshelf.core.spending import Spending

LIMIT, WINDOW_S = 100.0, 600.0


def refusal(spending: Spending, owner: str, now_s: float) -> RateLimited | None:
    try:
        spending.check(owner, now_s)
    except RateLimited as error:
        return error
    return None


def test_below_the_limit_nobody_is_refused():
    spending = Spending(LIMIT, WINDOW_S)
    spending.check("ada", 0)
    spending.charge("ada", 99.9, 0)
    spending.check("ada", 0)


def test_who_has_spent_it_all_is_told_when_to_come_again():
    spending = Spending(LIMIT, WINDOW_S)
    spending.charge("ada", 60, 10)
    spending.charge("ada", 60, 200)
    error = refusal(spending, "ada", 300)
    assert (error.code, error.status) == ("rate_limited", 429)
    assert refusal(spending, "ada", 300 + error.retry_after_s - 2) is not None
    assert refusal(spending, "ada", 300 + error.retry_after_s) is None


def test_the_spending_of_others_does_not_count():
    spending = Spending(LIMIT, WINDOW_S)
    spending.charge("eve", 1000, 0)
    assert refusal(spending, "eve", 1)
    spending.check("ada", 1)


def test_owners_are_forgotten_with_what_they_spent():
    spending = Spending(LIMIT, WINDOW_S)
    for number in range(1_000):
        spending.charge(f"user {number}", 1, number)
    assert spending.owners <= WINDOW_S + 1
    spending.charge("ada", 1, 10_000)
    assert spending.owners == 1


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(0, 50)), max_size=60))
def test_nobody_spends_much_more_than_the_limit_in_any_window_and_everybody_gets_it_again(steps):
    spending, now_s, spent = Spending(LIMIT, WINDOW_S), 0.0, []
    for pause_s, amount in steps:
        now_s += pause_s
        error = refusal(spending, "ada", now_s)
        if error is None:
            spending.charge("ada", amount, now_s)
            spent.append((now_s, amount))
        else:
            assert 1 <= error.retry_after_s <= WINDOW_S
            later = deepcopy(spending)
            assert refusal(later, "ada", now_s + error.retry_after_s) is None
        # A slot is forgotten as a whole, up to its own length before the window is over.
        shorter_s = WINDOW_S * 19 / 20
        recent = [cost for at_s, cost in spent if at_s > now_s - shorter_s]
        assert sum(recent) <= LIMIT + 50


@pytest.mark.parametrize("amount", [100, 250])
def test_what_one_deed_costs_beyond_the_limit_is_paid_for(amount):
    spending = Spending(LIMIT, WINDOW_S)
    spending.charge("ada", amount, 0)
    assert refusal(spending, "ada", WINDOW_S - 31)
    assert refusal(spending, "ada", WINDOW_S) is None
