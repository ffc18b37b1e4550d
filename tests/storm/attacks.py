"""Who kills functions, keeps them from writing, puts their clocks wrong, and reconciles."""

import random
import threading
import time
from collections.abc import Callable, Collection
from typing import Self

from tests.chaos import faults
from tests.chaos.faults import EVER
from tests.chaos.job_lab import Instance
from tests.chaos.lab import LEASE_S
from tests.storm.fleet import INSTANCES, Fleet
from tests.storm.record import Record

# A day and an hour: more than uploads may lie, or anything can be restored.
SHIFTS_S = (0, 0, 90_000, -90_000, 45)
_BOUNDARIES = (faults.COMMIT, faults.COMMIT, faults.READ, faults.UPLOAD, faults.DELETE, None)
_AT_ANY_MOMENT, _OUTAGES = 0.3, 0.4
_KILL_WITHIN_S, _OUTAGE_S = 1.5, 0.7
_RECONCILE_EVERY_S = 5.0


class Attacks:
    """Two threads: one attacks, one is the schedule. A context manager."""

    def __init__(
        self,
        fleet: Fleet,
        record: Record,
        kills: int,
        operations: int,
        *,
        targets: Collection[str] = tuple(INSTANCES),
    ) -> None:
        """Spread so many kills of these functions over so many operations."""
        self._fleet, self._record = fleet, record
        self._victims = [one for target in targets for one in fleet.instances[target]]
        self._kills, self._operations = kills, operations
        self._dice = random.Random(f"{record.seed} attacks")
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(act,))
            for act in (self._attack, self._schedule)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            self._record.blame("storm", f"{act.__name__} ended: {error!r}")

    def _attack(self) -> None:
        for number in range(self._kills):
            due = self._operations * (number + self._dice.random()) / self._kills
            while self._record.operations < due:
                if self._over.wait(0.05):
                    return
            instance = self._dice.choice(self._victims)
            self._fleet.faulted(instance)
            if self._dice.random() < _OUTAGES:
                self._outage(instance)
            self._kill(instance)
            self._fleet.faulted(instance)

    def _outage(self, instance: Instance) -> None:
        times, arriving = self._dice.choice((1, 1, 2, EVER)), self._dice.random() < 0.5
        number = self._dice.randint(1, 3)
        instance.lose_commits(number, times, arriving=arriving, for_s=_OUTAGE_S)
        self._record.outages += 1
        self._fleet.faulted(instance)

    def _kill(self, instance: Instance) -> None:
        shift_s = self._dice.choice(SHIFTS_S)
        instance.environ["CLOCK_SHIFT_S"] = str(shift_s)
        if self._dice.random() < _AT_ANY_MOMENT:
            instance.process.kill()
            instance.restart()
        else:
            instance.die_at(
                self._dice.choice(_BOUNDARIES),
                self._dice.randint(1, 6),
                answered=self._dice.random() < 0.5,
                within_s=_KILL_WITHIN_S,
            )
        self._record.kills += 1

    def _schedule(self) -> None:
        while not self._over.wait(self._dice.uniform(0.3, 1) * _RECONCILE_EVERY_S):
            deep = self._dice.random() < 0.5
            if self._dice.random() < 0.5:
                self._fleet.call(None, "reconcile", "POST", "/", json={"deep": deep})
            answer = self._fleet.reconcile_sound(deep=deep)
            self._record.reconciled += 1
            # What is replaced while the bucket is looked through is counted as missing, rightly.
            if answer.status != 200 or answer.body["failed"]:
                self._record.blame("reconcile", f"{answer} {dict(answer.body)}")


def outlast_leases() -> None:
    """Wait until no lease that was taken so far holds."""
    time.sleep(LEASE_S + 1.5)
