"""What every `UploadSlots` must do; see `library_contract` for who runs it."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voxshelf.core.account import Limits, Policy
from voxshelf.core.errors import IdempotencyConflict, NotFound, QuotaExceeded
from voxshelf.core.upload_slots import SlotKey, WantedUpload, upload_id_for

LIMITS = Limits(
    voices=1,
    generations=1,
    size_bytes=1,
    saves_per_day=1,
    open_uploads=3,
    open_upload_bytes=3000,
    uploads_per_day=5,
    upload_bytes_per_day=4000,
)
POLICY = Policy(LIMITS)
# One whose time is over when it is given.
OVER = replace(POLICY, upload_for=timedelta(0))
WANTED = WantedUpload(100, "audio/wav")
DIGEST, OTHER_DIGEST = "a" * 64, "b" * 64


class UploadsContract:
    """Tests of one implementation: the fixture `slots`, and `limit(uid, **limits)`."""

    @pytest.fixture
    def uid(self):
        return f"user-{secrets.token_hex(6)}"

    def _give(self, slots, uid, size_bytes=100, policy=POLICY):
        wanted = WantedUpload(size_bytes, "audio/wav")
        slot, was_given = slots.give(uid, upload_id_for(uid, None), wanted, policy)
        assert not was_given
        return slot

    def _refused(self, slots, uid, size_bytes=100):
        with pytest.raises(QuotaExceeded) as refused:
            self._give(slots, uid, size_bytes)
        return refused.value.details["limit"]

    def test_a_slot_is_found_as_it_was_given(self, slots, uid):
        slot = self._give(slots, uid)
        assert slot.path == f"uploads/{uid}/{slot.upload_id}"
        assert (slot.size_bytes, slot.content_type, slot.taken) == (100, "audio/wav", None)
        assert slots.find(uid, slot.path) == slot

    def test_it_is_open_from_the_databases_time_on_for_a_day(self, slots, uid):
        slot = self._give(slots, uid)
        assert abs(slot.created_at - datetime.now(UTC)) < timedelta(minutes=1)
        assert slot.open_until == slot.created_at + timedelta(days=1)

    @pytest.mark.parametrize(
        "path", ["uploads/{uid}x/{id}", "uploads/{uid}/{id}x", "uploads/{uid}/"]
    )
    def test_what_is_missing_or_another_users_is_not_found(self, slots, uid, path):
        slot = self._give(slots, uid)
        assert slots.find(uid, path.format(uid=uid, id=slot.upload_id)) is None
        assert slots.find(f"{uid}x", slot.path) is None

    def test_a_slot_whose_time_is_over_is_not_found(self, slots, uid):
        assert slots.find(uid, self._give(slots, uid, policy=OVER).path) is None

    def test_the_same_slot_asked_for_again_is_the_first_one_and_counts_once(self, slots, uid):
        given = [slots.give(uid, upload_id_for(uid, "key"), WANTED, POLICY) for _ in range(9)]
        assert [was_given for _, was_given in given] == [False, *[True] * 8]
        assert len({slot for slot, _ in given}) == 1
        self._give(slots, uid)

    @pytest.mark.parametrize(
        "other",
        [WantedUpload(101, "audio/wav"), WantedUpload(100, "audio/ogg")],
        ids=["size", "type"],
    )
    def test_one_of_another_size_or_type_under_the_same_key_is_a_conflict(self, slots, uid, other):
        slots.give(uid, upload_id_for(uid, "key"), WANTED, POLICY)
        with pytest.raises(IdempotencyConflict):
            slots.give(uid, upload_id_for(uid, "key"), other, POLICY)

    def test_so_many_are_open_at_once(self, slots, uid):
        first, *_ = [self._give(slots, uid) for _ in range(3)]
        assert self._refused(slots, uid) == "open_uploads"
        slots.close(SlotKey(uid, first.upload_id))
        self._give(slots, uid)

    def test_so_many_bytes_are_open_at_once(self, slots, uid):
        first, _ = self._give(slots, uid, 1000), self._give(slots, uid, 2000)
        assert self._refused(slots, uid, 1) == "open_upload_bytes"
        slots.take(uid, first.path, "1", DIGEST)
        self._give(slots, uid, 1000)

    def test_so_many_are_given_on_one_day_even_if_all_were_given_back(self, slots, uid):
        for _ in range(5):
            slots.close(SlotKey(uid, self._give(slots, uid).upload_id))
        assert self._refused(slots, uid) == "uploads_per_day"

    def test_so_many_bytes_are_given_on_one_day_even_if_all_were_taken(self, slots, uid):
        for _ in range(2):
            slots.take(uid, self._give(slots, uid, 2000).path, "1", DIGEST)
        assert self._refused(slots, uid, 1) == "upload_bytes_per_day"

    def test_one_users_limits_may_be_others_and_are_not_anothers(self, slots, uid, limit):
        limit(uid, open_uploads=1)
        self._give(slots, uid)
        assert self._refused(slots, uid) == "open_uploads"
        for _ in range(3):
            self._give(slots, f"{uid}x")

    def test_of_parallel_wishes_as_many_are_granted_as_the_limit_allows(self, slots, uid):
        def give(_):
            try:
                return self._give(slots, uid).upload_id
            except QuotaExceeded:
                return None

        with ThreadPoolExecutor(8) as threads:
            given = list(threads.map(give, range(8)))
        assert given.count(None) == 5

    def test_what_was_taken_stays_known_and_is_given_to_nobody_again(self, slots, uid):
        slot, _ = slots.give(uid, upload_id_for(uid, "key"), WANTED, POLICY)
        slots.take(uid, slot.path, "17", DIGEST)
        found = slots.find(uid, slot.path)
        assert (found.taken.generation, found.taken.sha256) == ("17", DIGEST)
        assert abs(found.taken.at - datetime.now(UTC)) < timedelta(minutes=1)
        assert replace(found, taken=None) == slot
        assert slots.give(uid, upload_id_for(uid, "key"), WANTED, POLICY) == (found, True)

    def test_taking_again_changes_nothing_and_counts_once(self, slots, uid):
        taken, *_ = [self._give(slots, uid, 10) for _ in range(3)]
        with ThreadPoolExecutor(4) as threads:
            for done in [
                threads.submit(slots.take, uid, taken.path, "17", DIGEST) for _ in range(4)
            ]:
                done.result()
        first = slots.find(uid, taken.path)
        slots.take(uid, taken.path, "17", DIGEST)
        assert slots.find(uid, taken.path) == first
        self._give(slots, uid)
        assert self._refused(slots, uid) == "open_uploads"

    def test_other_bytes_of_the_same_place_replace_the_note_and_count_no_more(self, slots, uid):
        taken, *_ = [self._give(slots, uid) for _ in range(3)]
        slots.take(uid, taken.path, "17", DIGEST)
        slots.take(uid, taken.path, "18", OTHER_DIGEST)
        found = slots.find(uid, taken.path).taken
        assert (found.generation, found.sha256) == ("18", OTHER_DIGEST)
        self._give(slots, uid)
        assert self._refused(slots, uid) == "open_uploads"

    def test_a_slot_whose_time_is_over_is_taken_and_counted_like_any(self, slots, uid):
        slot = self._give(slots, uid, policy=OVER)
        for _ in range(2):
            self._give(slots, uid)
        slots.take(uid, slot.path, "17", DIGEST)
        assert slots.find(uid, slot.path).taken.sha256 == DIGEST
        self._give(slots, uid)

    @pytest.mark.parametrize(
        "name", ["take 1.wav", "jobs/0a.json", "ж ü/音?#%.wav", "..", "__x__", "x" * 900]
    )
    def test_what_was_taken_without_a_slot_is_noted_and_counts_for_nothing(self, slots, uid, name):
        path = f"uploads/{uid}/{name}"
        slots.take(uid, path, "17", DIGEST)
        found = slots.find(uid, path)
        assert (found.path, found.taken.sha256) == (path, DIGEST)
        for _ in range(3):
            self._give(slots, uid)
        assert self._refused(slots, uid) == "open_uploads"

    def test_a_slot_that_was_given_back_is_gone(self, slots, uid):
        slot = self._give(slots, uid)
        slots.close(SlotKey(uid, slot.upload_id))
        assert slots.find(uid, slot.path) is None
        with pytest.raises(NotFound):
            slots.close(SlotKey(uid, slot.upload_id))

    def test_only_its_user_gives_a_slot_back_and_only_an_open_one(self, slots, uid):
        slot = self._give(slots, uid)
        with pytest.raises(NotFound):
            slots.close(SlotKey(f"{uid}x", slot.upload_id))
        slots.take(uid, slot.path, "17", DIGEST)
        with pytest.raises(NotFound):
            slots.close(SlotKey(uid, slot.upload_id))
        assert slots.find(uid, slot.path).taken.sha256 == DIGEST

    def test_what_is_given_back_twice_at_once_counts_once(self, slots, uid):
        closed, *_ = [self._give(slots, uid) for _ in range(3)]
        with ThreadPoolExecutor(4) as threads:
            outcomes = [
                done.exception()
                for done in [
                    threads.submit(slots.close, SlotKey(uid, closed.upload_id)) for _ in range(4)
                ]
            ]
        assert outcomes.count(None) == 1
        assert all(error is None or isinstance(error, NotFound) for error in outcomes)
        self._give(slots, uid)
        assert self._refused(slots, uid) == "open_uploads"

    def test_open_slots_whose_time_is_over_are_shown_and_no_others(self, slots, uid):
        over = self._give(slots, uid, policy=OVER)
        taken = self._give(slots, uid, policy=OVER)
        self._give(slots, uid)
        slots.take(uid, taken.path, "17", DIGEST)
        slots.take(uid, f"uploads/{uid}/take 1.wav", "18", DIGEST)

        def own(older_than):
            return [key for key in slots.expired(older_than) if key.uid == uid]

        assert own(timedelta(0)) == [SlotKey(uid, over.upload_id)]
        assert own(timedelta(minutes=5)) == []
