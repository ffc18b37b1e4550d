"""The kinds of work that faults meet: every way to save, delete and rename."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.chaos.clients import Delete, Person, Rename, Restore, Save, Work, speech_save, voice_save
from tests.chaos.faults import UPLOAD, Answer, Rule
from tests.chaos.lab import Lab

MakeWorks = Callable[[Lab, Sequence[Person]], Sequence[Work]]


@dataclass(frozen=True)
class Kind:
    """One kind: the function that does it, and how its works are made, one for each person.

    `refused_upload` is the number of an upload that is said to have failed although it did not:
    the save undoes itself then, while all its objects are there. `environ` is of the function.
    """

    target: str
    make: MakeWorks
    refused_upload: int | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

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


def voice_deletions_for_good(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Deletions of a voice, which cannot be undone; of every second it is in the trash already."""
    deletions = [
        replace(work, permanent=True)
        for work in voice_deletions(lab, people)
        if isinstance(work, Delete)
    ]
    lab.deleted(*(replace(work, permanent=False) for work in deletions[1::2]))
    return deletions


def whole_deletions(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Deletions of a voice with all it has spoken."""
    return [delete for delete, _ in stocked(lab, people)]


def whole_deletions_for_good(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """The same, which cannot be undone."""
    return [replace(delete, permanent=True) for delete, _ in stocked(lab, people)]


def bulk_deletions(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Deletions of a voice and of two generations, all of them named by one request."""
    return [replace(delete, ids=restore.ids) for delete, restore in stocked(lab, people)]


def bulk_restores(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """The return of a voice and of two generations, all of them named by one request."""
    pairs = stocked(lab, people)
    lab.deleted(*(replace(delete, ids=restore.ids) for delete, restore in pairs))
    return [restore for _, restore in pairs]


def whole_restores(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """The return of a voice with all that was deleted with it."""
    pairs = stocked(lab, people)
    lab.deleted(*(delete for delete, _ in pairs))
    return [replace(restore, ids=()) for _, restore in pairs]


def stocked(lab: Lab, people: Sequence[Person]) -> list[tuple[Delete, Restore]]:
    """Save a voice with two generations for each; return how they go, and how they come back."""
    voices = [voice_save(person) for person in people]
    saved = lab.saved(*voices)
    speeches = [
        speech_save(voice.person, outcome.body["voice_id"])
        for voice, outcome in zip(voices, saved, strict=True)
        for _ in range(2)
    ]
    spoken = lab.saved(*speeches)
    pairs = []
    for number, voice in enumerate(voices):
        own = slice(2 * number, 2 * number + 2)
        along = tuple((speech.label, speech.state) for speech in speeches[own])
        ids = tuple(outcome.body["generation_id"] for outcome in spoken[own])
        item = (voice.person, "voices", voice.label, saved[number].body["voice_id"])
        delete = Delete(*item, along=tuple(label for label, _ in along))
        pairs.append((delete, Restore(*item, voice.state, along, ids)))
    return pairs


def renames(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """New names of voices that have spoken."""
    return [
        Rename(delete.person, delete.kind, delete.label, delete.item_id, "Renamed")
        for delete, _ in stocked(lab, people)
    ]


def saves_over(lab: Lab, people: Sequence[Person]) -> Sequence[Work]:
    """Saves of a voice whose place a deleted one still holds."""
    lab.deleted(*(work for work in voice_deletions(lab, people) if isinstance(work, Delete)))
    return [voice_save(person, key=_key(number)) for number, person in enumerate(people)]


KINDS = {
    "voices_save": Kind("voices_save", new_voices),
    "voices_save, replace": Kind("voices_save", replacements),
    "voices_save, undone": Kind("voices_save", new_voices, refused_upload=2),
    "tts_save": Kind("tts_save", speeches),
    "tts_save, undone": Kind("tts_save", speeches, refused_upload=1),
    "delete of a voice": Kind("library", voice_deletions),
    "delete of a generation": Kind("library", speech_deletions),
    # What these delete is due at once: `reconcile` has to purge it.
    "delete, due at once": Kind("library", voice_deletions, environ={"UNDO_FOR_S": "0"}),
    "delete for good": Kind("library", voice_deletions_for_good),
    "delete with generations": Kind("library", whole_deletions),
    "delete with generations, for good": Kind("library", whole_deletions_for_good),
    "delete of many": Kind("library", bulk_deletions),
    "restore with generations": Kind("library", whole_restores),
    "restore of many": Kind("library", bulk_restores),
    "rename": Kind("library", renames),
    "voices_save, over a deleted one": Kind("voices_save", saves_over),
}
