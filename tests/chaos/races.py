"""Works that meet: one key, one name, one quota; `reconcile` and deletes amid all of them."""

import time
from collections.abc import Iterable

from tests.chaos.clients import Delete, Outcome, Person, Save, listed, speech_save, voice_save
from tests.chaos.experiment import Experiment, Result, begun
from tests.chaos.faults import UPLOAD, Gate, Hold, Rule, Throttle
from tests.chaos.lab import LEASE_S, Lab, in_threads
from tests.chaos.violation import Violation

_PARALLEL = 8
_QUOTA, _RIVALS = 5, 12


def one_key(lab: Lab, rounds: int) -> Iterable[Result]:
    """Send the same save eight times at once with one key: one record, one answer for all."""
    with begun(lab, f"{_PARALLEL} parallel saves with one key") as experiment:
        saves: list[Save] = []
        for number in range(rounds):
            person = lab.person()
            if number % 2:
                [voice] = lab.saved(voice_save(person))
                save = speech_save(person, voice.body["voice_id"], key=f"key {number}")
            else:
                save = voice_save(person, key=f"key {number}")
            outcomes = _send_at_once(experiment, [save] * _PARALLEL)
            _expect_one_answer(experiment, save, outcomes)
            saves.append(save)
        experiment.result.runs = rounds * _PARALLEL
        experiment.retried(saves)
        experiment.judge(saves)
    return experiment.results


def _expect_one_answer(experiment: Experiment, save: Save, outcomes: list[Outcome]) -> None:
    done = [outcome for outcome in outcomes if outcome.done]
    ids = {outcome.body.get("generation_id") or outcome.body["voice_id"] for outcome in done}
    first = [outcome for outcome in done if not outcome.replayed]
    unexpected = [o for o in outcomes if not o.done and o.code != "in_progress"]
    who = f"{save.label} of {save.person.uid}"
    if len(ids) != 1 or len(first) != 1:
        text = f"{who}: {len(first)} of {len(done)} saves answered as the first, as {sorted(ids)}"
        experiment.blame([Violation("I3", text)])
    experiment.blame(Violation("I7", f"{who}: {outcome}") for outcome in unexpected)


def _send_at_once(experiment: Experiment, saves: list[Save]) -> list[Outcome]:
    lab = experiment.lab

    def sender(save: Save):
        return lambda: save.send(lab.sound(save.target), lab.ledger)

    outcomes = in_threads([sender(save) for save in saves])
    experiment.note(saves, outcomes)
    return outcomes


def one_name(lab: Lab, rounds: int) -> Iterable[Result]:
    """Let two users save a new voice of the same name with the same key at the same time."""
    with begun(lab, "the same new name by two users at once") as experiment:
        saves = []
        for number in range(rounds):
            pair = [voice_save(lab.person(), "Shared", key=f"key {number}") for _ in range(2)]
            for outcome in _send_at_once(experiment, pair):
                if outcome.status != 201:
                    text = f"a user's save was not independent of another's: {outcome}"
                    experiment.blame([Violation("I5", text)])
            saves += pair
        experiment.result.runs = 2 * rounds
        experiment.judge(saves)
    return experiment.results


def other_content(lab: Lab, rounds: int) -> Iterable[Result]:
    """Let one user save two voices of one new name at once: one is kept, one is refused."""
    with begun(lab, "the same new name twice by one user") as experiment:
        kept: list[Save] = []
        for _ in range(rounds):
            person = lab.person()
            pair = [voice_save(person, "Twice") for _ in range(2)]
            outcomes = _send_at_once(experiment, pair)
            kept += [save for save, outcome in zip(pair, outcomes, strict=True) if outcome.done]
            if sum(outcome.done for outcome in outcomes) != 1:
                text = f"{person.uid}: {[outcome.code for outcome in outcomes]}"
                experiment.blame([Violation("I3", text)])
        experiment.result.runs = 2 * rounds
        experiment.judge(kept)
    return experiment.results


def quota(lab: Lab, rounds: int) -> Iterable[Result]:
    """Let twelve saves at once compete for five places; also while some places are freed."""
    with begun(lab, f"quota of {_QUOTA}, {_RIVALS} at once") as experiment:
        kept: list[Save] = []
        for _ in range(rounds):
            person = lab.person()
            # An operator's override, as the contract has it in users/{uid}.
            lab.client.document("users", person.uid).set({"limits": {"voices": _QUOTA}})
            saves = [voice_save(person, f"Rival {number}") for number in range(_RIVALS)]
            outcomes = _send_at_once(experiment, saves)
            winners = [s for s, outcome in zip(saves, outcomes, strict=True) if outcome.done]
            others = {outcome.code for outcome in outcomes if not outcome.done}
            if len(winners) != _QUOTA or others - {"quota_exceeded"}:
                text = f"{person.uid}: {len(winners)} saved, the others {others}"
                experiment.blame([Violation("counters", text)])
            kept += winners
        experiment.result.runs = rounds * _RIVALS
        experiment.judge(kept)
    return experiment.results


