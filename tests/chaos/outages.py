"""Storage and Firestore that fail in every way that a network and a service can."""

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import grpc

from tests.chaos import faults
from tests.chaos.clients import Save, Work, break_off
from tests.chaos.experiment import Result, begun
from tests.chaos.faults import COMMIT, DELETE, EVER, READ, UPLOAD, Rule
from tests.chaos.lab import Lab
from tests.chaos.works import (
    MakeWorks,
    bulk_restores,
    new_voices,
    replacements,
    speech_deletions,
    speeches,
    voice_deletions,
    voice_deletions_for_good,
    whole_deletions,
    whole_restores,
)

# An instance has eight threads for uploads: those that wait for ever would hold up all others.
_INSTANCES = 8
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
ABORTED = grpc.StatusCode.ABORTED
DEADLINE = grpc.StatusCode.DEADLINE_EXCEEDED


@dataclass(frozen=True)
class Outage:
    """A named fault: what is done to which calls of one piece of work."""

    name: str
    make: MakeWorks
    rules: Callable[[str], Sequence[Rule]]


def _outage(name: str, make: MakeWorks, *parts: functools.partial[Rule]) -> Outage:
    return Outage(name, make, lambda uid: [part(uid=uid) for part in parts])


def _at(
    action: faults.Action, kind: str, first: int = 1, times: int = 1
) -> functools.partial[Rule]:
    return functools.partial(Rule, action, kind, first=first, times=times)


# A small save has about 10 kB of audio: 5,000 bytes are in the middle of it.
STORAGE = (
    _outage("upload reset before the body", new_voices, _at(faults.Reset(), UPLOAD)),
    _outage("upload reset in the middle", new_voices, _at(faults.Reset(5000), UPLOAD)),
    _outage("upload cut in the middle", new_voices, _at(faults.Cut(5000), UPLOAD)),
    _outage("upload cut every time", new_voices, _at(faults.Cut(5000), UPLOAD, 1, EVER)),
    _outage("upload answered 503 once", new_voices, _at(faults.Answer(503), UPLOAD)),
    _outage("upload answered 408", new_voices, _at(faults.Answer(408), UPLOAD)),
    _outage("upload answered 429", new_voices, _at(faults.Answer(429), UPLOAD)),
    _outage("upload answered 403", new_voices, _at(faults.Answer(403), UPLOAD)),
    _outage("Storage 503 for ever", new_voices,
            _at(faults.Answer(503), UPLOAD, 1, EVER), _at(faults.Answer(503), DELETE, 1, EVER)),
    _outage("second upload 503 for ever", new_voices,
            _at(faults.Answer(503), UPLOAD, 2, EVER)),
    _outage("upload 2 s slow", new_voices, _at(faults.Slow(2), UPLOAD)),
    # Longer than the function waits for an answer: what it gave up is written all the same.
    _outage("upload arrives after it was given up", new_voices, _at(faults.Slow(33), UPLOAD)),
    _outage("upload throttled", new_voices, _at(faults.Throttle(4000), UPLOAD)),
    _outage("upload's answer lost", new_voices, _at(faults.LoseAnswer(), UPLOAD)),
    _outage("upload's answer lost, speech", speeches, _at(faults.LoseAnswer(), UPLOAD)),
    _outage("both uploads' answers lost", new_voices, _at(faults.LoseAnswer(), UPLOAD, 1, 2)),
    _outage("uploads' answers always lost", new_voices,
            _at(faults.LoseAnswer(), UPLOAD, 1, EVER)),
    _outage("removal of the old version fails", replacements,
            _at(faults.Answer(503), DELETE, 1, EVER)),
    _outage("removal's answer lost", replacements, _at(faults.LoseAnswer(), DELETE)),
    _outage("delete: removal fails", voice_deletions_for_good,
            _at(faults.Answer(503), DELETE, 1, EVER)),
    _outage("replace: upload fails for ever", replacements,
            _at(faults.Answer(503), UPLOAD, 1, EVER)),
)  # fmt: skip

