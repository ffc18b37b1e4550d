"""One user of the storm: does what his dice say, and holds every answer against his worlds."""

import re
import time
import traceback
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.lab import LEASE_S
from tests.storm.answers import LOST, Answer
from tests.storm.dice import Dice
from tests.storm.edits import Renew, urls_of
from tests.storm.fleet import Fleet
from tests.storm.job_orders import Job
from tests.storm.library import SPEECHES, Library, Unlike
from tests.storm.moving import Export
from tests.storm.reading import Stranger
from tests.storm.record import Record
from tests.storm.requests import Request
from tests.storm.saving import Saving
from tests.storm.shared import Shared
from tests.storm.worlds import Worlds

_BURSTS, _LOST_ANSWERS, _RETRIES = 0.08, 0.03, 0.7
_CONVERGES_WITHIN_S = 5 * LEASE_S
_PAUSE_S = 0.5
_OPEN, _PATIENCE_S = 3, 120.0
_REMEMBERED = 400
_SHOWN = 12
# Ids, and the names of voices.
_NAMED = re.compile(r"(?:voice|own|TTS)_\w+|'[^']+'")
Sent = Saving | Request


class User:
    """A person with a library, and all that was ever answered to him."""

    def __init__(self, fleet: Fleet, shared: Shared, record: Record, number: int) -> None:
        self.person = fleet.person()
        self.number = number
        self.worlds = Worlds(Library())
        self.dice = Dice(self.person, number, record.seed, shared)
        # Addresses that were given out, alive or not.
        self.urls: set[str] = set()
        self.failed = False
        self._fleet, self._shared, self._record = fleet, shared, record
        self._history: deque[str] = deque(maxlen=_REMEMBERED)
        self._index = 0

    def live(self, operations: int) -> int:
        """Do so many operations, fewer when one goes wrong; return how many."""
        with ThreadPoolExecutor(4) as pool:
            while self._index < operations and not self.failed:
                try:
                    self._step(pool)
                except Exception as error:
                    self.blame("a step", error)
                    traceback.print_exc()
        return self._index

    def _step(self, pool: ThreadPoolExecutor) -> None:
        self._wait_for_certainty()
        library = self.worlds.library
        chosen = (
            self.dice.burst(library) if self.dice.chance(_BURSTS) else [self.dice.next(library)]
        )
        if any(isinstance(one, Stranger) for one in chosen) and not self.worlds.is_certain:
            # What he may have by now would not be another's alone.
            return
        goes_missing = [self.dice.chance(_LOST_ANSWERS) for _ in chosen]
        answers = list(pool.map(lambda one: one.send(self._fleet), chosen))
        heard = [LOST if away else a for away, a in zip(goes_missing, answers, strict=True)]
        lost = self._take(chosen, heard)
        for operation in lost:
            retries = self.dice.chance(_RETRIES) and not isinstance(operation, Job)
            if retries and operation.is_one_however_often and not self.failed:
                self._converge(operation)
        self._record.done(len(chosen))

    def _wait_for_certainty(self) -> None:
        """Let leases end, while too much is open for one head to hold."""
        self.worlds.outlived(self._fleet.outlived_before)
        deadline = time.monotonic() + _PATIENCE_S
        while self.worlds.most_unheard > _OPEN and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
            self.worlds.outlived(self._fleet.outlived_before)

    def _take(self, chosen: Sequence[Sent], answers: Sequence[Answer]) -> list[Sent]:
        """Take answers in; return the operations that have none."""
        self._index += len(chosen)
        for operation, answer in zip(chosen, answers, strict=True):
            self._history.append(f"{self._index}: {operation} -> {answer}")
            self._record.answered(operation, answer.code)
            self._note(operation, answer)
        met = [(o, a) for o, a in zip(chosen, answers, strict=True) if a.is_heard]
        lost = [o for o, a in zip(chosen, answers, strict=True) if not a.is_heard]
        try:
            self.worlds.heard(met, lost=lost, now=time.monotonic())
        except Unlike as error:
            self.blame("; ".join(map(str, chosen)), error)
        return lost

    def _converge(self, operation: Sent) -> None:
        """Send it again until it is answered, as the contract says that it may be."""
        deadline = time.monotonic() + _CONVERGES_WITHIN_S
        while not self.failed:
            self.worlds.outlived(self._fleet.outlived_before)
            answer = operation.send(self._fleet)
            lost = self._take([operation], [answer])
            self._index -= 1
            if not lost and answer.code != "in_progress":
                return
            if time.monotonic() > deadline:
                self.blame(str(operation), Unlike(f"it does not come to an end: {answer}"))
            time.sleep(_PAUSE_S)

    def _note(self, operation: Sent, answer: Answer) -> None:
        if isinstance(operation, Saving) and operation.first and answer.is_done:
            self.urls |= set(urls_of(operation.first))
            item_id = operation.first.get("generation_id")
            if item_id:
                self._shared.add_item(self.person.uid, SPEECHES, item_id)
        if isinstance(operation, Renew):
            self.urls |= set(operation.before)
        if isinstance(operation, Export) and operation.places:
            for archive in operation.archives:
                self._shared.add_archive(archive)

    def blame(self, what: str, error: Exception) -> None:
        """Note what is wrong, with what was done to the same items; he stops then."""
        self.failed = True
        ids = set(_NAMED.findall(f"{what} {error}"))
        about = [line for line in self._history if any(one in line for one in ids)]
        lines = about[-_SHOWN:] or list(self._history)[-_SHOWN:]
        text = f"user {self.number} ({self.person.uid}), operation {self._index}: {what}: {error}"
        self._record.blame("model", "\n    ".join([text, *lines]))
