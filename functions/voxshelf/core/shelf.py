"""What a decision looks at: the documents of one place in the library, read at one moment."""

from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.account import Account
from voxshelf.core.items import Generation, Voice
from voxshelf.core.trash import Trash


@dataclass(frozen=True, slots=True)
class Pending:
    """A save under way: what it will be, its content's digest, and since when it runs.

    `lease` is the random name of this one attempt: by it a save knows its own reservation
    again when the answer to a write got lost. `request_key` names its idempotency record.
    `renames` tells that the voice's generations show another name until it is confirmed.
    """

    item: Voice | Generation
    fingerprint: str
    lease: str
    since: datetime
    request_key: str | None
    renames: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An item's document: the version that readers see, and the one being saved, if any.

    `garbage` are objects that nothing refers to any more and that still have to be removed.
    `trash` was deleted, and can still be restored. `withdrawn` is what stays of a voice whose
    owner withdrew the consent; `withdrawn_name` is the digest of its name (`naming.name_digest`).
    """

    ready: Voice | Generation | None
    pending: Pending | None
    garbage: tuple[str, ...] = ()
    trash: Trash | None = None
    withdrawn: bool = False
    withdrawn_name: str | None = None

    @property
    def voice(self) -> Voice | None:
        """Return the version that readers see, of a voice's document."""
        return self.ready if isinstance(self.ready, Voice) else None

    def holds(self, item: Voice | Generation) -> bool:
        """Tell whether readers see an item with the very bytes of this one."""
        return self.ready is not None and self.ready.digests == item.digests


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """An idempotency record: `item` is the first answer, None while the save still runs."""

    fingerprint: str
    lease: str
    since: datetime
    item: Voice | Generation | None


@dataclass(frozen=True, slots=True)
class Namesake:
    """A voice that has a name, or is about to get it, and where it lies."""

    voice_id: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that a decision looks at, read at one moment of the database's clock.

    `voice` is what lies under `voice_id`, `generation` under `generation_id`, and `namesake` the
    voice of the name that was asked for.
    """

    now: datetime
    account: Account
    voice_id: str
    voice: Entry | None
    generation: Entry | None
    request: RequestRecord | None
    namesake: Namesake | None = None
    generation_id: str | None = None
