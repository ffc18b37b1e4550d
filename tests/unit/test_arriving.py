"""A body while it comes: who may read it, how long it is waited for, what happens to the rest."""

import pytest

from voxshelf.core.errors import RequestTimeout
from voxshelf.http.arriving import HURRIED_S, ArrivingBody
from voxshelf.http.slow_bodies import SlowBodies


class Client:
    """Plays the server's connection: pieces of a body, each after so many seconds of silence."""

    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.now = 0.0
        self.closes = self.told_to_continue = False
        self.body = None

    def of(self, slow):
        self.body = ArrivingBody(self, slow, lambda: self.now)
        return self.body

    def read(self, size):
        """Read as gunicorn does: until there is so much, or the end."""
        data = b""
        while self.pieces and (size < 0 or len(data) < size):
            self.body.wait(self._is_here)
            _, piece = self.pieces.pop(0)
            self.body.came(len(piece))
            data += piece
        return data

    def _is_here(self, seconds):
        after_s, piece = self.pieces[0]
        waited_s = min(seconds, after_s)
        self.now += waited_s
        self.pieces[0] = (after_s - waited_s, piece)
        return waited_s == after_s

    def say_continue(self):
        self.told_to_continue = True

    def close_after_answer(self):
        self.closes = True


NOW = 0.0
QUICK = [(0.01, b"q" * 8192)] * 100
SLOW = [(1.0, b"s")] * 1000


@pytest.fixture
def slow():
    return SlowBodies(places=3, places_each=2)


def read(body, owner="ada"):
    body.begin(owner)
    return body.read()


def held(slow, *owners):
    for owner in owners:
        assert slow.enter(owner)


class TestReading:
    def test_a_body_that_is_here_is_read(self, slow):
        client = Client((NOW, b"a"), (NOW, b"b"))
        assert read(client.of(slow)) == b"ab"
        assert not client.told_to_continue
        assert client.body.end()
        assert not client.closes

    def test_a_quick_body_is_waited_for_and_needs_no_place(self):
        client = Client(*QUICK)
        assert len(read(client.of(SlowBodies(0, 0)))) == 100 * 8192

    def test_a_client_that_asks_is_told_to_go_on_when_its_body_is_wanted(self, slow):
        client = Client((0.1, b"a"))
        body = client.of(slow)
        body.begin("ada")
        assert not client.told_to_continue
        body.read()
        assert client.told_to_continue

    def test_a_byte_a_second_is_given_up_after_ten(self, slow):
        client = Client(*SLOW)
        with pytest.raises(RequestTimeout):
            read(client.of(slow))
        assert client.now == pytest.approx(10.0, abs=0.01)

    def test_a_pause_after_much_is_no_longer_than_any(self, slow):
        client = Client((NOW, b"x" * 10**7), (60.0, b"x"))
        with pytest.raises(RequestTimeout):
            read(client.of(slow))
        assert client.now <= 10.5

    def test_a_steady_trickle_within_the_pace_is_read_to_its_end(self, slow):
        client = Client(*[(1.0, b"x" * 10_000)] * 50)
        assert len(read(client.of(slow))) == 500_000


class TestPlaces:
    def test_a_user_who_has_his_places_is_waited_for_no_more_than_a_moment(self, slow):
        held(slow, "ada", "ada")
        client = Client(*SLOW)
        with pytest.raises(RequestTimeout):
            read(client.of(slow))
        assert client.now == pytest.approx(HURRIED_S)

    def test_another_user_has_places_of_his_own(self, slow):
        held(slow, "ada", "ada")
        client = Client((5.0, b"x"))
        assert read(client.of(slow), "bob") == b"x"

    def test_where_all_places_are_taken_a_body_ends_when_it_is_slow(self, slow):
        held(slow, "ada", "ada", "cyd")
        client = Client(*SLOW)
        with pytest.raises(RequestTimeout):
            read(client.of(slow), "bob")
        assert client.now == pytest.approx(0.5)

    def test_a_user_who_has_his_places_may_still_send_quickly(self, slow):
        held(slow, "ada", "ada")
        assert len(read(Client(*QUICK).of(slow))) == 100 * 8192

    @pytest.mark.parametrize("pieces", [SLOW, [(5.0, b"x")]], ids=["given up", "read"])
    def test_a_slow_body_gives_its_place_back_once(self, pieces):
        slow = SlowBodies(1, 1)
        for _ in range(2):
            body = Client(*pieces).of(slow)
            try:
                read(body)
            except RequestTimeout:
                assert pieces == SLOW
            assert not slow.enter("ada")
            body.end()
            body.end()
        held(slow, "ada")
        assert not slow.enter("ada")


class TestWhatNobodyWants:
    def test_a_body_for_which_nobody_answers_is_not_read_and_closes(self, slow):
        client = Client(*SLOW)
        assert client.of(slow).read() == b""
        assert (client.now, client.closes, client.told_to_continue) == (0.0, True, False)

    def test_what_is_here_whole_is_dropped_and_the_connection_kept(self, slow):
        client = Client((NOW, b"x" * 1000))
        assert client.of(slow).end()
        assert (client.pieces, client.closes) == ([], False)

    def test_of_a_large_one_a_little_is_dropped(self, slow):
        client = Client(*[(NOW, b"x" * 65_536)] * 100)
        assert not client.of(slow).end()
        assert client.closes
        assert len(client.pieces) == 96

    def test_nothing_is_read_after_the_end(self, slow):
        client = Client((NOW, b"x"), (1.0, b"x"))
        body = client.of(slow)
        body.begin("ada")
        body.end()
        assert body.read() == b""
        assert client.now == 0.0

    def test_what_a_server_takes_for_the_end_after_a_failure_is_none(self, slow):
        client = Client(*SLOW)
        body = client.of(slow)
        with pytest.raises(RequestTimeout):
            read(body)
        # As gunicorn does after a failure in the middle of a chunk.
        client.pieces = []
        assert not body.end()
        assert client.closes