def reconcile_meets_slow_saves(lab: Lab, runs: int) -> Iterable[Result]:
    """Reconcile again and again while throttled saves run, within their lease and beyond it."""
    with begun(lab, "reconcile against slow saves") as experiment:
        people = [lab.person() for _ in range(runs)]
        lab.saved(*(voice_save(person) for person in people[::2]))
        saves = [
            voice_save(person, replace="true", key=f"key {number}" if number % 3 else None)
            for number, person in enumerate(people)
        ]
        size = len(saves[0].audio)
        for number, person in enumerate(people):
            # From half the lease to one and a half: some must come through, some must give way.
            seconds = LEASE_S * (0.5 + number / max(1, len(people) - 1))
            lab.board.add(Rule(Throttle(size / seconds), UPLOAD, uid=person.uid))
        experiment.result.runs = len(saves)
        _amid_reconcile(experiment, saves)
        experiment.settle(saves)
    return experiment.results


def _amid_reconcile(experiment: Experiment, saves: list[Save]) -> None:
    lab = experiment.lab
    server = lab.faulty("voices_save")
    sent = [lab.pool().submit(save.send, server, lab.ledger) for save in saves]
    while not all(future.done() for future in sent):
        lab.reconcile()
        experiment.blame(lab.checker.always(lab.checker.look()))
        time.sleep(0.3)
    experiment.note(saves, [future.result() for future in sent])


def reconcile_meets_held_confirm(lab: Lab, runs: int) -> Iterable[Result]:
    """Reconcile when the uploads are done and a save hangs just before its last write."""
    with begun(lab, "reconcile before a late confirm") as experiment:
        saves = [voice_save(lab.person(), key=f"key {number}") for number in range(runs)]
        gate = Gate(len(saves) + 1, lambda: None)
        for save in saves:
            lab.board.add(Rule(Hold(gate, answered=False), "commit", save.person.uid, first=2))
        server = lab.faulty("voices_save")
        sent = [lab.pool().submit(save.send, server, lab.ledger) for save in saves]
        while len(gate.held) < len(saves):
            time.sleep(0.02)
        experiment.look()
        experiment.outlast_leases()
        lab.reconcile()
        # Dropped here, and tried again by the client library: it comes after `reconcile`.
        gate.open()
        experiment.note(saves, [future.result() for future in sent])
        experiment.result.runs = len(saves)
        experiment.settle(saves)
    return experiment.results


def speech_during_replace(lab: Lab, runs: int) -> Iterable[Result]:
    """Save speech of a voice whose new version is being uploaded: both must come to be."""
    with begun(lab, "speech saved during a replace") as experiment:
        saves = [voice_save(lab.person()) for _ in range(runs)]
        voices = lab.saved(*saves)
        newer = [voice_save(save.person, replace="true") for save in saves]
        speeches = [
            speech_save(save.person, voice.body["voice_id"], key="speech")
            for save, voice in zip(saves, voices, strict=True)
        ]
        gate = Gate(len(newer) + 1, lambda: None)
        for save in newer:
            lab.board.add(Rule(Hold(gate, answered=True), UPLOAD, save.person.uid))
        server = lab.faulty("voices_save")
        sent = [lab.pool().submit(save.send, server, lab.ledger) for save in newer]
        while len(gate.held) < len(newer):
            time.sleep(0.02)
        lab.saved(*speeches)
        # The uploads' answers are lost, and the library finds them written when it tries again.
        gate.open()
        experiment.note(newer, [future.result() for future in sent])
        experiment.result.runs = len(newer)
        experiment.settle([*newer, *speeches])
    return experiment.results


def deletes_meet(lab: Lab, runs: int) -> Iterable[Result]:
    """Delete voices while speech of theirs is saved, they are replaced, and all is listed."""
    with begun(lab, "delete during list, save and replace") as experiment:
        saves: list[Save] = []
        for number in range(runs):
            person = lab.person()
            saves += _delete_amid(experiment, person, number)
        experiment.result.runs = runs
        experiment.retried(saves)
        experiment.judge(saves)
    return experiment.results


