"""The kinds of work that faults meet: every way to save and to delete."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.clients import Delete, Person, Save, Work, speech_save, voice_save
from tests.chaos.faults import UPLOAD, Answer, Rule
from tests.chaos.lab import Lab

MakeWorks = Callable[[Lab, Sequence[Person]], Sequence[Work]]


@dataclass(frozen=True)
class Kind:
    """One kind: the function that does it, and how its works are made, one for each person.

    `refused_upload` is the number of an upload that is said to have failed although it did not:
    the save undoes itself then, while all its objects are there.
    """

    target: str
    make: MakeWorks
    refused_upload: int | None = None

    def faults(self, works: Iterable[Work]) -> list[Rule]:
        """Return the faults that are part of the work itself."""
        if self.refused_upload is None:
            return []
        refused = Answer(403, forwarded=True)
        return [
            Rule(refused, UPLOAD, uid=work.person.uid, first=self.refused_upload) for work in works
        ]


def _key(index: int, text: str = "") -> str | None:
    """Every second pair of users sends a key, so that both halves of a settling have both."""
    return f"key {text}{index}" if index // 2 % 2 else None


def new_voices(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """First saves of a voice."""
    return [voice_save(person, key=_key(number)) for number, person in enumerate(people)]


def replacements(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Saves over a voice that is there."""
    lab.saved(*(voice_save(person) for person in people))
    return [
        voice_save(person, key=_key(number), replace="true") for number, person in enumerate(people)
    ]


def speeches(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Saves of speech; without a key each retry would be a new generation."""
    voices = lab.saved(*(voice_save(person) for person in people))
    return [
        speech_save(person, voice.body["voice_id"], key=f"key {number}")
        for number, (person, voice) in enumerate(zip(people, voices, strict=True))
    ]


def voice_deletions(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Deletions of a voice with a profile."""
    voices = lab.saved(*(voice_save(person) for person in people))
    return [
        Delete(person, "voices", voice.body["voice_id"], voice.body["voice_id"])
        for person, voice in zip(people, voices, strict=True)
    ]


def speech_deletions(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Deletions of a generation."""
    saves = [work for work in speeches(lab, people) if isinstance(work, Save)]
    saved = lab.saved(*saves)
    return [
        Delete(save.person, "generations", save.label, outcome.body["generation_id"])
        for save, outcome in zip(saves, saved, strict=True)
    ]


KINDS = {
    "voices_save": Kind("voices_save", new_voices),
    "voices_save, replace": Kind("voices_save", replacements),
    "voices_save, undone": Kind("voices_save", new_voices, refused_upload=2),
    "tts_save": Kind("tts_save", speeches),
    "tts_save, undone": Kind("tts_save", speeches, refused_upload=1),
    "delete of a voice": Kind("library", voice_deletions),
    "delete of a generation": Kind("library", speech_deletions),
}
