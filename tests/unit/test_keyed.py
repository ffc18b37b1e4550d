"""The decision on a key, as a value."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voxshelf.core.errors import IdempotencyConflict, InProgress
from voxshelf.core.keyed import Asked, KeptAnswer, KeyedRequest, decide_keyed
from voxshelf.core.reservation import REQUEST_LIFETIME

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ASKED = Asked("f", "second", timedelta(minutes=1))
RUNNING = KeyedRequest.begun(replace(ASKED, by="first"), NOON)
ANSWERED = replace(RUNNING, answer=KeptAnswer(200, b"{}"))
LEASE_OVER, LIFE_OVER = NOON + ASKED.lease, NOON + REQUEST_LIFETIME
MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("record", "fingerprint", "now", "outcome"),
    [
        (None, "f", NOON, None),
        (RUNNING, "f", NOON, InProgress),
        (RUNNING, "f", LEASE_OVER - MOMENT, InProgress),
        (RUNNING, "f", LEASE_OVER, None),
        (RUNNING, "g", LEASE_OVER, IdempotencyConflict),
        (ANSWERED, "f", NOON, ANSWERED.answer),
        (ANSWERED, "f", LIFE_OVER - MOMENT, ANSWERED.answer),
        (ANSWERED, "g", LIFE_OVER - MOMENT, IdempotencyConflict),
        (ANSWERED, "f", LIFE_OVER, None),
        (ANSWERED, "g", LIFE_OVER, None),
    ],
    ids=[
        "a new key",
        "running",
        "running to the end of its lease",
        "crashed",
        "crashed, and another request",
        "answered",
        "answered long ago",
        "another request",
        "expired",
        "expired, and another request",
    ],
)
def test_a_key_is_good_for_one_request_and_its_answer(record, fingerprint, now, outcome):
    asked = replace(ASKED, fingerprint=fingerprint)
    if isinstance(outcome, type):
        with pytest.raises(outcome):
            decide_keyed(record, asked, now)
    else:
        assert decide_keyed(record, asked, now) == outcome
