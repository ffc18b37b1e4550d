"""The JSON objects of an import; see `wire` for all others."""

from typing import Literal, TypedDict


class ImportResult(TypedDict):
    """What became of one line of an archive.

    `kind` and `id` are as the archive has them, null where a line could not be read; `saved_as`
    is the id in this library. `code` and `message` tell why it failed; a message without a code
    tells what an import has ended: a deleted voice in whose place it is.
    """

    kind: Literal["voice", "generation"] | None
    id: str | None
    status: Literal["imported", "already_there", "failed"]
    saved_as: str | None
    code: str | None
    message: str | None


class ImportAnswer(TypedDict):
    """What became of an archive, or of some lines of it: then go on with `next_start`.

    `next_token` goes with it: with it the next request is refused another archive than this one.
    """

    status: Literal["success"]
    results: list[ImportResult]
    imported: int
    already_there: int
    failed: int
    done: bool
    next_start: int | None
    next_token: str | None
