from datetime import timedelta

import pytest

from tests.contracts.library_contract import generation, voice
from voxshelf.core.counting import counts_at

SAVED_AT = voice().saved_at


@pytest.mark.parametrize(
    ("voice_id", "later", "counted"),
    [
        ("voice_a", timedelta(0), True),
        ("voice_a", timedelta(microseconds=1), True),
        ("voice_a", timedelta(microseconds=-1), False),
        ("voice_b", timedelta(days=1), False),
    ],
    ids=["saved with it", "saved after it", "of an earlier voice of this id", "of another voice"],
)
def test_a_voice_counts_what_it_spoke_since_it_is_there(voice_id, later, counted):
    spoken = generation("g", voice_id=voice_id, saved_at=SAVED_AT + later)
    assert counts_at(spoken, voice("voice_a")) is counted
