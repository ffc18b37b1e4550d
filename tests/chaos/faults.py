"""What can happen to one call on its way to an emulator, and the board that decides it.

Both proxies ask one `Switchboard`, so that "the third call of this user" counts calls to
Firestore and to Storage alike: those are the step boundaries at which a process can die.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc

# What reads and what writes, by the name of the call in the journal.
READ, COMMIT, QUERY = "read", "commit", "query"
UPLOAD, LOOK, DELETE, LIST, DOWNLOAD, OTHER = (
    "upload",
    "look",
    "delete",
    "list",
    "download",
    "other",
)
# A uid of the Auth emulator; its fixed length makes it readable inside a protobuf message.
UID_CHARACTERS = 28
EVER = 1_000_000


class Call(NamedTuple):
    """One call: its kind, the user whose data it is about if that shows, and the rest."""

    kind: str
    uid: str | None
    detail: str


@dataclass(frozen=True)
class Slow:
    """Wait, then forward: a client that gave up meanwhile is overtaken by its own write."""

    seconds: float


@dataclass(frozen=True)
class LoseAnswer:
    """Forward the call whole, then break the connection instead of answering."""


@dataclass(frozen=True)
class Fail:
    """Firestore: end the call with this status, not forwarded."""

    code: grpc.StatusCode


@dataclass(frozen=True)
class Answer:
    """Storage: take the whole request and answer with this status.

    With `forwarded` the request was carried out all the same: an answer that says otherwise.
    """

    status: int
    forwarded: bool = False


@dataclass(frozen=True)
class Reset:
    """Storage: read so much of the body, then reset the connection; nothing is forwarded."""

    after_bytes: int = 0


@dataclass(frozen=True)
class Cut:
    """Storage: forward so much of the body (half of a shorter one), then break both connections."""

    after_bytes: int


@dataclass(frozen=True)
class Throttle:
    """Storage: forward the body no faster than this."""

    bytes_per_s: float


@dataclass(frozen=True)
class Hold:
    """Keep the call at its gate, either before it is forwarded or before its answer is given."""

    gate: "Gate"
    answered: bool


Action = Slow | LoseAnswer | Fail | Answer | Reset | Cut | Throttle | Hold


class Gate:
    """Where calls wait for each other; when it opens, `act` runs once and every call is dropped.

    With a kill as `act`, all of them meet the end of their process at just this boundary.
    """

    def __init__(self, expected: int, act: Callable[[], None]) -> None:
        """Open by itself when `expected` calls have come."""
        self._expected, self._act = expected, act
        self._lock = threading.Lock()
        self._opened = threading.Event()
        self.held: set[str | None] = set()

    def wait(self, call: Call) -> None:
        """Hold the caller until the gate opens; the call must be dropped then."""
        with self._lock:
            if not self._opened.is_set():
                self.held.add(call.uid)
            full = len(self.held) >= self._expected
        if full:
            self.open()
        self._opened.wait(timeout=60)

    def open(self) -> None:
        """Act, if that was not done before, and let the calls go."""
        with self._lock:
            if not self._opened.is_set():
                self._act()
                self._opened.set()

    @property
    def is_open(self) -> bool:
        """Tell whether the gate has acted; while it acts, wait for the end of that."""
        with self._lock:
            return self._opened.is_set()


@dataclass
class Rule:
    """Do `action` to the calls that match, from the `first` such call on, `times` times."""

    action: Action
    kind: str | None = None
    uid: str | None = None
    first: int = 1
    times: int = 1
    seen: int = 0

    def applies(self, call: Call) -> bool:
        """Count the call if it matches, and tell whether it is one of those to act on."""
        if self.kind not in (None, call.kind) or self.uid not in (None, call.uid):
            return False
        self.seen += 1
        return self.first <= self.seen < self.first + self.times


@dataclass
class Entry:
    """A call in the journal: when it arrived and when it was over (`time.perf_counter`)."""

    call: Call
    started: float
    ended: float | None = None


@dataclass
class Switchboard:
    """Rules and journal of both proxies. Threads share it."""

    _rules: list[Rule] = field(default_factory=list)
    _journal: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *rules: Rule) -> None:
        """Follow these rules, too; of several that match, the oldest decides."""
        with self._lock:
            self._rules += rules

    def clear(self) -> None:
        """Forget all rules and the journal."""
        with self._lock:
            self._rules.clear()
            self._journal.clear()

    def arrive(self, call: Call) -> tuple[Entry, Action | None]:
        """Note a call, and return what is to be done to it."""
        entry = Entry(call, time.perf_counter())
        with self._lock:
            self._journal.append(entry)
            # Every rule counts every call that it matches, whichever of them decides.
            due = [rule for rule in self._rules if rule.applies(call)]
        return entry, due[0].action if due else None

    def leave(self, entry: Entry) -> None:
        """Note that a call is over."""
        entry.ended = time.perf_counter()

    def journal(self, uid: str | None = None) -> list[Entry]:
        """Return the calls so far, of one user or of all, in the order of their arrival."""
        with self._lock:
            return [entry for entry in self._journal if uid in (None, entry.call.uid)]


def sequential_depth(entries: list[Entry]) -> int:
    """Return how many of the calls had to wait for one another: those side by side count once."""
    depth, busy_until = 0, 0.0
    for entry in sorted(entries, key=lambda entry: entry.started):
        ended = entry.ended if entry.ended is not None else entry.started
        if entry.started >= busy_until:
            depth += 1
            busy_until = ended
        else:
            busy_until = max(busy_until, ended)
    return depth
