from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import NOON, voice
from voxshelf.core.account import Account
from voxshelf.core.naming import Elsewhere, WantedVoice, name_digest, other_place
from voxshelf.core.shelf import Entry, Shelf

LEASE = timedelta(minutes=6)
TAKEN = Entry(voice(name="Other"), None)
WANTED = WantedVoice("C#", "voice_c")
DIGEST = name_digest("C#")


def shelf_at(voice_id, entry=TAKEN):
    return Shelf(NOON, Account(), voice_id, entry, None, None)


@pytest.mark.parametrize(
    ("place", "following"),
    [
        ("voice_c", "voice_c_2"),
        ("voice_c_2", "voice_c_3"),
        ("voice_c_98", "voice_c_99"),
        ("voice_c_99", f"voice_c_{DIGEST}"),
        # Only who asks for this very id can have put another voice there.
        (f"voice_c_{DIGEST}", f"voice_c_{DIGEST}_2"),
        (f"voice_c_{DIGEST}_2", f"voice_c_{DIGEST}_3"),
    ],
)
def test_the_place_after_one_that_is_anothers(place, following):
    assert other_place(shelf_at(place), WANTED, LEASE) == Elsewhere(following)


def test_the_way_never_meets_a_place_twice():
    wanted, seen = replace(WANTED, voice_id="v" * 128), set()
    place = wanted.voice_id
    for _ in range(300):
        assert place not in seen
        assert len(place) <= 128
        seen.add(place)
        place = other_place(shelf_at(place), wanted, LEASE).voice_id


def test_a_free_place_is_taken():
    assert other_place(shelf_at("voice_c", None), WANTED, LEASE) is None
