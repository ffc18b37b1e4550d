from voxshelf.use_cases.fair_shares import FIRST_SHARE_S, FairShares


class Clock:
    time_s = 100.0

    def __call__(self):
        return self.time_s


def work(shares, clock, uid, seconds):
    """Do so much for a user, as far as the share allows; return how long it was."""
    started = clock.time_s
    with shares.turn(uid) as until:
        clock.time_s = max(started, min(until, started + seconds))
    return clock.time_s - started


def test_a_user_has_a_share_of_each_round_and_no_more():
    clock = Clock()
    shares = FairShares(1000.0, clock)
    assert work(shares, clock, "ada", 1) == 1
    assert work(shares, clock, "ada", 100) == FIRST_SHARE_S - 1
    assert work(shares, clock, "ada", 100) == 0
    assert work(shares, clock, "bob", 100) == FIRST_SHARE_S


def test_the_next_round_is_longer_and_for_those_with_something_left():
    clock = Clock()
    shares = FairShares(1000.0, clock)
    for uid in ("ada", "bob"):
        shares.put_off(uid)
    assert shares.next_round()
    assert [shares.takes_part(uid) for uid in ("ada", "bob", "eve")] == [True, True, False]
    assert FIRST_SHARE_S < work(shares, clock, "ada", 500) < 100
    assert not shares.next_round()


def test_who_is_alone_has_all_the_time_that_remains():
    clock = Clock()
    shares = FairShares(1000.0, clock)
    shares.put_off("ada")
    assert shares.next_round()
    assert work(shares, clock, "ada", 5000) == 900
    assert shares.is_over
    assert work(shares, clock, "ada", 1) == 0
