"""What every `Requests` must do; see `library_contract` for who runs it."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from voxshelf.core.errors import IdempotencyConflict, InProgress
from voxshelf.core.keyed import Asked, KeptAnswer
from voxshelf.use_cases.request_ports import Begun

ANSWER = KeptAnswer(202, b"\x00\xff" * 40_000, {"Retry-After": "2"})


def asked(fingerprint="f", lease=timedelta(minutes=1)):
    return Asked(fingerprint, secrets.token_hex(8), lease)


class RequestsContract:
    """Tests of one implementation: the fixture `requests`."""

    @pytest.fixture
    def uid(self):
        return f"user-{secrets.token_hex(6)}"

    def test_an_answer_that_was_kept_is_given_again(self, requests, uid):
        begun = requests.begin(uid, "k", asked())
        assert isinstance(begun, Begun)
        requests.keep(begun, ANSWER)
        assert requests.begin(uid, "k", asked()) == ANSWER
        assert requests.begin(uid, "k", asked()) == ANSWER

    def test_another_key_or_user_is_another_request(self, requests, uid):
        requests.keep(requests.begin(uid, "k", asked()), ANSWER)
        assert isinstance(requests.begin(uid, "l", asked("g")), Begun)
        assert isinstance(requests.begin(f"{uid}x", "k", asked("g")), Begun)

    def test_the_key_of_another_request_is_a_conflict_running_or_answered(self, requests, uid):
        begun = requests.begin(uid, "k", asked())
        with pytest.raises(IdempotencyConflict):
            requests.begin(uid, "k", asked("g"))
        requests.keep(begun, ANSWER)
        with pytest.raises(IdempotencyConflict):
            requests.begin(uid, "k", asked("g"))

    def test_while_the_first_is_running_the_second_is_told_so(self, requests, uid):
        requests.begin(uid, "k", asked())
        with pytest.raises(InProgress) as refused:
            requests.begin(uid, "k", asked())
        assert refused.value.retry_after_s > 0

    def test_whoever_asks_again_after_a_lost_answer_holds_his_own_key(self, requests, uid):
        mine = asked(lease=timedelta(0))
        first, again = requests.begin(uid, "k", mine), requests.begin(uid, "k", mine)
        assert again == first
        requests.keep(again, ANSWER)
        assert requests.begin(uid, "k", asked()) == ANSWER

    def test_a_key_that_was_freed_is_as_one_that_never_was(self, requests, uid):
        requests.free(requests.begin(uid, "k", asked()))
        assert isinstance(requests.begin(uid, "k", asked("g")), Begun)

    def test_after_its_lease_a_key_is_taken_over_and_the_first_one_has_no_say(self, requests, uid):
        first = requests.begin(uid, "k", asked(lease=timedelta(milliseconds=1)))
        time.sleep(0.01)
        second = requests.begin(uid, "k", asked())
        assert isinstance(second, Begun)
        requests.keep(first, ANSWER)
        requests.free(first)
        with pytest.raises(InProgress):
            requests.begin(uid, "k", asked())
        other = KeptAnswer(200, b"{}")
        requests.keep(second, other)
        assert requests.begin(uid, "k", asked()) == other

    def test_of_fifty_at_once_one_runs(self, requests, uid):
        def begin(_):
            try:
                return type(requests.begin(uid, "k", asked()))
            except InProgress:
                return None

        with ThreadPoolExecutor(50) as threads:
            outcomes = list(threads.map(begin, range(50)))
        assert (outcomes.count(Begun), outcomes.count(None)) == (1, 49)
