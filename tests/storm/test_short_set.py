"""A short storm; `make storm` blows for ten thousand operations."""

import pytest

from tests.storm.paths import reused_paths
from tests.storm.storm import storm

# Starting ten functions takes longer than most tests.
pytestmark = [pytest.mark.emulator, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_short_storm_leaves_nothing_wrong(lab):
    record = storm(lab, 150, kills=6, users=4, seed=7, say=print)
    assert not record.failed, record.text("the test of the short set")
    assert record.kills


def test_no_byte_is_lost_where_upload_paths_are_used_again(lab):
    record = reused_paths(lab, sequences=12, kills=2, users=4, seed=7, say=print)
    assert not record.failed, record.text("the test of the short set")