FIRESTORE = (
    _outage("unavailable at the first read", new_voices, _at(faults.Fail(UNAVAILABLE), READ)),
    _outage("unavailable at reserve", new_voices, _at(faults.Fail(UNAVAILABLE), COMMIT)),
    _outage("unavailable at confirm", new_voices, _at(faults.Fail(UNAVAILABLE), COMMIT, 2)),
    _outage("unavailable at confirm, speech", speeches,
            _at(faults.Fail(UNAVAILABLE), COMMIT, 2)),
    _outage("unavailable at confirm, replace", replacements,
            _at(faults.Fail(UNAVAILABLE), COMMIT, 2)),
    _outage("unavailable at all commits", new_voices,
            _at(faults.Fail(UNAVAILABLE), COMMIT, 1, 40)),
    _outage("unavailable from the upload on", new_voices,
            _at(faults.Fail(UNAVAILABLE), COMMIT, 2, 40),
            _at(faults.Fail(UNAVAILABLE), READ, 2, 40)),
    _outage("deadline at reserve", new_voices, _at(faults.Fail(DEADLINE), COMMIT)),
    _outage("deadline at confirm", new_voices, _at(faults.Fail(DEADLINE), COMMIT, 2)),
    _outage("reserve arrives after its deadline", new_voices, _at(faults.Slow(11), COMMIT)),
    _outage("confirm arrives after its deadline", new_voices,
            _at(faults.Slow(11), COMMIT, 2)),
    _outage("5 aborted at reserve", new_voices, _at(faults.Fail(ABORTED), COMMIT, 1, 5)),
    _outage("1 aborted at confirm", new_voices, _at(faults.Fail(ABORTED), COMMIT, 2)),
    _outage("5 aborted at confirm", speeches, _at(faults.Fail(ABORTED), COMMIT, 2, 5)),
    _outage("5 aborted at confirm, replace", replacements,
            _at(faults.Fail(ABORTED), COMMIT, 2, 5)),
    _outage("reserve's answer lost", new_voices, _at(faults.LoseAnswer(), COMMIT)),
    _outage("reserve's answer lost, speech", speeches, _at(faults.LoseAnswer(), COMMIT)),
    _outage("reserve's answer lost, replace", replacements, _at(faults.LoseAnswer(), COMMIT)),
    _outage("confirm's answer lost", new_voices, _at(faults.LoseAnswer(), COMMIT, 2)),
    _outage("confirm's answer lost, speech", speeches, _at(faults.LoseAnswer(), COMMIT, 2)),
    _outage("confirm's answer lost, replace", replacements,
            _at(faults.LoseAnswer(), COMMIT, 2)),
    _outage("every commit's answer lost", replacements,
            _at(faults.LoseAnswer(), COMMIT, 1, EVER)),
    _outage("delete: first commit's answer lost", voice_deletions,
            _at(faults.LoseAnswer(), COMMIT)),
    _outage("delete: first commit's answer lost, speech", speech_deletions,
            _at(faults.LoseAnswer(), COMMIT)),
    _outage("delete: last commit unavailable", voice_deletions_for_good,
            _at(faults.Fail(UNAVAILABLE), COMMIT, 2)),
    _outage("delete: every commit's answer lost", voice_deletions_for_good,
            _at(faults.LoseAnswer(), COMMIT, 1, EVER)),
    _outage("delete with generations: every commit's answer lost", whole_deletions,
            _at(faults.LoseAnswer(), COMMIT, 1, EVER)),
    _outage("delete with generations: unavailable half way", whole_deletions,
            _at(faults.Fail(UNAVAILABLE), COMMIT, 2, 40)),
    _outage("restore: commit's answer lost", whole_restores,
            _at(faults.LoseAnswer(), COMMIT)),
    _outage("restore: aborted", bulk_restores, _at(faults.Fail(ABORTED), COMMIT, 1, 3)),
    _outage("delete: aborted", speech_deletions, _at(faults.Fail(ABORTED), COMMIT, 1, 3)),
)  # fmt: skip


def outages(lab: Lab, name: str, kinds: Sequence[Outage], runs: int) -> Iterable[Result]:
    """Send `runs` pieces of work into each outage, all at about the same time."""
    with begun(lab, name) as experiment:
        works: list[Work] = []
        instances: dict[str, int] = {}
        for kind in kinds:
            group = kind.make(lab, [lab.person() for _ in range(runs)])
            result = experiment.kind(f"{name}: {kind.name}", [work.person for work in group])
            result.runs = len(group)
            for number, work in enumerate(group):
                lab.board.add(*kind.rules(work.person.uid))
                instance = number % _INSTANCES if work.target == "voices_save" else 0
                instances[work.person.uid] = instance
                lab.faulty(work.target, instance)
            works += group
        experiment.result.runs = len(works)
        experiment.send(works, lambda work: lab.faulty(work.target, instances[work.person.uid]))
        # A call that a fault has delayed may still arrive.
        experiment.settle(works)
    return experiment.results


def refused(lab: Lab, runs: int) -> Iterable[Result]:
    """Refuse every connection to Storage while saves and replacements run."""
    with begun(lab, "Storage: connections refused") as experiment:
        half = max(1, runs // 2)
        works = [
            *new_voices(lab, [lab.person() for _ in range(half)]),
            *replacements(lab, [lab.person() for _ in range(half)]),
        ]
        experiment.result.runs = len(works)
        lab.faulty("voices_save")
        with lab.storage.refusing():
            experiment.send(works, lambda work: lab.faulty(work.target))
        experiment.settle(works)
    return experiment.results


def gone_clients(lab: Lab, runs: int, share: float) -> Iterable[Result]:
    """Let clients go when so much of the body is sent; nothing of it may stay."""
    with begun(lab, f"client gone at {share:.0%} of the body") as experiment:
        people = [lab.person() for _ in range(runs)]
        works = [work for work in new_voices(lab, people) if isinstance(work, Save)]
        experiment.result.runs = len(works)
        server = lab.sound("voices_save")
        lab.beside(lambda save: break_off(save, server, lab.ledger, share), works)
        view = experiment.look()
        uids = {person.uid for person in people}
        for record in view.records:
            if record.uid in uids:
                experiment.result.answers["written"] += 1
        experiment.settle(works)
    return experiment.results
