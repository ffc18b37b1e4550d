"""Turns go round the owners: nobody starves, whatever others bring."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.adapters.fair_turns import FairTurns, TurnRules
from voxshelf.core.errors import Unavailable
from voxshelf.core.round_robin import RoundRobin

OWNERS = st.sampled_from(["ada", "bob", "cleo", "eve"])


def everybody(owner):
    return True


def test_one_owner_with_many_things_does_not_delay_another_by_more_than_one():
    ring = RoundRobin()
    for number in range(6):
        ring.add("eve", f"eve {number}")
    ring.add("ada", "ada 0")
    ring.add("ada", "ada 1")
    taken = [ring.take(everybody)[1] for _ in range(len(ring))]
    assert taken[:5] == ["eve 0", "ada 0", "eve 1", "ada 1", "eve 2"]
    assert ring.take(everybody) is None


@given(st.lists(st.one_of(OWNERS, st.none()), max_size=80))
def test_no_owner_starves(steps):
    """While a thing waits, each other owner is served once at most for each turn of its owner."""
    ring, served, arrived = RoundRobin(), [], {}
    for number, owner in enumerate(steps):
        if owner is not None:
            arrived[number] = (owner, ring.of(owner), len(served))
            ring.add(owner, number)
        elif taken := ring.take(everybody):
            served.append(taken)
    while taken := ring.take(everybody):
        served.append(taken)
    assert sorted(thing for _, thing in served) == sorted(arrived)
    for place, (owner, thing) in enumerate(served):
        _, before_it, since = arrived[thing]
        meanwhile = [other for other, _ in served[since:place]]
        assert meanwhile.count(owner) == before_it
        for other in {*meanwhile} - {owner}:
            assert meanwhile.count(other) <= before_it + 1


def rules(**others):
    return TurnRules(**{"places": 1, "places_of_owner": 1, "wait_s": 30.0, **others})


class Turns:
    """Files of owners, each in a thread, that end when they are told to."""

    def __init__(self, rules):
        self.turns, self.order = FairTurns(rules), []
        self._ends, self._pool = {}, ThreadPoolExecutor(20)

    def bring(self, name):
        """Begin or wait; return the future once one of both is so, or it is refused."""
        end = self._ends[name] = threading.Event()

        def file():
            with self.turns.turn(name.split()[0]):
                self.order.append(name)
                end.wait(30)

        before = len(self.order), self.turns.waiting
        future = self._pool.submit(file)
        self.until(lambda: future.done() or (len(self.order), self.turns.waiting) != before)
        return future

    def end(self, name, begins):
        """Let a file end and wait until another one has begun."""
        self._ends[name].set()
        self.until(lambda: self.order[-1] == begins)

    def until(self, is_so):
        until = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < until
            time.sleep(0.001)

    def close(self):
        for end in self._ends.values():
            end.set()
        self._pool.shutdown()


@pytest.fixture
def turns():
    made = []

    def make(**others):
        made.append(Turns(rules(**others)))
        return made[-1]

    yield make
    for turns in made:
        turns.close()


def test_a_file_of_another_owner_is_next_however_many_wait(turns):
    lane = turns()
    for number in range(6):
        lane.bring(f"eve {number}")
    lane.bring("ada 0")
    lane.end("eve 0", begins="eve 1")
    lane.end("eve 1", begins="ada 0")


def test_a_free_place_is_not_for_an_owner_who_has_one(turns):
    lane = turns(places=2)
    lane.bring("eve 0")
    lane.bring("eve 1")
    assert lane.order == ["eve 0"]
    lane.bring("ada 0")
    assert lane.order == ["eve 0", "ada 0"]
    lane.end("eve 0", begins="eve 1")


def test_of_one_owner_only_so_many_wait_and_others_still_may(turns):
    lane = turns(places=2, present=4, present_of_owner=2)
    assert not lane.bring("eve 0").done()
    assert not lane.bring("eve 1").done()
    refused = lane.bring("eve 2").exception(timeout=10)
    assert (type(refused), refused.retry_after_s) == (Unavailable, 30)
    assert not lane.bring("ada 0").done()
    assert not lane.bring("ada 1").done()
    assert isinstance(lane.bring("bob 0").exception(timeout=10), Unavailable)
    lane.end("ada 0", begins="ada 1")
    assert not lane.bring("bob 1").done()


def test_waiting_for_a_turn_ends_with_a_503_and_leaves_the_line(turns):
    lane = turns(wait_s=0.05)
    lane.bring("eve 0")
    refused = lane.bring("ada 0").exception(timeout=10)
    assert (refused.status, refused.retry_after_s) == (503, 1)
    assert lane.turns.waiting == 0
    lane.end("eve 0", begins="eve 0")
    lane.bring("bob 0")
    assert lane.order == ["eve 0", "bob 0"]


def test_a_turn_that_fails_is_over(turns):
    lane = turns()
    with pytest.raises(ZeroDivisionError), lane.turns.turn("eve"):
        raise ZeroDivisionError
    lane.bring("ada 0")
    assert lane.order == ["ada 0"]
