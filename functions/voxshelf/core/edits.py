"""What an owner changes of an item that is in the library, as values."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from voxshelf.core.errors import VersionConflict
from voxshelf.core.reservation import Item


class Unchanged(Enum):
    """The value of a field that stays as it is; None would clear it."""

    UNCHANGED = auto()


UNCHANGED = Unchanged.UNCHANGED


@dataclass(frozen=True, slots=True)
class VoiceEdit:
    """The new values of some fields of a voice."""

    name: str | Unchanged = UNCHANGED
    description: str | Unchanged | None = UNCHANGED
    language: str | Unchanged | None = UNCHANGED
    tags: tuple[str, ...] | Unchanged = UNCHANGED
    favorite: bool | Unchanged = UNCHANGED
    template_message: str | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True)
class GenerationEdit:
    """The new values of some fields of a generation."""

    tags: tuple[str, ...] | Unchanged = UNCHANGED
    favorite: bool | Unchanged = UNCHANGED


Edit = VoiceEdit | GenerationEdit


def changes_of(edit: Edit) -> dict[str, Any]:
    """Return the fields that an edit names, with their new values."""
    values = {field.name: getattr(edit, field.name) for field in fields(edit)}
    return {name: value for name, value in values.items() if value is not UNCHANGED}


def edited(item: Item, edit: Edit, now: datetime) -> Item:
    """Return the item as it is after an edit: the very same where nothing differs.

    The names of an edit's fields are those of the item. `now` is the database's time.
    """
    changed = replace(item, **changes_of(edit))
    if changed == item:
        return item
    return replace(changed, version=item.version + 1, updated_at=now)


def check_version(item: Item, versions: frozenset[int] | None) -> None:
    """Refuse to edit another version than the editor has seen; None is whichever it is.

    Raises:
        VersionConflict: with the item as it is.
    """
    if versions is not None and item.version not in versions:
        raise VersionConflict(item)
