"""What one run of `reconcile` found and did."""

import threading
from dataclasses import dataclass, field, fields

from voxshelf.use_cases.unreadable import Unreadable

# In a log; they are all counted.
_MAX_NAMED = 20


@dataclass(slots=True)
class Summary:
    """Counts of one run, which several threads may add to.

    `renamed` are generations whose voice's name had changed; `missing` are objects that a visible
    item lacks; `unreadable` are documents that were passed over. `recounted` are users whose
    counters were compared with what is there, `miscounted` counters that were wrong. `unfinished`
    is 1 when the time was over before all was done: the next run goes on.
    """

    finished: int = 0
    undone: int = 0
    deleted: int = 0
    garbage: int = 0
    renamed: int = 0
    uploads: int = 0
    orphans: int = 0
    missing: int = 0
    recounted: int = 0
    miscounted: int = 0
    unreadable: int = 0
    failed: int = 0
    unfinished: int = 0
    named: list[Unreadable] = field(default_factory=list)
    _passed_over: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, count: int = 1) -> None:
        """Count more."""
        with self._lock:
            setattr(self, name, getattr(self, name) + count)

    def pass_over(self, unreadable: Unreadable) -> None:
        """Count a document that cannot be read, once, and keep the first few by name."""
        if unreadable.digest in self._passed_over:
            return
        self._passed_over.add(unreadable.digest)
        self.add("unreadable")
        if len(self.named) < _MAX_NAMED:
            self.named.append(unreadable)

    def counts(self) -> dict[str, int]:
        """Return all counts by name."""
        named = (one.name for one in fields(self))
        return {name: count for name in named if isinstance(count := getattr(self, name), int)}
