"""What a user does next, drawn at random from what his library holds."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.chaos.clients import Person
from tests.storm.deleting import Deletion, Restoring, Withdrawal
from tests.storm.edits import Edit, Renew
from tests.storm.job_orders import Job
from tests.storm.library import SPEECHES, VOICES, Library
from tests.storm.moving import Export, Import
from tests.storm.reading import Listing, Nonsense, Read, Stranger, Usage
from tests.storm.requests import PATHS
from tests.storm.saving import WAYS, Saving
from tests.storm.shared import Shared
from tests.storm.sounds import profile, recording
from tests.storm.speech_saves import SaveSpeech
from tests.storm.voice_saves import SaveVoice
from tests.storm.worlds import Operation

# Some have one slug, so that their voices compete for a place.
_NAMES = ("Ana", "ana", "A.N.A", "Ben", "Ben 2", "Cleo", "Dora", "Emil", "Emil!", "Fay", "Gus")
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron")
_LANGUAGES = ("en", "de", "pt-BR")
_MAX_VOICES, _MAX_SPEECHES = 10, 30
_KEYS_AHEAD = 400


class Dice:
    """Draws the operations of one user."""

    def __init__(self, person: Person, number: int, seed: int, shared: Shared) -> None:
        """Draw the same for the same seed and number, as far as the same has happened."""
        self._person, self._shared = person, shared
        self._random = random.Random(f"{seed} {number}")
        self._count = number * 1_000_000
        # What may be sent once more, by its way and with its key.
        self.saved: list[Saving] = []
        self._weights: dict[Callable[[Library], Operation | None], int] = {
            self._voice: 9,
            self._speech: 20,
            self._repeat: 8,
            self._other_content: 2,
            self._edit_voice: 7,
            self._edit_speech: 6,
            self._delete_voice: 4,
            self._delete_speech: 5,
            self._delete_many: 3,
            self._restore: 7,
            self._withdraw: 2,
            self._renew: 4,
            self._read: 6,
            self._list: 8,
            self._usage: 3,
            self._export: 2,
            self._import: 3,
            self._stranger: 3,
            self._nonsense: 2,
            self._job: 4,
        }

    def next(self, library: Library) -> Operation:
        """Draw what is done next."""
        kinds = list(self._weights)
        while True:
            [kind] = self._random.choices(kinds, list(self._weights.values()))
            operation = kind(library)
            if operation is not None:
                return operation

    def burst(self, library: Library) -> list[Operation]:
        """Draw two or three operations on the same items, to be sent at the same time."""
        item = self._item(library, VOICES) or self._item(library, SPEECHES)
        if item is None:
            return [self.next(library)]
        kind, item_id = item
        made = (
            [self._replace, self._edit_voice_of, self._renew_of, self._delete_of, self._read_of]
            if kind == VOICES
            else [self._renew_of, self._delete_of, self._read_of]
        )
        chosen = [self._random.choice(made)(library, kind, item_id) for _ in range(2)]
        if self._random.random() < 0.3:
            # A double click.
            chosen.append(chosen[0])
        return chosen

    def chance(self, share: float) -> bool:
        """Tell whether something of this share happens now."""
        return self._random.random() < share

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _item(self, library: Library, kind: str) -> tuple[str, str] | None:
        ids = [one for one in library.items(kind) if not one.startswith("?")]
        return (kind, self._random.choice(ids)) if ids else None

    def _key(self, number: int) -> str | None:
        return f"key {number}" if self.chance(0.4) else None

    def _text(self, number: int) -> str:
        words = self._random.sample(_WORDS, 3)
        return f"{' '.join(words)} {number}"

    def _tags(self) -> list[str]:
        return self._random.sample(_WORDS, self._random.randint(0, 2))

    def _voice(self, library: Library) -> Operation | None:
        number, name = self._number(), self._random.choice(_NAMES)
        holder = library.holder(name)
        if holder is None and len(library.voices) >= _MAX_VOICES:
            return None
        fields: dict[str, Any] = {"voice_name": name, "language": self._random.choice(_LANGUAGES)}
        if self.chance(0.5):
            fields |= {"tags": self._tags(), "description": self._text(number)}
        if self.chance(0.3):
            fields |= {"template_message": "Hello.", "parameters": {"seed": number}}
        if self.chance(0.4):
            statement = f"I agree, as of {number}."
            fields["consent"] = {"statement": statement, "granted_by": "A Person"}
        if self.chance(0.15):
            fields["voice_id"] = f"own_{self._random.randint(1, 4)}"
        if self.chance(0.15):
            fields["runpod_job_id"] = f"job-{number}"
        if self.chance(0.7 if holder else 0.2):
            fields["replace"] = True
        with_profile = profile(self._random) if self.chance(0.7) else None
        way, key = self._random.choice(WAYS), self._key(number)
        sound = recording(self._random)
        save = SaveVoice(number, self._person, sound, way, fields, key, with_profile)
        self.saved.append(save)
        return save

    def _replace(self, library: Library, _kind: str, voice_id: str) -> Operation:
        number = self._number()
        name = library.voices[voice_id]["name"]
        fields = {"voice_name": name, "language": "en", "replace": True}
        sound, key = recording(self._random), self._key(number)
        save = SaveVoice(number, self._person, sound, "form", fields, key, profile(self._random))
        self.saved.append(save)
        return save

    def _speech(self, library: Library) -> Operation | None:
        voice = self._item(library, VOICES)
        known = [*library.barred, *(one for kind, one in library.trash if kind == VOICES)]
        if self.chance(0.05) and known:
            voice = VOICES, self._random.choice(known)
        if voice is None or len(library.generations) >= _MAX_SPEECHES:
            return None
        number = self._number()
        fields: dict[str, Any] = {
            "voice_id": voice[1],
            "text_input": self._text(number),
            "language": self._random.choice(_LANGUAGES),
        }
        if self.chance(0.4):
            fields |= {"tags": self._tags(), "parameters": {"speed": 1.5, "style": "calm"}}
        if self.chance(0.15):
            fields["again"] = True
        elif self.chance(0.15):
            fields["runpod_job_id"] = f"job-{number}"
        way, key = self._random.choice(WAYS), self._key(number)
        save = SaveSpeech(number, self._person, recording(self._random), way, fields, key)
        self.saved.append(save)
        return save

    def _repeat(self, _library: Library) -> Operation | None:
        """A retry of one of the last saves, by key or by content; or of its job, with other audio.

        What the library forgets of older ones is none of a retry's business.
        """
        if not self.saved:
            return None
        return self._random.choice(self.saved[-12:])

    def _other_content(self, _library: Library) -> Operation | None:
        """A key that was used before, for other content; or a job's id with other audio."""
        keyed = [one for one in self.saved[-_KEYS_AHEAD:] if one.key and one.first]
        jobs = [one for one in self.saved[-12:] if one.fields.get("runpod_job_id")]
        if keyed and (self.chance(0.5) or not jobs):
            before = self._random.choice(keyed)
        elif jobs:
            before = self._random.choice(jobs)
        else:
            return None
        number = self._number()
        return replace(
            before, number=number, audio=recording(self._random), sent=0, first=None, way="form"
        )

    def _edit_voice(self, library: Library) -> Operation | None:
        voice = self._item(library, VOICES)
        return voice and self._edit_voice_of(library, *voice)

    def _edit_voice_of(self, library: Library, kind: str, item_id: str) -> Operation:
        number = self._number()
        changes: dict[str, Any] = self._random.choice(
            [
                {"name": self._random.choice(_NAMES)},
                {"favorite": self.chance(0.5)},
                {"tags": self._tags()},
                {"description": self._text(number), "language": "de"},
                {"template_message": None},
            ]
        )
        return Edit(number, self._person, kind, item_id, changes, self._version(library, item_id))

    def _version(self, library: Library, item_id: str) -> int | None:
        facts = library.voices.get(item_id) or library.generations[item_id]
        known = facts.get("version", 1)
        return self._random.choice([None, None, known, known + 1])

    def _edit_speech(self, library: Library) -> Operation | None:
        speech = self._item(library, SPEECHES)
        if speech is None:
            return None
        changes = self._random.choice([{"favorite": self.chance(0.5)}, {"tags": self._tags()}])
        version = self._version(library, speech[1])
        return Edit(self._number(), self._person, *speech, changes, version)

    def _deletion(self, places: list[tuple[str, str]], *, many: bool) -> Operation:
        voices_first = sorted(dict.fromkeys(places), key=lambda place: place[0] != VOICES)
        along = any(kind == VOICES for kind, _ in places) and self.chance(0.4)
        return Deletion(
            self._number(), self._person, tuple(voices_first), along, self.chance(0.25), many
        )

    def _delete_voice(self, library: Library) -> Operation | None:
        voice = self._item(library, VOICES)
        if self.chance(0.2):
            voice = self._trashed(library, VOICES)
        return voice and self._deletion([voice], many=False)

    def _delete_speech(self, library: Library) -> Operation | None:
        speech = self._item(library, SPEECHES)
        if self.chance(0.1):
            speech = self._trashed(library, SPEECHES)
        return speech and self._deletion([speech], many=False)

    def _delete_of(self, _library: Library, kind: str, item_id: str) -> Operation:
        permanent = self.chance(0.25)
        return Deletion(self._number(), self._person, ((kind, item_id),), permanent=permanent)

    def _delete_many(self, library: Library) -> Operation | None:
        places = [self._item(library, SPEECHES) for _ in range(self._random.randint(1, 4))]
        places += [self._item(library, VOICES)] if self.chance(0.3) else []
        found = [place for place in places if place]
        return self._deletion(found, many=True) if found else None

    def _trashed(self, library: Library, kind: str) -> tuple[str, str] | None:
        places = [place for place in library.trash if place[0] == kind and place[1][0] != "?"]
        return self._random.choice(places) if places else None

    def _restore(self, library: Library) -> Operation | None:
        places = [place for place in library.trash if not place[1].startswith("?")]
        if not places:
            return None
        chosen = self._random.sample(places, min(len(places), self._random.choice([1, 1, 3])))
        voices_first = sorted(chosen, key=lambda place: place[0] != VOICES)
        return Restoring(self._number(), self._person, tuple(voices_first))

    def _withdraw(self, library: Library) -> Operation | None:
        if len(library.barred) > 4:
            # Their names and places are lost for ever.
            return None
        voice = self._item(library, VOICES)
        return voice and Withdrawal(self._number(), self._person, voice[1])

    def _renew(self, library: Library) -> Operation | None:
        item = self._item(library, self._random.choice((VOICES, SPEECHES)))
        return item and self._renew_of(library, *item)

    def _renew_of(self, _library: Library, kind: str, item_id: str) -> Operation:
        return Renew(self._number(), self._person, kind, item_id)

    def _read(self, library: Library) -> Operation | None:
        kind = self._random.choice((VOICES, SPEECHES))
        item = self._trashed(library, kind) if self.chance(0.2) else self._item(library, kind)
        return item and self._read_of(library, *item)

    def _read_of(self, _library: Library, kind: str, item_id: str) -> Operation:
        return Read(self._number(), self._person, kind, item_id)

    def _list(self, library: Library) -> Operation | None:
        kind = self._random.choice((VOICES, SPEECHES))
        query: dict[str, Any] = {"page_size": self._random.choice([3, 7, 25, 100])}
        filters: list[dict[str, Any]] = [
            {},
            {"sort": "updated_at", "order": "asc"},
            {"favorite": self._random.choice(["true", "false"])},
            {"tag": self._random.choice(_WORDS)},
            {"search": self._random.choice(_WORDS)},
            {"language": self._random.choice(_LANGUAGES)},
        ]
        voice = self._item(library, VOICES)
        if kind == SPEECHES and voice:
            filters.append({"voice_id": voice[1]})
        return Listing(self._number(), self._person, kind, query | self._random.choice(filters))

    def _usage(self, _library: Library) -> Operation:
        return Usage(self._number(), self._person)

    def _export(self, library: Library) -> Operation:
        items = [self._item(library, kind) for kind in (VOICES, SPEECHES, SPEECHES)]
        some = tuple(dict.fromkeys(item for item in items if item))
        return Export(self._number(), self._person, some if self.chance(0.8) else ())

    def _import(self, library: Library) -> Operation | None:
        if len(library.voices) >= _MAX_VOICES:
            return None
        archive = self._shared.archive(self._random)
        return archive and Import(self._number(), self._person, archive)

    def _stranger(self, library: Library) -> Operation | None:
        place = self._shared.item_of_another(self._random, self._person.uid)
        if place is None or self._has(library, *place):
            return None
        method = self._random.choice(["GET", "PATCH", "DELETE"])
        return Stranger(self._number(), self._person, method, f"{PATHS[place[0]]}/{place[1]}")

    def _has(self, library: Library, kind: str, item_id: str) -> bool:
        return item_id in library.items(kind) or (kind, item_id) in library.trash

    def _nonsense(self, library: Library) -> Operation:
        sound = recording(self._random).data
        files = {"audio_file": ("a.wav", sound[: len(sound) // 3], "audio/wav")}
        voice = self._item(library, VOICES)
        requests: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
            ("voices_save", {"data": {"voice_name": "Cut"}, "files": files}, (422,)),
            ("voices_save", {"json": {"voice_name": "Mute"}}, (400,)),
            ("voices_save", {"json": {"voice_name": " ", "audio_base64": "AAAA"}}, (400,)),
            ("tts_save", {"json": {"voice_id": "voice_nobody", "audio_base64": "?"}}, (400,)),
        ]
        if voice:
            body = {"voice_id": voice[1], "audio_path": "uploads/somebody/else.wav"}
            requests.append(("tts_save", {"json": body}, (404,)))
        return Nonsense(self._number(), self._person, *self._random.choice(requests))

    def _job(self, library: Library) -> Operation | None:
        number, voice = self._number(), self._item(library, VOICES)
        is_clone = self.chance(0.25) and len(library.voices) < _MAX_VOICES
        if voice is None and not is_clone:
            return None
        cancels = self.chance(0.15)
        follow_up = self._random.choice(["", "retry", "import", "webhook", "delete"])
        if is_clone:
            sample = self._shared.spoken
            job = Job(number, self._person, VOICES, f"Cloned {number}", "", sample)
        else:
            assert voice is not None
            job = Job(number, self._person, SPEECHES, f"Spoken {number}", voice[1])
        return replace(job, cancels=cancels, follow_up=follow_up)
