"""What a user does next, drawn at random from what his library holds."""

from collections.abc import Callable

from tests.chaos.clients import Person
from tests.storm.change_draws import ChangeDraws
from tests.storm.library import SPEECHES, VOICES, Library
from tests.storm.look_draws import LookDraws
from tests.storm.save_draws import SaveDraws
from tests.storm.shared import Shared
from tests.storm.worlds import Operation


class Dice(SaveDraws, ChangeDraws, LookDraws):
    """Draws the operations of one user, each kind as often as its weight says."""

    def __init__(self, person: Person, number: int, seed: int, shared: Shared) -> None:
        """See `Draws`."""
        super().__init__(person, number, seed, shared)
        self._weights: dict[Callable[[Library], Operation | None], int] = {
            self.voice: 9,
            self.speech: 20,
            self.repeat: 8,
            self.other_content: 2,
            self.edit_voice: 7,
            self.edit_speech: 6,
            self.delete_voice: 4,
            self.delete_speech: 5,
            self.delete_many: 3,
            self.restore: 7,
            self.withdraw: 2,
            self.renew: 4,
            self.read: 6,
            self.listing: 8,
            self.usage: 3,
            self.export: 2,
            self.import_archive: 3,
            self.stranger: 3,
            self.nonsense: 2,
            self.job: 4,
        }

    def next(self, library: Library) -> Operation:
        """Draw what is done next."""
        kinds = list(self._weights)
        while True:
            [kind] = self.random.choices(kinds, list(self._weights.values()))
            operation = kind(library)
            if operation is not None:
                return operation

    def burst(self, library: Library) -> list[Operation]:
        """Draw two or three operations on the same items, to be sent at the same time."""
        item = self.item(library, VOICES) or self.item(library, SPEECHES)
        if item is None:
            return [self.next(library)]
        kind, item_id = item
        made = (
            [self.replace, self.edit_voice_of, self.renew_of, self.delete_of, self.read_of]
            if kind == VOICES
            else [self.renew_of, self.delete_of, self.read_of]
        )
        chosen = [self.random.choice(made)(library, kind, item_id) for _ in range(2)]
        if self.random.random() < 0.3:
            # A double click.
            chosen.append(chosen[0])
        return chosen
