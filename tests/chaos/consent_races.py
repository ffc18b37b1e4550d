"""Withdrawing consent amid saves: what is under way by then never comes to be."""

import time
from collections.abc import Iterable

from tests.chaos.clients import Person, Withdraw, listed, speech_save, voice_save
from tests.chaos.experiment import Experiment, Result, begun
from tests.chaos.faults import UPLOAD, Gate, Hold, Rule
from tests.chaos.lab import Lab, in_threads
from tests.chaos.ledger import ABSENT
from tests.chaos.violation import Violation

_PARALLEL = 8


def withdrawal_meets_speech(lab: Lab, runs: int) -> Iterable[Result]:
    """Withdraw while the uploads of eight speeches hang, and while eight more are being saved."""
    with begun(lab, "consent withdrawn amid speech") as experiment:
        people = [lab.person() for _ in range(runs)]
        voices = lab.saved(*(voice_save(person) for person in people))
        for person, voice in zip(people, voices, strict=True):
            _withdrawn_amid(experiment, person, voice.body["voice_id"])
        experiment.result.runs = _PARALLEL * runs
        experiment.judge()
    return experiment.results


def _withdrawn_amid(experiment: Experiment, person: Person, voice_id: str) -> None:
    lab = experiment.lab
    held = [speech_save(person, voice_id, key=f"key {n}") for n in range(_PARALLEL)]
    free = [speech_save(person, voice_id) for _ in range(_PARALLEL)]
    gate = Gate(_PARALLEL, lambda: None)
    # An upload that has no answer for long is sent again: that is held, too.
    lab.board.add(Rule(Hold(gate, answered=True), UPLOAD, person.uid, times=2 * _PARALLEL))
    faulty, sound, library = lab.faulty("tts_save"), lab.sound("tts_save"), lab.sound("library")
    hung = [lab.pool().submit(save.send, faulty, lab.ledger) for save in held]
    while _uploads(lab, person) < _PARALLEL:
        time.sleep(0.02)
    shown: set[str] = set()
    work = Withdraw(person, "voices", voice_id, voice_id)

    def withdraw() -> None:
        experiment.note([work], [work.send(library, lab.ledger)])
        shown.update(_texts(lab, person))

    in_threads([withdraw, *(lambda s=save: s.send(sound, lab.ledger) for save in free)])
    gate.open()
    experiment.note(held, [one.result() for one in hung])
    if _texts(lab, person) != shown:
        text = f"{person.uid}: speech came to be after the consent was withdrawn"
        experiment.blame([Violation("I5", text)])
    ended = [save for save in held if save.label not in shown]
    codes = {save.send(sound, lab.ledger).code for save in ended}
    if codes != {"permission_denied"}:
        text = f"{person.uid}: {len(ended)} saves that were ended are answered {codes}"
        experiment.blame([Violation("I7", text)])
    for save in [*held, *free]:
        # Whether it was saved before is not known to the withdrawal's client.
        lab.ledger.sent(person.uid, "generations", save.label, ABSENT)
        lab.ledger.sent(person.uid, "generations", save.label, save.state)


def _uploads(lab: Lab, person: Person) -> int:
    return sum(entry.call.kind == UPLOAD for entry in lab.board.journal(person.uid))


def _texts(lab: Lab, person: Person) -> set[str]:
    library = lab.sound("library")
    return {item["text_input"] for item in listed(library, person, "generations")}
