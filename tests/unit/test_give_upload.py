from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.uploads_contract import DIGEST, POLICY, WANTED
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_uploads import MemoryUploads
from voxshelf.core.errors import NotFound, Unavailable
from voxshelf.core.upload_slots import SlotKey, SlotUse
from voxshelf.use_cases.give_upload import clear_expired_uploads, give_back_upload, give_upload

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LEASE = timedelta(minutes=6)


class Shop:
    """One user's slots and uploads, and a clock that can be moved."""

    def __init__(self):
        self.now = NOON
        self.slots = MemoryUploads(lambda: self.now)
        self.objects = MemoryObjects()

    def uploaded(self):
        slot, _ = give_upload("ada", WANTED, None, slots=self.slots, policy=POLICY)
        self.objects.plant(slot.path, b"RIFF")
        return SlotKey("ada", slot.upload_id)

    def give_back(self, key):
        give_back_upload(key, slots=self.slots, objects=self.objects)

    def clear(self):
        cleared = clear_expired_uploads(self.slots, self.objects, LEASE)
        return cleared.closed, cleared.failed

    @property
    def open(self):
        return self.slots.uses.get("ada", SlotUse()).open


@pytest.fixture
def shop():
    return Shop()


def test_what_is_given_back_is_removed(shop):
    kept, gone = shop.uploaded(), shop.uploaded()
    shop.give_back(gone)
    assert set(shop.objects.stored) == {kept.path}
    assert shop.open == 1


def test_what_a_save_has_taken_is_not_given_back(shop):
    key = shop.uploaded()
    shop.slots.take("ada", key.path, "1", DIGEST)
    with pytest.raises(NotFound):
        shop.give_back(key)
    assert key.path in shop.objects.stored


def test_a_slot_is_closed_even_where_its_upload_cannot_be_removed_now(shop):
    key = shop.uploaded()
    shop.objects.deletes_fail = True
    with pytest.raises(Unavailable):
        shop.give_back(key)
    assert shop.open == 0


def test_a_slot_whose_time_is_over_goes_with_its_upload_and_others_stay(shop):
    over, taken = shop.uploaded(), shop.uploaded()
    shop.slots.take("ada", taken.path, "1", DIGEST)
    shop.now += timedelta(hours=1)
    fresh = shop.uploaded()
    shop.now = NOON + POLICY.upload_for + LEASE + timedelta(seconds=1)
    assert shop.clear() == (1, 0)
    assert set(shop.objects.stored) == {taken.path, fresh.path}
    assert set(shop.slots.slots) == {taken, fresh}
    assert (over in shop.slots.slots, shop.open, shop.clear()) == (False, 1, (0, 0))


def test_an_upload_stays_as_long_as_a_save_may_still_read_it(shop):
    key = shop.uploaded()
    shop.now = NOON + POLICY.upload_for + LEASE - timedelta(seconds=1)
    assert shop.clear() == (0, 0)
    assert key.path in shop.objects.stored


def test_a_slot_is_found_again_until_its_upload_is_removed(shop):
    for _ in range(2):
        shop.uploaded()
    shop.now = NOON + 2 * POLICY.upload_for
    shop.objects.deletes_fail = True
    assert (shop.clear(), shop.open) == ((0, 2), 2)
    shop.objects.deletes_fail = False
    assert (shop.clear(), shop.objects.stored, shop.open) == ((2, 0), {}, 0)


def test_what_a_save_takes_at_the_last_moment_counts_once(shop):
    key = shop.uploaded()
    shop.now = NOON + 2 * POLICY.upload_for

    class Late(MemoryObjects):
        def delete(self, paths):
            shop.slots.take("ada", key.path, "1", DIGEST)

    shop.objects = Late()
    assert shop.clear() == (0, 0)
    assert shop.open == 0
