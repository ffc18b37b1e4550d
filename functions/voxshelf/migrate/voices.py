"""Where the voices of the folder lie in the library: ids are those of one place alone."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from voxshelf.migrate.site import Site, body_of

_LIST = "/api/voices?page_size=100"


class KnownVoices:
    """The voices of the library, and which of the folder's is which of them."""

    def __init__(self, site: Site) -> None:
        """List the library when a voice is first looked for."""
        self._site = site
        self._ids: dict[str, str] = {}

    def find(
        self, voice_id: str, is_same: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, Any] | None:
        """Return the voice that has the same files, whatever its name is by now, and note it.

        Of several the one of that id comes first.
        """
        same = [voice for voice in self._listed if is_same(voice)]
        same.sort(key=lambda voice: voice["voice_id"] != voice_id)
        if not same:
            return None
        self.note(voice_id, same[0]["voice_id"])
        return same[0]

    def note(self, voice_id: str, saved_as: str) -> None:
        """Note that a voice of the folder has this id in the library."""
        self._ids[voice_id] = saved_as

    def id_of(self, voice_id: str) -> str:
        """Return the library's id of a voice; one that is not in the folder has its own."""
        return self._ids.get(voice_id, voice_id)

    @cached_property
    def _listed(self) -> list[Mapping[str, Any]]:
        return list(self._pages())

    def _pages(self) -> Iterator[Mapping[str, Any]]:
        path: str | None = _LIST
        while path is not None:
            body = body_of(self._site.get(path))
            yield from body.get("voices", [])
            token = body.get("next_page_token")
            path = f"{_LIST}&page_token={token}" if token else None
