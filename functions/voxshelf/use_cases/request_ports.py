"""The role that keeps what was answered to an Idempotency-Key; see `core.keyed`."""

from dataclasses import dataclass, field
from typing import Protocol

from voxshelf.core.keyed import Asked, KeptAnswer


@dataclass(frozen=True, slots=True)
class Begun:
    """Proof that an attempt holds its key. `version` is the adapter's own mark of the record."""

    uid: str
    record_id: str
    by: str
    version: object = field(default=None, compare=False)


class Requests(Protocol):
    """Keeps keys. Every method is one atomic write, or fails as a whole.

    `record_id` is the digest of the key and of what kind of request it is for. All raise
    `Unavailable` when the database does not answer in time.
    """

    def begin(self, uid: str, record_id: str, asked: Asked) -> Begun | KeptAnswer:
        """Hold the key for an attempt, or return what was answered to it before.

        Raises:
            IdempotencyConflict, InProgress: see `decide_keyed`.
        """

    def keep(self, begun: Begun, answer: KeptAnswer) -> None:
        """Keep the answer, for as long as keys are kept.

        Nothing is done where the lease was over and another attempt has taken the key over.
        """

    def free(self, begun: Begun) -> None:
        """Free the key of an attempt that failed, unless another one has it by now."""
