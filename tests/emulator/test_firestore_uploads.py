from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.uploads_contract import DIGEST, LIMITS, UploadsContract
from voxshelf.adapters.firestore_uploads import FirestoreUploads
from voxshelf.core.reservation import REQUEST_LIFETIME
from voxshelf.core.upload_slots import SlotKey

pytestmark = pytest.mark.emulator


class TestFirestoreUploads(UploadsContract):
    @pytest.fixture
    def slots(self, firestore_client):
        return FirestoreUploads(firestore_client)

    @pytest.fixture
    def limit(self, firestore_client):
        return lambda uid, **limits: firestore_client.document("users", uid).set({"limits": limits})

    def test_a_slot_is_removed_by_the_database_only_after_it_was_taken(
        self, slots, firestore_client, uid
    ):
        slot = self._give(slots, uid)
        document = firestore_client.document("users", uid, "uploads", slot.upload_id)
        assert document.get().get("expires_at") is None
        slots.take(uid, slot.path, "17", DIGEST)
        fields = document.get().to_dict()
        assert fields["expires_at"] == fields["taken"]["at"] + REQUEST_LIFETIME

    def test_a_note_past_its_time_counts_as_gone_though_it_is_still_there(
        self, slots, firestore_client, uid
    ):
        slot = self._give(slots, uid)
        slots.take(uid, slot.path, "17", DIGEST)
        document = firestore_client.document("users", uid, "uploads", slot.upload_id)
        long_ago = document.get().get("taken.at") - 2 * REQUEST_LIFETIME
        document.update({"taken.at": long_ago})
        assert slots.find(uid, slot.path) is None

    def test_counters_of_the_library_and_of_uploads_do_not_disturb_each_other(
        self, slots, firestore_client, uid
    ):
        account = firestore_client.document("users", uid)
        account.set({"voices": 3})
        slots.close(SlotKey(uid, self._give(slots, uid).upload_id))
        fields = account.get().to_dict()
        assert fields["voices"] == 3
        assert (fields["uploads"]["open"], fields["uploads"]["today"]) == (0, 1)

    def test_a_slot_of_a_user_who_was_deleted_still_closes(self, slots, firestore_client, uid):
        slot = self._give(slots, uid)
        firestore_client.document("users", uid).delete()
        slots.close(SlotKey(uid, slot.upload_id))
        for _ in range(LIMITS.open_uploads):
            self._give(slots, uid)
        assert self._refused(slots, uid) == "open_uploads"

    def test_a_document_that_makes_no_sense_is_shown_and_closed_like_any(
        self, slots, firestore_client, uid
    ):
        document = firestore_client.document("users", uid, "uploads", "upload_broken")
        document.set({"taken": None, "open_until": datetime(2026, 1, 1, tzinfo=UTC), "path": 7})
        assert SlotKey(uid, "upload_broken") in list(slots.expired(timedelta(0)))
        slots.close(SlotKey(uid, "upload_broken"))
        assert not document.get().exists
