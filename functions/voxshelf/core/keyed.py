"""The decision on a request that carries an Idempotency-Key, and is no save and starts no job.

Those two keep their keys with what they make. Everything else is run once for a key, and what was
answered then is answered again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from voxshelf.core.errors import IdempotencyConflict, InProgress
from voxshelf.core.reservation import REQUEST_LIFETIME


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered: the status, the body as it is kept, and the headers of its own."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """One attempt: the digest of what is asked for, a random name, and how long it may take."""

    fingerprint: str
    by: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """What is known of a key: what was asked for with it, by which attempt, and the answer.

    Without an answer it is running, and until `until` nobody else does the same.
    """

    fingerprint: str
    by: str
    since: datetime
    until: datetime
    answer: KeptAnswer | None = None

    @classmethod
    def begun(cls, asked: Asked, now: datetime) -> "KeyedRequest":
        """Return the record of an attempt that begins."""
        return cls(asked.fingerprint, asked.by, now, now + asked.lease)

    @property
    def expires_at(self) -> datetime:
        """Return when the key is free again, whatever it was used for."""
        return self.since + REQUEST_LIFETIME


def decide_keyed(record: KeyedRequest | None, asked: Asked, now: datetime) -> KeptAnswer | None:
    """Return the answer that was given to this key, or None where the attempt is to go on.

    Raises:
        IdempotencyConflict: when the key was used for something else.
        InProgress: while the first attempt is running.
    """
    if record is None or record.expires_at <= now:
        return None
    if record.fingerprint != asked.fingerprint:
        raise IdempotencyConflict(
            "This Idempotency-Key was used for another request. Use a new key for a new one."
        )
    if record.answer is None and now < record.until:
        raise InProgress("This request is still running. Ask again in a moment.", retry_after_s=2)
    # Without an answer: the first attempt crashed, and this one takes its key over.
    return record.answer
