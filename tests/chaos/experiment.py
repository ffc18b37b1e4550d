"""One experiment: the steps that all take after their faults, and what they show."""

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos import invariants
from tests.chaos.clients import (
    Outcome,
    Person,
    Rename,
    Restore,
    Save,
    Work,
    converge,
    listed,
    speech_save,
    voice_save,
)
from tests.chaos.lab import LEASE_S, Lab
from tests.chaos.processes import FunctionProcess
from tests.chaos.stored import View
from tests.chaos.violation import Violation

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I7", "I8", "counters")


@dataclass
class Result:
    """What one experiment showed."""

    name: str
    runs: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    orphans_before: int = 0
    orphans_after: int = 0
    slowest_s: float = 0.0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)

    def blame(self, violations: Iterable[Violation]) -> None:
        """Count violations, and keep their texts."""
        for violation in violations:
            self.violations[violation.invariant] += 1
            self.lost += violation.invariant == "I4" and "acknowledged" in violation.text
            self.notes.append(f"{violation.invariant}: {violation.text}")

    @property
    def failed(self) -> bool:
        """Tell whether anything is wrong, or nothing was tried."""
        return bool(self.violations or self.lost or self.orphans_after or not self.runs)


@contextlib.contextmanager
def begun(lab: Lab, name: str) -> Iterator["Experiment"]:
    """Begin an experiment on an empty stack, beside a user who does nothing."""
    lab.clear()
    started = time.perf_counter()
    experiment = Experiment(lab, name)
    try:
        yield experiment
    finally:
        for result in experiment.results:
            result.seconds = time.perf_counter() - started


