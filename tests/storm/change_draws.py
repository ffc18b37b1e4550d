"""Changes of what is there, drawn at random: edits, deletions, and their undoing."""

from typing import Any

from tests.storm.deleting import Deletion, Restoring, Withdrawal
from tests.storm.draws import NAMES, Draws
from tests.storm.edits import Edit, Renew
from tests.storm.library import SPEECHES, VOICES, Library
from tests.storm.worlds import Operation


class ChangeDraws(Draws):
    """Draws changes."""

    def edit_voice(self, library: Library) -> Operation | None:
        voice = self.item(library, VOICES)
        return voice and self.edit_voice_of(library, *voice)

    def edit_voice_of(self, library: Library, kind: str, item_id: str) -> Operation:
        number = self.number()
        changes: dict[str, Any] = self.random.choice(
            [
                {"name": self.random.choice(NAMES)},
                {"favorite": self.chance(0.5)},
                {"tags": self.tags()},
                {"description": self.text(number), "language": "de"},
                {"template_message": None},
            ]
        )
        return Edit(number, self.person, kind, item_id, changes, self.version(library, item_id))

    def version(self, library: Library, item_id: str) -> int | None:
        facts = library.voices.get(item_id) or library.generations[item_id]
        known = facts.get("version", 1)
        return self.random.choice([None, None, known, known + 1])

    def edit_speech(self, library: Library) -> Operation | None:
        speech = self.item(library, SPEECHES)
        if speech is None:
            return None
        changes = self.random.choice([{"favorite": self.chance(0.5)}, {"tags": self.tags()}])
        version = self.version(library, speech[1])
        return Edit(self.number(), self.person, *speech, changes, version)

    def deletion(self, places: list[tuple[str, str]], *, many: bool) -> Operation:
        voices_first = sorted(dict.fromkeys(places), key=lambda place: place[0] != VOICES)
        along = any(kind == VOICES for kind, _ in places) and self.chance(0.4)
        return Deletion(
            self.number(), self.person, tuple(voices_first), along, self.chance(0.25), many
        )

    def delete_voice(self, library: Library) -> Operation | None:
        voice = self.item(library, VOICES)
        if self.chance(0.2):
            voice = self.trashed(library, VOICES)
        return voice and self.deletion([voice], many=False)

    def delete_speech(self, library: Library) -> Operation | None:
        speech = self.item(library, SPEECHES)
        if self.chance(0.1):
            speech = self.trashed(library, SPEECHES)
        return speech and self.deletion([speech], many=False)

    def delete_of(self, _library: Library, kind: str, item_id: str) -> Operation:
        permanent = self.chance(0.25)
        return Deletion(self.number(), self.person, ((kind, item_id),), permanent=permanent)

    def delete_many(self, library: Library) -> Operation | None:
        places = [self.item(library, SPEECHES) for _ in range(self.random.randint(1, 4))]
        places += [self.item(library, VOICES)] if self.chance(0.3) else []
        found = [place for place in places if place]
        return self.deletion(found, many=True) if found else None

    def restore(self, library: Library) -> Operation | None:
        places = [place for place in library.trash if not place[1].startswith("?")]
        if not places:
            return None
        chosen = self.random.sample(places, min(len(places), self.random.choice([1, 1, 3])))
        voices_first = sorted(chosen, key=lambda place: place[0] != VOICES)
        return Restoring(self.number(), self.person, tuple(voices_first))

    def withdraw(self, library: Library) -> Operation | None:
        if len(library.barred) > 4:
            # Their names and places are lost for ever.
            return None
        voice = self.item(library, VOICES)
        return voice and Withdrawal(self.number(), self.person, voice[1])

    def renew(self, library: Library) -> Operation | None:
        item = self.item(library, self.random.choice((VOICES, SPEECHES)))
        return item and self.renew_of(library, *item)

    def renew_of(self, _library: Library, kind: str, item_id: str) -> Operation:
        return Renew(self.number(), self.person, kind, item_id)
