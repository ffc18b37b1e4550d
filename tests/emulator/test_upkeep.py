"""What is left is found whatever lies beside it, in pages, and names stand nowhere for long."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.library_contract import NO_LEASE, LibraryCalls, generation, voice
from voxshelf.adapters.firestore_catalogue import FirestoreCatalogue
from voxshelf.adapters.firestore_jobs import FirestoreJobs
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.adapters.firestore_upkeep import FirestoreUpkeep
from voxshelf.adapters.firestore_usage import FirestoreUsage
from voxshelf.core.edits import VoiceEdit, edited
from voxshelf.use_cases.ports import Garbage, Renaming
from voxshelf.use_cases.unreadable import Unreadable

pytestmark = pytest.mark.emulator

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SINCE = {"unsettled_since": LONG_AGO}
BROKEN = {
    "a voice without a state": ("voices", {**SINCE, "trash": {}, "status": "deleting"}),
    "garbage that is a text": ("voices", {**SINCE, "status": "ready", "garbage": "all/of/it"}),
    "garbage of numbers": ("generations", {**SINCE, "status": "ready", "garbage": [1]}),
    "a save without an item": ("generations", {**SINCE, "status": "pending", "pending": {"a": 1}}),
    "a save that is a text": ("voices", {**SINCE, "status": "pending", "pending": "now"}),
    "a rename without a voice": ("renamings", {"since": LONG_AGO}),
    "a rename to a number": ("renamings", {"since": LONG_AGO, "voice_id": "v", "name": 7}),
}


class TestUpkeep(LibraryCalls):
    @pytest.fixture
    def shelf(self, firestore_client):
        return FirestoreLibrary(firestore_client)

    @pytest.fixture
    def upkeep(self, firestore_client):
        upkeep = FirestoreUpkeep(firestore_client)
        upkeep.read_at_once = 3
        return upkeep

    @pytest.fixture
    def plant(self, firestore_client):
        """Write documents past the adapters; they are gone at the end."""
        planted = []

        def plant(*path, **fields):
            reference = firestore_client.document(*path)
            reference.set(fields)
            planted.append(reference)

        yield plant
        for reference in planted:
            reference.delete()

    @pytest.mark.parametrize(("kind", "fields"), BROKEN.values(), ids=BROKEN)
    def test_what_cannot_be_read_is_passed_over(self, shelf, upkeep, plant, uid, kind, fields):
        plant("users", uid, kind, "a broken one", **fields)
        self._reserve_voice(shelf, uid, voice())
        found = list(upkeep.leftovers(NO_LEASE))
        broken = [one for one in found if isinstance(one, Unreadable)]
        assert [(one.kind, len(one.digest)) for one in broken] == [(kind, 64)]
        assert "broken" not in str(broken[0])
        assert [one for one in found if not isinstance(one, Unreadable) and one.uid == uid]

    def test_what_lies_elsewhere_is_nobodys(self, upkeep, plant, uid):
        plant("odd", uid, "voices", "x", **SINCE)
        plant("users", uid, "voices", "x", "voices", "y", **SINCE)
        kinds = [one.kind for one in upkeep.leftovers(NO_LEASE) if isinstance(one, Unreadable)]
        assert kinds == ["voices", "voices"]

    def test_nobody_knows_what_a_broken_document_names_or_counts(self, upkeep, plant, uid):
        plant("users", uid, "voices", "x", name="Ada")
        for look in (upkeep.references, upkeep.recount):
            with pytest.raises(Unreadable):
                look(uid)

    def test_a_ready_item_whose_files_are_no_files_is_passed_over(self, upkeep, plant, uid):
        plant("users", uid, "voices", "x", status="ready", sample={"path": 7})
        broken = [one for one in upkeep.ready_paths() if isinstance(one, Unreadable)]
        assert [one.kind for one in broken] == ["voices"]

    def test_a_job_that_cannot_be_read_is_passed_over(self, firestore_client, plant, uid):
        plant("users", uid, "jobs", "x", active=True, due_at=LONG_AGO)
        due = list(FirestoreJobs(firestore_client).due())
        assert [one.kind for one in due if isinstance(one, Unreadable)] == ["jobs"]

    def test_all_is_found_page_by_page_and_once(self, upkeep, plant, uid):
        for number in range(10):
            plant(
                *("users", uid, "voices", f"v{number}"),
                status="ready",
                garbage=[f"path/{number}"],
                # Some began at the same moment.
                unsettled_since=LONG_AGO + timedelta(seconds=number // 4),
            )
        found = [one for one in upkeep.leftovers(NO_LEASE) if isinstance(one, Garbage)]
        own = [one.item_id for one in found if one.uid == uid]
        assert own == [f"v{number}" for number in range(10)]

    def test_the_users_document_holds_no_name_while_a_voice_is_renamed(
        self, shelf, firestore_client, uid
    ):
        names = ["Old name", "New name"]
        self._save(shelf, uid, voice(name=names[0]))
        self._save(shelf, uid, generation("g0", voice_name=names[0]))
        edit = VoiceEdit(name=names[1])
        renamed = shelf.edit(uid, "voices", "voice_a", lambda one, now: edited(one, edit, now))
        stored = json.dumps(firestore_client.document("users", uid).get().to_dict(), default=str)
        assert [name for name in names if name in stored] == []
        assert FirestoreCatalogue(firestore_client).generation(uid, "g0").voice_name == names[1]
        renaming = Renaming(uid, "voice_a", renamed.saved_at)
        list(shelf.rename_generations(renaming))
        shelf.end_renaming(renaming)
        assert list(firestore_client.collection("users", uid, "renamings").stream()) == []

    def test_the_databases_clock_is_told(self, upkeep):
        assert abs(upkeep.now() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("days", [-400, -40, -1, 0, 1, 40, 400])
def test_a_wrong_clock_hides_no_day_of_what_was_saved(firestore_client, days):
    uid = f"clock-{secrets.token_hex(4)}"
    library = FirestoreLibrary(firestore_client)
    LibraryCalls()._save(library, uid, voice())
    wrong = datetime.now(UTC).date() + timedelta(days=days)
    usage = FirestoreUsage(firestore_client, lambda: wrong).usage(uid)
    assert [one.voices for one in usage.days.values()] == [1]