def _delete_amid(experiment: Experiment, person: Person, number: int) -> list[Save]:
    """Do all at once to one voice; return the speeches that were acknowledged, which must stay."""
    lab = experiment.lab
    [voice] = lab.saved(voice_save(person))
    voice_id = voice.body["voice_id"]
    before = speech_save(person, voice_id)
    [spoken] = lab.saved(before)
    generation_id = spoken.body["generation_id"]
    speeches = [speech_save(person, voice_id, key=f"key {n}") for n in range(3)]
    newer = voice_save(person, replace="true")
    library = lab.sound("library")
    acts = [
        *(lambda s=s: s.send(lab.sound("tts_save"), lab.ledger) for s in speeches),
        lambda: Delete(person, "voices", voice_id, voice_id).send(library, lab.ledger),
        lambda: Delete(person, "generations", before.label, generation_id).send(
            library, lab.ledger
        ),
        lambda: _listing(experiment, person),
    ]
    if number % 2:
        acts.append(lambda: newer.send(lab.sound("voices_save"), lab.ledger))
    outcomes = in_threads(acts)
    # Which of a delete and a save came last is not known to their clients.
    lab.ledger.sent(person.uid, "voices", voice_id, newer.state)
    lab.ledger.sent(person.uid, "voices", voice_id, None)
    sent = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    works = [*speeches, newer, newer, newer][: len(sent)]
    experiment.note(works, sent)
    return [save for save, o in zip(speeches, outcomes, strict=False) if o.done]


def _listing(experiment: Experiment, person: Person) -> None:
    for _ in range(5):
        for kind in ("voices", "generations"):
            for item in listed(experiment.lab.sound("library"), person, kind):
                if not (item.get("sample") or item["audio"])["sha256"]:
                    experiment.blame([Violation("I1", f"{person.uid} is shown half of an item")])


def made_anew(lab: Lab, runs: int) -> Iterable[Result]:
    """Delete a voice, save another of its name, then delete what the first one had spoken."""
    with begun(lab, "a voice made anew, old speech deleted") as experiment:
        firsts = [voice_save(lab.person()) for _ in range(runs)]
        lab.saved(*firsts)
        spoken = [speech_save(save.person, save.label, key="speech") for save in firsts]
        generations = lab.saved(*spoken)
        library = lab.sound("library")
        for save in firsts:
            Delete(save.person, save.kind, save.label, save.label).send(library, lab.ledger)
        anew = [voice_save(save.person) for save in firsts]
        lab.saved(*anew)
        deletes = [
            Delete(save.person, save.kind, save.label, outcome.body["generation_id"])
            for save, outcome in zip(spoken, generations, strict=True)
        ]
        experiment.send(deletes, lambda _: library)
        experiment.result.runs = len(deletes)
        experiment.judge([*anew, *deletes])
    return experiment.results


def planted(lab: Lab, count: int) -> Iterable[Result]:
    """Plant objects without documents and take objects from items: all found, nothing else."""
    with begun(lab, f"planted orphans, {count} + {count}") as experiment:
        people = [lab.person() for _ in range(count)]
        kept = [voice_save(person) for person in people]
        robbed = [voice_save(person, "Robbed") for person in people]
        lab.saved(*kept)
        lost = [outcome.body["voice"]["sample"]["path"] for outcome in lab.saved(*robbed)]
        prefixes = ("voice_samples", "voice_profiles", "tts_generations")
        orphans = [
            f"{prefixes[number % 3]}/{person.uid}/voice_planted_{number}.wav"
            for number, person in enumerate(people)
        ]
        for orphan in orphans:
            lab.bucket.plant(orphan, b"planted")
        for path in lost:
            lab.bucket.remove(path)
        before = lab.checker.look()
        summary = experiment.reconciled()
        after = lab.checker.look()
        experiment.result.runs = 2 * count
        removed = before.objects - after.objects
        found = (summary.get("orphans"), summary.get("missing"))
        if found != (count, count) or removed != set(orphans):
            text = f"{summary} for {count} + {count}; removed {len(removed)} objects"
            experiment.blame([Violation("I2", text)])
        # What was taken is gone for good: only the other half can be whole.
        for save in robbed:
            lab.ledger.sent(save.person.uid, save.kind, save.label, None)
            lab.deleted(Delete(save.person, save.kind, save.label, save.label, permanent=True))
        experiment.judge(kept)
    return experiment.results
