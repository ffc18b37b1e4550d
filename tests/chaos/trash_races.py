"""Restoring, and what may meet it: deleting, deleting for good, saving anew, and `reconcile`."""

import time
from collections.abc import Iterable
from dataclasses import replace

from tests.chaos.clients import Delete, Restore, speech_save, voice_save
from tests.chaos.experiment import Experiment, Result, begun
from tests.chaos.faults import COMMIT, Gate, Hold, Rule
from tests.chaos.lab import LEASE_S, Lab, in_threads
from tests.chaos.ledger import ABSENT
from tests.chaos.works import stocked

# For so long can be restored what a function of an experiment deletes. Longer, and the calls that
# are held until it is purged would be given up meanwhile, after 10 s.
_SHORT_S = 2


def restores_meet(lab: Lab, runs: int) -> Iterable[Result]:
    """Restore voices with their generations while they are deleted, purged and saved anew."""
    with begun(lab, "restore during delete, purge and save") as experiment:
        pairs = stocked(lab, [lab.person() for _ in range(runs)])
        lab.deleted(*(delete for delete, _ in pairs))
        for number, (delete, restore) in enumerate(pairs):
            _restored_amid(experiment, delete, restore, number)
        experiment.result.runs = runs
        experiment.judge([restore for _, restore in pairs], once=False)
    return experiment.results


def _restored_amid(experiment: Experiment, delete: Delete, restore: Restore, number: int) -> None:
    """Restore one voice, by itself and among others, while one of the rest is done to it."""
    lab = experiment.lab
    library, saves = lab.sound("library"), lab.sound("voices_save")
    over = voice_save(delete.person)
    again = [
        lambda: delete.send(library, lab.ledger),
        lambda: replace(delete, permanent=True).send(library, lab.ledger),
        lambda: replace(delete, permanent=True, along=()).send(library, lab.ledger),
        lambda: over.send(saves, lab.ledger),
    ]
    works = [restore, restore, over if number % len(again) == len(again) - 1 else delete]
    acts = [
        lambda: replace(restore, ids=()).send(library, lab.ledger),
        lambda: restore.send(library, lab.ledger),
        again[number % len(again)],
        lab.reconcile,
    ]
    experiment.note(works, in_threads(acts)[: len(works)])
    # Which of them came last is not known to their clients.
    uid = delete.person.uid
    for state in (ABSENT, restore.state, over.state):
        lab.ledger.sent(uid, "voices", delete.label, state)
    for label, state in restore.along:
        lab.ledger.sent(uid, "generations", label, ABSENT)
        lab.ledger.sent(uid, "generations", label, state)


def purge_meets_held_restore(lab: Lab, runs: int) -> Iterable[Result]:
    """Purge what is due while the writes that would have restored it in time still hang."""
    with begun(lab, "purge before a late restore") as experiment:
        brief = lab.victim("library", UNDO_FOR_S=str(_SHORT_S)).ready()
        pairs = stocked(lab, [lab.person() for _ in range(runs)])
        lab.beside(lambda pair: pair[0].send(brief, lab.ledger), pairs)
        deleted_at = time.monotonic()
        restores = [
            restore if number % 2 else replace(restore, ids=())
            for number, (_, restore) in enumerate(pairs)
        ]
        gate = Gate(len(restores) + 1, lambda: None)
        for restore in restores:
            lab.board.add(Rule(Hold(gate, answered=False), COMMIT, restore.person.uid))
        library = lab.faulty("library")
        sent = [lab.pool().submit(restore.send, library, lab.ledger) for restore in restores]
        while len(gate.held) < len(restores) and time.monotonic() < deleted_at + _SHORT_S:
            time.sleep(0.02)
        experiment.result.answers["held"] = len(gate.held)
        time.sleep(max(0.0, deleted_at + _SHORT_S + LEASE_S + 0.5 - time.monotonic()))
        lab.reconcile()
        # Dropped here, and tried again by the client library: it comes after `reconcile`.
        gate.open()
        experiment.note(restores, [future.result() for future in sent])
        experiment.result.runs = len(restores)
        experiment.judge(restores, once=False)
    return experiment.results


def deletions_take_late_speech(lab: Lab, runs: int) -> Iterable[Result]:
    """Delete voices with their generations while speech is saved and the first is restored."""
    with begun(lab, "delete with generations during saves") as experiment:
        pairs = stocked(lab, [lab.person() for _ in range(runs)])
        for delete, restore in pairs:
            _taken_amid(experiment, delete, restore)
        experiment.result.runs = runs
        restores = [replace(restore, ids=()) for _, restore in pairs]
        experiment.retried(restores)
        experiment.judge(restores)
    return experiment.results


def _taken_amid(experiment: Experiment, delete: Delete, restore: Restore) -> None:
    lab = experiment.lab
    library = lab.sound("library")
    speeches = [speech_save(delete.person, delete.item_id, key=f"key {n}") for n in range(3)]
    acts = [
        *(lambda s=s: s.send(lab.sound("tts_save"), lab.ledger) for s in speeches),
        lambda: delete.send(library, lab.ledger),
        lambda: replace(restore, ids=()).send(library, lab.ledger),
        lambda: delete.send(library, lab.ledger),
    ]
    outcomes = in_threads(acts)
    experiment.note([*speeches, delete, restore, delete], outcomes)
    uid = delete.person.uid
    # Speech that is saved in time goes with its voice, and later speech stays.
    for label, state in ((speech.label, speech.state) for speech in speeches):
        lab.ledger.sent(uid, "generations", label, ABSENT)
        lab.ledger.sent(uid, "generations", label, state)
    lab.ledger.sent(uid, "voices", delete.label, restore.state)
    lab.ledger.sent(uid, "voices", delete.label, ABSENT)
    for label, state in restore.along:
        lab.ledger.sent(uid, "generations", label, state)
        lab.ledger.sent(uid, "generations", label, ABSENT)
