"""What every `Upkeep` must do when it counts anew what is there.

The fixture `spoil` makes counters wrong: those of the user's account, by name, and
`generation_count` of voices, by id.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import AUDIO, LibraryCalls, generation, voice
from voxshelf.core.account import Account

LATER = timedelta(hours=1)


class RecountContract(LibraryCalls):
    def _filled(self, shelf, uid):
        """Return a library with something of each kind; g1 was spoken by an earlier voice."""
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        self._purge(shelf, uid, "voices", "voice_a")
        self._save(shelf, uid, voice(), fingerprint="anew")
        self._save(shelf, uid, generation("g0"))
        sample = replace(AUDIO, path="voice_samples/u/b.wav", duration_s=2.0)
        self._save(shelf, uid, voice("voice_b", sample=sample), fingerprint="b")
        self._save(shelf, uid, generation("h0", voice_id="voice_b"))
        self._delete(shelf, uid, "generations", "h0")
        self._save(shelf, uid, voice("voice_d"), fingerprint="d")
        self._save(shelf, uid, generation("d0", voice_id="voice_d"))
        self._delete(shelf, uid, "voices", "voice_d")

    def _recounted(self, shelf, uid):
        """Recount until the rule of the voices holds, and return the account then."""
        shelf.recount(uid)
        return self._account(shelf, uid)

    def test_what_is_counted_right_is_left_alone(self, shelf, uid):
        self._filled(shelf, uid)
        right = self._recounted(shelf, uid)
        assert shelf.recount(uid) == 0
        assert self._account(shelf, uid) == right
        assert (right.kept.voices, right.kept.generations) == (2, 3)
        counts = [shelf.voice(uid, f"voice_{one}").generation_count for one in "ab"]
        assert counts == [1, 0]

    @pytest.mark.parametrize(
        ("account", "voices", "wrong"),
        [
            ({"generations": 7}, {}, 1),
            ({"voices": -1, "bytes": 5, "audio_ms": 0}, {}, 3),
            ({"reserved": 3}, {}, 1),
            ({"renamings": 2}, {}, 1),
            ({}, {"voice_a": 9, "voice_b": -1}, 2),
            ({"generations": 0}, {"voice_d": 0}, 2),
        ],
        ids=["one", "several", "reserved", "renamings", "voices", "in the trash"],
    )
    def test_what_is_counted_wrong_is_told_and_mended(
        self, shelf, uid, spoil, account, voices, wrong
    ):
        self._filled(shelf, uid)
        right = self._recounted(shelf, uid)
        spoil(uid, account, voices)
        assert shelf.recount(uid) == wrong
        assert shelf.recount(uid) == 0
        assert self._account(shelf, uid) == right
        assert uid in set(shelf.users())

    def test_nothing_is_mended_while_anything_is_being_saved(self, shelf, uid, spoil):
        self._filled(shelf, uid)
        right = self._recounted(shelf, uid)
        receipt = self._reserve_generation(shelf, uid, generation("late"))
        spoil(uid, {"voices": 9}, {})
        assert shelf.recount(uid) is None
        shelf.abandon(shelf.seize(receipt))
        assert shelf.recount(uid) == 1
        assert self._account(shelf, uid).kept == right.kept

    def test_a_rename_under_way_is_counted(self, shelf, uid):
        self._filled(shelf, uid)
        self._recounted(shelf, uid)
        shelf.edit(uid, "voices", "voice_a", lambda item, _: replace(item, name="New"))
        assert shelf.recount(uid) == 0
        assert self._account(shelf, uid).renamings == 1

    def test_a_user_of_whom_nothing_is_there_counts_nothing(self, shelf, uid):
        assert shelf.recount(uid) == 0
        assert self._account(shelf, uid) == Account()
