"""A process that dies, at every boundary between two steps of its work."""

import collections
import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass

import httpx

from tests.chaos.clients import Work
from tests.chaos.experiment import Experiment, Result, begun
from tests.chaos.faults import Gate, Hold, Rule
from tests.chaos.lab import Lab
from tests.chaos.processes import FunctionProcess
from tests.chaos.violation import Violation
from tests.chaos.works import KINDS, Kind

_HELD_WITHIN_S = 20.0
# An instance has fewer threads for uploads than requests are held here: some never get there.
_STUCK_AFTER_S = 1.5
# Kills of `reconcile` within its first calls: it takes about so many to settle one leftover.
_CALLS_OF_ONE = 12


@dataclass(frozen=True)
class Boundary:
    """Before the n-th call of a piece of work is forwarded, or before its answer is given."""

    number: int
    kind: str
    answered: bool

    def __str__(self) -> str:
        return f"{'after' if self.answered else 'before'} {self.number} {self.kind}"


def boundaries(lab: Lab, kind: Kind) -> list[Boundary]:
    """Find the boundaries by doing the work once, on a warm function."""
    for _ in range(2):
        [work] = kind.make(lab, [lab.person()])
        lab.board.add(*kind.faults([work]))
        outcome = work.send(lab.faulty(kind.target), lab.ledger)
        if outcome.done != (kind.refused_upload is None):
            raise AssertionError(f"{kind} did not go as planned: {outcome}")
    calls = [entry.call for entry in lab.board.journal(work.person.uid)]
    return [
        Boundary(number, call.kind, answered)
        for number, call in enumerate(calls, start=1)
        for answered in (False, True)
    ]


def kill_at(
    lab: Lab, kind: Kind, victim: FunctionProcess, plan: Sequence[tuple[Work, Boundary]]
) -> list[Work]:
    """Kill a function when each work has come to its boundary; return those that have."""
    victim.ready()
    gate = Gate(len(plan), victim.kill)
    for work, boundary in plan:
        hold = Hold(gate, boundary.answered)
        lab.board.add(Rule(hold, uid=work.person.uid, first=boundary.number))
    lab.board.add(*kind.faults(work for work, _ in plan))
    sent = [lab.pool().submit(work.send, victim, lab.ledger) for work, _ in plan]
    started = moved = time.monotonic()
    come = 0
    while not gate.is_open:
        now = time.monotonic()
        if len(gate.held) > come:
            come, moved = len(gate.held), now
        over = sum(future.done() for future in sent)
        stuck = come > 0 and now > moved + _STUCK_AFTER_S
        if over + come >= len(plan) or stuck or now > started + _HELD_WITHIN_S:
            gate.open()
        time.sleep(0.005)
    wait(sent)
    lab.board.clear()
    return [work for work, _ in plan if work.person.uid in gate.held]


def killed_at_every_boundary(lab: Lab, name: str, runs: int) -> Iterable[Result]:
    """Kill `name`'s function at each boundary, `runs` times; then retry and reconcile."""
    kind = KINDS[name]
    with begun(lab, f"{name}: killed at a boundary") as experiment:
        found = boundaries(lab, kind)
        works: list[Work] = []
        victims = Victims(lab, kind.target, kind.environ)
        for boundary in found:
            left = runs
            while left > 0:
                group = kind.make(lab, [lab.person() for _ in range(left)])
                held = kill_at(lab, kind, next(victims), [(work, boundary) for work in group])
                experiment.result.answers[str(boundary)] += len(held)
                works += group
                # At least one less each time, whether or not anything is held there.
                left -= max(1, len(held))
        experiment.result.runs = experiment.result.answers.total()
        victims.close()
        experiment.settle(works)
    return experiment.results


def reconcile_killed(lab: Lab, kills: int) -> Iterable[Result]:
    """Kill `reconcile` at a call of its own, again and again, amid all kinds of leftovers."""
    with begun(lab, "reconcile: killed at a boundary") as experiment:
        plans = [(kind, boundaries(lab, kind)) for kind in KINDS.values()]
        moments = itertools.cycle(itertools.product(range(1, _CALLS_OF_ONE + 1), (False, True)))
        while experiment.result.runs < kills:
            works = _leave_behind(lab, plans)
            experiment.look()
            experiment.outlast_leases()
            sound = _kill_reconcile(experiment, moments, kills)
            experiment.reconciled()
            experiment.retried(works)
            experiment.judge(works)
            if not sound:
                # One that fails by itself dies before its turn: the rest would show no more.
                break
    return experiment.results


def _leave_behind(lab: Lab, plans: Sequence[tuple[Kind, Sequence[Boundary]]]) -> list[Work]:
    """Let every kind of work die at each of its boundaries once."""
    works: list[Work] = []
    for kind, found in plans:
        # It starts while what it is to meet is made.
        victim = lab.victim(kind.target, **kind.environ)
        group = kind.make(lab, [lab.person() for _ in found])
        kill_at(lab, kind, victim, list(zip(group, found, strict=True)))
        works += group
    return works


def _kill_reconcile(
    experiment: Experiment, moments: Iterator[tuple[int, bool]], kills: int
) -> bool:
    """Start and kill until a run gets through before its turn to die, or there were enough.

    Return False when a run failed without having been killed.
    """
    lab = experiment.lab
    before = lab.checker.look()
    victims = Victims(lab, "reconcile")
    while experiment.result.runs < kills:
        victim = next(victims).ready()
        gate = Gate(1, victim.kill)
        number, answered = next(moments)
        lab.board.add(Rule(Hold(gate, answered), first=number))
        got_through = _ran(victim.url)
        calls = lab.board.journal()
        lab.board.clear()
        if not gate.is_open:
            break
        call = calls[number - 1].call.kind
        experiment.result.runs += 1
        experiment.result.answers[f"{'after' if answered else 'before'} {call}"] += 1
    else:
        got_through = True
    victims.close()
    experiment.lost_to_reconcile(before)
    if not got_through:
        experiment.blame([Violation("I7", "reconcile failed, without any fault around it")])
    return got_through


class Victims:
    """Functions to be killed one after another.

    The next two start while one is at work: starting takes longer than dying.
    """

    def __init__(self, lab: Lab, target: str, environ: Mapping[str, str] | None = None) -> None:
        self._lab, self._target, self._environ = lab, target, environ or {}
        self._started = collections.deque(self._victim() for _ in range(2))
        self._given: FunctionProcess | None = None

    def __next__(self) -> FunctionProcess:
        self._end_given()
        self._started.append(self._victim())
        self._given = self._started.popleft()
        return self._given

    def _victim(self) -> FunctionProcess:
        return self._lab.victim(self._target, **self._environ)

    def close(self) -> None:
        """End those that were not needed."""
        self._end_given()
        for victim in self._started:
            victim.kill()

    def _end_given(self) -> None:
        if self._given is not None:
            self._given.kill()


def _ran(url: str) -> bool:
    try:
        answer = httpx.post(f"{url}/", json={"deep": True}, timeout=60, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code == 200