class Experiment:
    """One experiment: what it showed so far, and the ways to judge it.

    Several kinds of faults may share it, each with users and a result of its own: what is wrong
    is put down to the kind whose user's id stands in the text.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.result = lab, Result(name)
        self._kinds: dict[str, Result] = {}
        self._kind_of: dict[str, Result] = {}
        self._witness = lab.person()
        [voice] = lab.saved(voice_save(self._witness, "Witness"))
        lab.saved(speech_save(self._witness, voice.body["voice_id"]))
        self._at_first = lab.checker.look()
        self._last_fault = time.monotonic()

    @property
    def results(self) -> list[Result]:
        """The results of all kinds; that of the experiment itself where it says anything."""
        kinds = list(self._kinds.values())
        own = self.result
        return [own, *kinds] if not kinds or own.violations or own.orphans_after else kinds

    def kind(self, name: str, people: Iterable[Person]) -> Result:
        """Give these users a result of their own."""
        result = self._kinds.setdefault(name, Result(name))
        self._kind_of |= {person.uid: result for person in people}
        return result

    def _result_of(self, text: str) -> Result:
        for word in re.findall(r"[A-Za-z0-9]{28}", text):
            if word in self._kind_of:
                return self._kind_of[word]
        return self.result

    def blame(self, violations: Iterable[Violation]) -> None:
        """Count violations, each where it belongs."""
        for violation in violations:
            self._result_of(violation.text).blame([violation])

    def note(self, works: Iterable[Work], outcomes: Iterable[Outcome]) -> None:
        """Count the answers. One that tells of a bug of ours is a violation, whatever it leaves."""
        for work, outcome in zip(works, outcomes, strict=True):
            code = str(outcome.status) if outcome.done else outcome.code
            self._result_of(work.person.uid).answers[code] += 1
            if outcome.code == "internal":
                text = f"{work.label} of {work.person.uid} answered 500: {outcome.body}"
                self.blame([Violation("I7", text)])

    def send(
        self, works: Sequence[Work], server: Callable[[Work], FunctionProcess]
    ) -> list[Outcome]:
        """Send all at the same time, each to its server, and note answers and times."""
        ledger = self.lab.ledger

        def send(work: Work) -> Outcome:
            started = time.perf_counter()
            outcome = work.send(server(work), ledger)
            result = self._result_of(work.person.uid)
            result.slowest_s = max(result.slowest_s, time.perf_counter() - started)
            return outcome

        outcomes = self.lab.beside(send, works)
        self.note(works, outcomes)
        return outcomes

    def look(self) -> View:
        """Look at once, and hold against it what must hold at every moment."""
        self._last_fault = time.monotonic()
        view = self.lab.checker.look()
        self.blame(self.lab.checker.always(view))
        return view

    def outlast_leases(self) -> None:
        """Wait until no lease taken so far holds."""
        time.sleep(max(0.0, self._last_fault + LEASE_S + 0.5 - time.monotonic()))

    def retried(self, works: Sequence[Work], deadline_s: float = 2 * LEASE_S + 6) -> None:
        """Try each again until it is done; one that does not come to that violates I7."""
        lab = self.lab
        ends = lab.beside(
            lambda work: converge(work, lab.sound(work.target), lab.ledger, deadline_s), works
        )
        for work, (outcome, tries) in zip(works, ends, strict=True):
            if not outcome.done:
                text = f"{work.label} of {work.person.uid}: after {tries} tries {outcome}"
                self.blame([Violation("I7", text)])

    def reconciled(self) -> dict[str, Any]:
        """Reconcile, and blame it for what it took away."""
        before = self.lab.checker.look()
        for path in before.leftovers:
            self._result_of(path).orphans_before += 1
        summary = self.lab.reconcile()
        if summary is None:
            self.blame([Violation("I7", "reconcile failed, without any fault around it")])
            summary = self.lab.reconcile()
        self.lost_to_reconcile(before)
        return summary or {}

    def lost_to_reconcile(self, before: View) -> None:
        """Blame a run of `reconcile` since `before` for what it took away."""
        self.blame(invariants.lost_to_reconcile(before, self.lab.checker.look()))

    def settle(self, works: Sequence[Work], *, once: bool = True) -> None:
        """Judge the moment after the faults; retry all, reconcile, and judge the end.

        Half of the works are retried before `reconcile`, half after it, because clients and
        the schedule do not wait for each other.
        """
        self.look()
        self.retried(works[::2])
        if self.lab.checker.look().unsettled:
            self.outlast_leases()
        self.reconciled()
        self.retried(works[1::2])
        self.judge(works, once=once)

    def judge(self, works: Sequence[Work] = (), *, once: bool = True) -> None:
        """Reconcile for the last time, and hold everything against what is there then."""
        if self.lab.checker.look().unsettled:
            # What met or was retried has left it, and its lease may have begun just now.
            self._last_fault = time.monotonic()
            self.outlast_leases()
        self.reconciled()
        view = self.lab.checker.look()
        self.blame(self.lab.checker.always(view))
        self.blame(self.lab.checker.settled(view, LEASE_S))
        self.blame(invariants.changed(self._at_first, view, self._witness.uid))
        for path in view.leftovers:
            self._result_of(path).orphans_after += 1
        if once:
            self._expect_one(works, view)
        self._read_back(works, view)

    def _expect_one(self, works: Sequence[Work], view: View) -> None:
        """Hold I7: after its retries a save, or what was restored, is there exactly once.

        What was renamed is there under its new name.
        """
        count = Counter(
            (record.uid, record.kind, record.label) for record in view.records if record.is_ready
        )
        for work in works:
            found = count[work.person.uid, work.kind, work.label]
            if isinstance(work, Save | Restore | Rename) and found != 1:
                text = f"{work.label} of {work.person.uid} is there {found} times"
                self.blame([Violation("I7", text)])
        names = {(one.uid, one.item_id): one.fields.get("name") for one in view.records}
        for work in works:
            if isinstance(work, Rename) and names[work.person.uid, work.item_id] != work.name:
                self.blame([Violation("I7", f"{work.label} of {work.person.uid} is not renamed")])

    def _read_back(self, works: Sequence[Work], view: View) -> None:
        """Hold I4 once more, as the API shows it."""
        places = sorted(
            {(work.person, work.kind) for work in works}, key=lambda place: place[0].uid
        )
        library = self.lab.sound("library")
        lists = self.lab.beside(lambda place: listed(library, *place), places)
        for (person, kind), items in zip(places, lists, strict=True):
            shown = {
                item["generation_id" if kind == "generations" else "voice_id"] for item in items
            }
            there = {record.item_id for record in view.of(person.uid, kind) if record.is_ready}
            for item_id in shown ^ there:
                text = f"acknowledged, {person.uid}/{kind}/{item_id}: list and documents differ"
                self.blame([Violation("I4", text)])
