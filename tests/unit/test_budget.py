"""The bytes that one process may hold: nobody goes past them, overtakes, or waits for ever."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxshelf.adapters.heap import tidy
from voxshelf.core.errors import PayloadTooLarge, Unavailable
from voxshelf.use_cases.budget import FREE_BYTES, Budget

MIB = 1024**2
# Long enough for a thread to get to its wait on a busy machine.
SETTLED_S = 0.2


def held(budget, size_bytes, stack):
    claim = stack.enter_context(budget.claim())
    claim.take(size_bytes)
    return claim


def waiting(budget, count):
    """Wait until so many claims wait."""
    until = time.monotonic() + 10
    while len(budget._waiting) != count:
        assert time.monotonic() < until
        time.sleep(0.005)


def _take_both(claim, *sizes):
    for size_bytes in sizes:
        claim.take(size_bytes)


class TestOneClaim:
    def test_it_holds_what_it_took_until_it_ends(self):
        budget = Budget(10 * MIB)
        with budget.claim() as claim:
            claim.take(4 * MIB)
            claim.take(3 * MIB)
            assert budget.taken_bytes == 7 * MIB - FREE_BYTES
            claim.give_back(2 * MIB)
            assert budget.taken_bytes == 5 * MIB - FREE_BYTES
        assert budget.taken_bytes == 0

    def test_it_ends_with_a_failure_too(self):
        budget = Budget(10 * MIB)
        with pytest.raises(PayloadTooLarge), budget.claim() as claim:
            _take_both(claim, 4 * MIB, 40 * MIB)
        assert budget.taken_bytes == 0

    def test_a_little_is_free(self):
        budget = Budget(10 * MIB, wait_s=0)
        with ExitStack() as stack:
            held(budget, 11 * MIB, stack)
            assert budget.taken_bytes == 10 * MIB
            for _ in range(8):
                held(budget, FREE_BYTES, stack)

    def test_what_can_never_fit_is_refused_for_good(self):
        with Budget(10 * MIB).claim() as claim, pytest.raises(PayloadTooLarge) as refused:
            claim.take(12 * MIB)
        assert refused.value.retry_after_s is None
        assert refused.value.details == {"max_bytes": 10 * MIB}

    def test_nor_does_it_fit_beside_what_the_claim_holds_itself(self):
        with Budget(10 * MIB).claim() as claim:
            claim.take(6 * MIB)
            with pytest.raises(PayloadTooLarge):
                claim.take(6 * MIB)


class TestWaiting:
    def test_what_does_not_fit_in_time_is_told_when_to_come_back(self):
        budget = Budget(10 * MIB, wait_s=0.05)
        with ExitStack() as stack:
            held(budget, 8 * MIB, stack)
            started = time.monotonic()
            with pytest.raises(Unavailable) as refused:
                held(budget, 8 * MIB, stack)
            assert time.monotonic() - started >= 0.05
        assert refused.value.retry_after_s == 10
        assert budget.taken_bytes == 0
        assert budget._waiting == []

    def test_the_more_wait_the_later_a_retry_helps(self):
        budget = Budget(10 * MIB, wait_s=0.3)
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            held(budget, 11 * MIB, stack)
            refusals = [threads.submit(self.refused, budget, 9 * MIB) for _ in range(4)]
            assert max(each.result() for each in refusals) >= 30

    @staticmethod
    def refused(budget, size_bytes):
        with budget.claim() as claim, pytest.raises(Unavailable) as refused:
            claim.take(size_bytes)
        return refused.value.retry_after_s

    def test_whoever_came_first_is_served_first_and_a_smaller_one_does_not_overtake(self):
        budget, served = Budget(10 * MIB, wait_s=30), []

        def serve(size_bytes):
            with budget.claim() as claim:
                claim.take(size_bytes)
                served.append(size_bytes)

        with ThreadPoolExecutor() as threads, ExitStack() as stack:
            held(budget, 8 * MIB, stack)
            done = []
            for number, size_bytes in enumerate((9 * MIB, 4 * MIB, 9 * MIB), start=1):
                done.append(threads.submit(serve, size_bytes))
                waiting(budget, number)
            stack.close()
            for each in done:
                each.result()
        assert served == [9 * MIB, 4 * MIB, 9 * MIB]

    def test_when_the_first_gives_up_the_next_is_served_at_once(self):
        budget = Budget(10 * MIB, wait_s=0.5)
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            held(budget, 6 * MIB, stack)
            first = threads.submit(self.refused, budget, 9 * MIB)
            waiting(budget, 1)
            time.sleep(0.25)
            second = threads.submit(held, budget, 4 * MIB, stack)
            assert first.result() > 0
            second.result()


class TestNobodyWaitsForEachOther:
    def test_of_two_that_hold_and_want_more_the_second_is_refused_at_once(self):
        budget = Budget(10 * MIB, wait_s=30)
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            first = held(budget, 5 * MIB, stack)
            second = held(budget, 6 * MIB, stack)
            growing = threads.submit(first.take, 3 * MIB)
            waiting(budget, 1)
            started = time.monotonic()
            with pytest.raises(Unavailable):
                second.take(3 * MIB)
            assert time.monotonic() - started < 10
            second.end()
            growing.result()

    def test_one_that_holds_is_served_before_one_that_does_not(self):
        budget = Budget(10 * MIB, wait_s=30)
        with ExitStack() as stack, ThreadPoolExecutor() as threads:
            holder, other = held(budget, 4 * MIB, stack), held(budget, 7 * MIB, stack)
            newcomer = threads.submit(held, budget, 7 * MIB, stack)
            waiting(budget, 1)
            growing = threads.submit(holder.take, 3 * MIB)
            waiting(budget, 2)
            other.end()
            growing.result()
            assert not newcomer.done()
            holder.end()
            newcomer.result()

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4), min_size=2, max_size=8))
    def test_any_mixture_of_growing_claims_comes_to_an_end_within_the_budget(self, wishes):
        budget, highest, lock = Budget(16 * MIB, wait_s=20), [0], threading.Lock()

        def work(sizes):
            with budget.claim() as claim:
                for size in sizes:
                    try:
                        claim.take(size * MIB)
                    except (PayloadTooLarge, Unavailable):
                        return
                    with lock:
                        highest[0] = max(highest[0], budget.taken_bytes)

        started = time.monotonic()
        with ThreadPoolExecutor(max_workers=8) as threads:
            list(threads.map(work, wishes))
        # A wait that only its deadline ended would take twenty seconds.
        assert time.monotonic() - started < 15
        assert highest[0] <= 16 * MIB
        assert budget.taken_bytes == 0


class TestTidying:
    """What was freed goes back to the system, when it was much."""

    @pytest.mark.parametrize(("size_mib", "times"), [(1, 0), (8, 0), (9, 1), (100, 1)])
    def test_it_is_done_once_after_a_claim_that_held_much(self, size_mib, times):
        done = []
        budget = Budget(200 * 1024**2, tidy=lambda: done.append(budget.taken_bytes))
        with budget.claim() as claim:
            claim.take(size_mib * 1024**2)
            claim.give_back(size_mib * 1024**2)
            assert done == []
        # Nothing is held by then.
        assert done == [0] * times


def test_the_heap_can_be_tidied_any_number_of_times():
    tidy()
    tidy()
