"""A deleted item: it stays in its place, objects and all, until it is purged."""

from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.items import Generation, Voice


@dataclass(frozen=True, slots=True)
class Trash:
    """What is known of a deleted item. No reader sees it, and no counter counts it.

    From `purge_at` on, or once it is `purging`, it cannot be brought back. A voice is `taking`
    while its generations are being deleted with it, and `taken` of them have been so far; such a
    generation is `deleted_with` the voice, at the voice's `deleted_at`.
    """

    item: Voice | Generation
    deleted_at: datetime
    purge_at: datetime
    purging: bool = False
    taking: bool = False
    taken: int = 0
    deleted_with: str | None = None

    def is_restorable(self, now: datetime) -> bool:
        """Tell whether it can still be brought back."""
        return not self.purging and now < self.purge_at

    @property
    def is_busy(self) -> bool:
        """Tell whether something is done to it that nothing else may come in between of."""
        return self.purging or self.taking
