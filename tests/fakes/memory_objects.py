"""Objects in memory, with a switch that makes the next writes or deletes fail."""

from collections.abc import Iterable, Sequence

from voxshelf.core.content import NewObject
from voxshelf.core.errors import Unavailable


class MemoryObjects:
    """Plays `ObjectStore`; `stored` maps paths to what was written and its bytes."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[NewObject, bytes]] = {}
        self.failing_paths: set[str] = set()
        self.deletes_fail = False

    def create(self, objects: Sequence[NewObject]) -> None:
        for new in objects:
            if any(part in new.path for part in self.failing_paths):
                raise Unavailable
            content = new.content.rewound().read()
            found = self.stored.get(new.path)
            if found is not None and (found[1] != content or found[0].token != new.token):
                raise Unavailable("The file's name is taken by an earlier attempt. Try again.")
            self.stored[new.path] = (new, content)

    def delete(self, paths: Iterable[str]) -> None:
        if self.deletes_fail:
            raise Unavailable
        for path in paths:
            self.stored.pop(path, None)
