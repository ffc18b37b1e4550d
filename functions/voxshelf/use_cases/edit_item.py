"""Change what an owner says of a voice or generation, without losing anybody's change."""

from dataclasses import dataclass
from datetime import datetime

from voxshelf.core.edits import UNCHANGED, Edit, VoiceEdit, check_version, edited
from voxshelf.core.reservation import Item
from voxshelf.use_cases.ports import Kind, Library, Renaming
from voxshelf.use_cases.rename_generations import rename_generations


@dataclass(frozen=True, slots=True)
class EditItem:
    """The command. `versions` are those that may be edited; None is whichever it is."""

    uid: str
    item_id: str
    edit: Edit
    versions: frozenset[int] | None = None

    @property
    def kind(self) -> Kind:
        """Return the collection that the item belongs to."""
        return "voices" if isinstance(self.edit, VoiceEdit) else "generations"

    @property
    def names(self) -> bool:
        """Tell whether it gives a voice a name."""
        return isinstance(self.edit, VoiceEdit) and self.edit.name is not UNCHANGED


def edit_item(command: EditItem, *, library: Library) -> Item:
    """Return the item as it is after the edit. Editing again changes nothing.

    Raises:
        NotFound: there is no such item.
        VersionConflict: it is at another version than the command is for.
        InProgress: another version of it is being saved.
        Unavailable.
    """

    def change(item: Item, now: datetime) -> Item:
        check_version(item, command.versions)
        return edited(item, command.edit, now)

    item = library.edit(command.uid, command.kind, command.item_id, change)
    if command.names:
        rename_generations(Renaming(command.uid, item.item_id, item.saved_at), library)
    return item
