"""Upload paths that are used again: no byte that was acknowledged is lost, none removed unsaved.

In each sequence one user uploads to one path, saves by that path, with keys and without, uploads
other bytes there, and tries again, while functions die.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.clients import Person
from tests.chaos.lab import Lab
from tests.chaos.stored import View
from tests.storm.answers import Answer
from tests.storm.attacks import Attacks, outlast_leases
from tests.storm.fleet import Fleet
from tests.storm.judge import digest, stored_violations
from tests.storm.record import Record
from tests.storm.sounds import recording
from tests.storm.uploads import place_upload

_STEPS = (4, 9)
_TARGETS = ("voices_save", "tts_save")


@dataclass
class Sequence:
    """One user's sequence on one path; the bytes that were acknowledged, oldest first."""

    fleet: Fleet
    person: Person
    number: int
    dice: random.Random
    lies: str = ""
    acknowledged: list[str] = field(default_factory=list)
    newest: tuple[int, str] = (0, "")
    # Those of saves whose answers never came.
    perhaps: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    steps: int = 0
    _last: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the one path."""
        return f"uploads/{self.person.uid}/take.wav"

    @property
    def is_voice(self) -> bool:
        """Tell whether it saves a voice again and again, or speech."""
        return self.number % 3 != 0

    def live(self) -> None:
        """Do all its steps."""
        if not self.is_voice:
            self._voice_to_speak()
        self._upload()
        for _ in range(self.dice.randint(*_STEPS)):
            step = self.dice.choice([self._save, self._save, self._again, self._upload])
            step()
            self.steps += 1

    def _voice_to_speak(self) -> None:
        files = {"audio_file": ("a.wav", recording(self.dice).data, "audio/wav")}
        options = {"data": {"voice_name": "Speaker"}, "files": files}
        answer = Answer(None)
        while not answer.is_done:
            answer = self.fleet.call(self.person, "voices_save", "POST", "/", **options)
            time.sleep(0 if answer.is_done else 0.3)

    def _upload(self) -> None:
        sound = recording(self.dice)
        place_upload(self.fleet.lab.bucket, self.path, sound.data)
        self.lies = sound.sha256
        self.told.append(f"upload {sound.sha256[:8]}")

    def _save(self) -> None:
        key = self.dice.choice([None, None, "one", "two"])
        body: dict[str, Any] = {"audio_path": self.path}
        if self.is_voice:
            body |= {"voice_name": "Same", "replace": self.dice.random() < 0.7}
        else:
            body |= {"voice_id": "voice_speaker", "text_input": self.dice.choice(["A", "B"])}
            body |= {"runpod_job_id": "job-1"} if self.dice.random() < 0.2 else {}
        headers = {"Idempotency-Key": key} if key else {}
        self._last = {"json": body, "headers": headers}
        self._send()

    def _again(self) -> None:
        if self._last:
            self._send()

    def _send(self) -> None:
        target = "voices_save" if self.is_voice else "tts_save"
        # Once it was taken over, a retry is answered with what an earlier save has made.
        taken = self.fleet.lab.bucket.read(self.path) is None
        right = {self.lies, *(self.acknowledged if taken else ())}
        answer = self.fleet.call(self.person, target, "POST", "/", **self._last)
        said = f"{self._last['json']} {self._last['headers']}"
        if answer.status == 201:
            body = answer.body.get("voice") or answer.body["generation"]
            kept = (body.get("sample") or body["audio"])["sha256"]
            said += f" has {kept[:8]}"
            self.acknowledged.append(kept)
            self.newest = max(self.newest, (body["version"], kept))
            if kept not in right | (self.perhaps if taken else set()):
                self.wrong.append(f"it was answered with {kept[:8]}, and {self.lies[:8]} lay there")
        elif not answer.is_heard:
            self.perhaps.add(self.lies)
        self.told.append(f"save {said} -> {answer.status} {answer.code}")

    def judged(self, view: View) -> Iterator[str]:
        """Yield what is wrong in the end, once everything is settled."""
        yield from self.wrong
        records = [one for one in view.records if one.uid == self.person.uid and one.is_ready]
        kept = {one.state.audio for one in records}
        promised = set(self.acknowledged)
        if self.is_voice and self.acknowledged:
            # Of a voice the newest version is kept, which may be one that was not acknowledged.
            promised = set() if kept & self.perhaps else {self.newest[1]}
        for lost in promised - kept:
            yield f"{lost[:8]} was acknowledged, and is lost"
        content = self.fleet.lab.bucket.read(self.path)
        lies = None if content is None else digest(content)
        if lies != self.lies and self.lies not in kept | set(self.acknowledged):
            yield f"{self.lies[:8]} is gone from its path, and was never saved"


def reused_paths(
    lab: Lab, sequences: int, kills: int, users: int, seed: int, say: Callable[[str], None]
) -> Record:
    """Live through so many sequences; return what was done and what was wrong."""
    lab.clear()
    record = Record(seed)
    started = time.monotonic()
    with Fleet(lab, os.environ) as fleet:
        all_ = [
            Sequence(fleet, fleet.person(), number, random.Random(f"{seed} path {number}"))
            for number in range(sequences)
        ]

        def live(one: Sequence) -> None:
            one.live()
            record.done(1)

        attacks = Attacks(fleet, record, kills, sequences, targets=_TARGETS)
        with attacks, ThreadPoolExecutor(users) as pool:
            list(pool.map(live, all_))
        say(f"{sequences} sequences, {record.kills} kills; all is compared ...")
        fleet.is_calm = True
        for _ in range(2):
            outlast_leases()
            fleet.reconcile_sound(deep=True)
        view = lab.checker.look()
        for violation in stored_violations(fleet, view):
            record.blame(violation.invariant, violation.text)
        for one in all_:
            if found := list(dict.fromkeys(one.judged(view))):
                head = f"sequence {one.number}: {'; '.join(found)}"
                record.blame("path", "\n    ".join([head, *one.told]))
        record.check("steps", sum(one.steps for one in all_))
        record.check("acknowledged saves", sum(len(one.acknowledged) for one in all_))
    record.seconds = time.monotonic() - started
    return record
