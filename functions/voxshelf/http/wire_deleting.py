"""The JSON objects of deleting and restoring; see `wire` for all others."""

from typing import Literal, TypedDict

ItemKind = Literal["voice", "generation"]


class Deleted(TypedDict):
    """The answer to a deletion: the item is gone for every reader.

    `generations` of its own went with a voice. Nothing can be restored where
    `restorable_until` is null.
    """

    status: Literal["success"]
    message: str
    id: str
    restorable_until: str | None
    generations: int


class DeletedItem(TypedDict):
    """What became of one of several items; `code` tells why it is not deleted, or is null."""

    kind: ItemKind
    id: str
    status: Literal["deleted", "not_found", "failed"]
    code: str | None
    restorable_until: str | None
    generations: int


class DeletedItems(TypedDict):
    """The answer to the deletion of several items, each once, in the order of the request."""

    status: Literal["success"]
    deleted: int
    results: list[DeletedItem]


class RestoredItem(TypedDict):
    """What became of one of several items; `code` tells why it is not restored, or is null."""

    kind: ItemKind
    id: str
    status: Literal["restored", "not_found", "failed"]
    code: str | None
    generations: int


class RestoredItems(TypedDict):
    """The answer to restoring several items, each once, in the order of the request."""

    status: Literal["success"]
    restored: int
    results: list[RestoredItem]
