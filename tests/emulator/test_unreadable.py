"""Documents that cannot be read, among others that are deleted and restored."""

import pytest

from tests.contracts.library_contract import LIMITS, UNDO_FOR, LibraryCalls, generation, voice
from voxshelf.adapters.firestore_library import FirestoreLibrary
from voxshelf.core.deletion import Manner
from voxshelf.core.errors import Internal
from voxshelf.use_cases.deletion_ports import Deletion, ItemKey

pytestmark = pytest.mark.emulator

VOICE = ItemKey("voices", "voice_a")
KEYS = [ItemKey("generations", name) for name in ("g0", "odd", "g1", "none")]
ODD = {
    "without fields": {"status": "ready", "voice_id": "voice_a"},
    "without a state": {"voice_id": "voice_a", "pending": {"item": {}}},
    "of other types": {
        "status": "deleting",
        "voice_id": "voice_a",
        "generation_id": 7,
        "tags": None,
        "trash": "?",
    },
}


class TestUnreadable(LibraryCalls):
    @pytest.fixture
    def library(self, firestore_client):
        return FirestoreLibrary(firestore_client)

    @pytest.fixture(params=ODD.values(), ids=ODD.keys(), autouse=True)
    def odd(self, request, library, firestore_client, uid):
        """Make a voice that has spoken twice, and a third speech that cannot be read."""
        self._save(library, uid, voice())
        for name in ("g0", "g1"):
            self._save(library, uid, generation(name))
        document = firestore_client.document("users", uid, "generations", "odd")
        document.set(request.param)
        yield document
        assert document.get().to_dict() == request.param

    def test_it_fails_by_itself_and_the_others_go_and_come_back(self, library, uid):
        found = library.delete(uid, KEYS, Manner(UNDO_FOR))
        assert {key.item_id: type(one) for key, one in found.items()} == {
            "g0": Deletion,
            "odd": Internal,
            "g1": Deletion,
        }
        verdicts = library.restore(uid, KEYS, LIMITS)
        assert {key.item_id: verdict for key, verdict in verdicts.items()} == {
            "g0": "restored",
            "odd": "unreadable",
            "g1": "restored",
            "none": "not_found",
        }
        assert self._account(library, uid).kept.generations == 2

    @pytest.mark.parametrize("at_once", [1, 2, 200])
    @pytest.mark.parametrize("permanent", [False, True], ids=["to the trash", "for good"])
    def test_a_voice_takes_along_and_brings_back_the_others(self, library, uid, at_once, permanent):
        library.taken_at_once = at_once
        manner = Manner(UNDO_FOR, with_generations=True, permanent=permanent)
        library.delete(uid, [VOICE], manner)
        for _ in range(10):
            taken = library.take_generations(uid, "voice_a")
            library.forget(*taken.deletions)
            if taken.done:
                break
        assert taken.done
        assert self._account(library, uid).kept.generations == 0
        if permanent:
            return
        for _ in range(10):
            brought = library.bring_generations(uid, "voice_a", LIMITS)
            if brought.verdict != "with_generations":
                break
        assert brought.verdict == "restored"
        assert self._account(library, uid).kept.generations == 2
